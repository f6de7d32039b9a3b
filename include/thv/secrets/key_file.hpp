// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include <thv/error.hpp>
#include <thv/secrets/secret_key.hpp>

namespace thv::secrets {

/// Reads a key from a file of one line (`secret_key::from_text`). errc::not_found,
/// errc::permission_denied where others can read it, errc::invalid_argument for anything else than
/// a key, which is not repeated.
[[nodiscard]] result<secret_key> read_key_file(std::filesystem::path const& path);

/// Makes a file of mode 0600 with a new random key, and the folders above it.
/// errc::already_exists, and then the file is left as it is.
[[nodiscard]] result<secret_key> make_key_file(std::filesystem::path const& path);

}  // namespace thv::secrets
