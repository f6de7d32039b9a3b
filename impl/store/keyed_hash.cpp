// SPDX-License-Identifier: Apache-2.0
#include <thv/store/keyed_hash.hpp>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace thv::store {
namespace {

std::string to_hex(unsigned char const* bytes, std::size_t size) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

}  // namespace

std::string keyed_hash(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  // An empty key must not be a null pointer, which would mean "the key of before".
  auto const* const key_bytes = key.empty() ? "" : key.data();
  auto const* const text_bytes = reinterpret_cast<unsigned char const*>(text.data());
  if (!::HMAC(::EVP_sha256(), key_bytes, static_cast<int>(key.size()), text_bytes, text.size(),
              digest.data(), &size))
    throw std::runtime_error("OpenSSL cannot compute HMAC-SHA-256");
  return to_hex(digest.data(), size);
}

std::string random_hex(std::size_t bytes) {
  std::string buffer(bytes, '\0');
  std::size_t have = 0;
  while (have < bytes) {
    auto const n = ::getrandom(buffer.data() + have, bytes - have, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    have += static_cast<std::size_t>(n);
  }
  return to_hex(reinterpret_cast<unsigned char const*>(buffer.data()), bytes);
}

}  // namespace thv::store
