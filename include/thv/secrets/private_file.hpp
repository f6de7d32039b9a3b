// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include <thv/error.hpp>

namespace thv::secrets {

/// Reads a regular file that nobody but its owner can read, of at most `largest` bytes.
/// `what` is its name in messages: "vault". errc::not_found, errc::permission_denied with the
/// chmod to run, errc::invalid_argument for what is no file or too large, errc::io.
[[nodiscard]] result<std::string> read_private_file(std::filesystem::path const& path,
                                                    std::string const& what, std::size_t largest);

}  // namespace thv::secrets
