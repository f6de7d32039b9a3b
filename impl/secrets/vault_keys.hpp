// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include <thv/secrets/secret_key.hpp>
#include <thv/secrets/vault_header.hpp>

namespace thv::secrets {

/// What the header keeps of the key: derived from it, from the id and from the salt, so that it
/// says nothing about the key that encrypts, nor that two vaults have the same one.
[[nodiscard]] std::array<unsigned char, 16> key_check(secret_key const& key,
                                                      vault_header const& header);

/// The key that encrypts the contents.
[[nodiscard]] secret_key contents_key(secret_key const& key, vault_header const& header);

}  // namespace thv::secrets
