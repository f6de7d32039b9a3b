// SPDX-License-Identifier: Apache-2.0
#include "vault_keys.hpp"

#include <sodium.h>

#include <cstring>
#include <string_view>

#include "locked_buffer.hpp"

namespace thv::secrets {

namespace {

/// Keyed BLAKE2b of a purpose, the id and the salt.
void derive(secret_key const& key, vault_header const& header, std::string_view purpose,
            unsigned char* into, std::size_t size) {
  start_sodium();
  std::string text(purpose);
  text.append(reinterpret_cast<char const*>(header.id.data()), header.id.size());
  text.append(reinterpret_cast<char const*>(header.salt.data()), header.salt.size());
  ::crypto_generichash(into, size, reinterpret_cast<unsigned char const*>(text.data()), text.size(),
                       key.bytes().data(), secret_key::size);
}

}  // namespace

std::array<unsigned char, 16> key_check(secret_key const& key, vault_header const& header) {
  std::array<unsigned char, 16> check{};
  derive(key, header, "thv-engine vault check", check.data(), check.size());
  return check;
}

secret_key contents_key(secret_key const& key, vault_header const& header) {
  locked_buffer bytes(secret_key::size);
  derive(key, header, "thv-engine vault contents", bytes.data(), bytes.size());
  return secret_key::copy_of(
      std::span<unsigned char const, secret_key::size>(bytes.data(), secret_key::size));
}

}  // namespace thv::secrets
