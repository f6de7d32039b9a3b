// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/secret_key.hpp>

#include <sodium.h>

#include <new>

#include <thv/model/utf8.hpp>

#include "locked_buffer.hpp"

namespace thv::secrets {

void wipe(std::string& text) noexcept {
  ::sodium_memzero(text.data(), text.size());
  text.clear();
}

secret_key::secret_key() {
  start_sodium();
  bytes_.reset(static_cast<unsigned char*>(::sodium_malloc(size)));
  if (!bytes_) throw std::bad_alloc();
}

void secret_key::release::operator()(unsigned char* bytes) const noexcept {
  ::sodium_free(bytes);
}

secret_key secret_key::random() {
  secret_key key;
  ::randombytes_buf(key.bytes_.get(), size);
  return key;
}

secret_key secret_key::copy_of(std::span<unsigned char const, size> bytes) {
  secret_key key;
  std::copy(bytes.begin(), bytes.end(), key.bytes_.get());
  return key;
}

std::span<unsigned char const, secret_key::size> secret_key::bytes() const {
  return std::span<unsigned char const, size>(bytes_.get(), size);
}

result<secret_key> secret_key::from_text(std::string_view text) {
  secret_key key;
  std::size_t length = 0;
  char const* end = nullptr;
  auto const whole = [&] { return length == size && end == text.data() + text.size(); };
  if (text.size() == 2 * size &&
      ::sodium_hex2bin(key.bytes_.get(), size, text.data(), text.size(), nullptr, &length, &end) ==
          0 &&
      whole())
    return key;
  auto const variant = text.size() == 44   ? sodium_base64_VARIANT_ORIGINAL
                       : text.size() == 43 ? sodium_base64_VARIANT_ORIGINAL_NO_PADDING
                                           : 0;
  // libsodium 1.0.18 takes bytes beyond ASCII for digits.
  if (variant != 0 && is_ascii(text) &&
      ::sodium_base642bin(key.bytes_.get(), size, text.data(), text.size(), nullptr, &length, &end,
                          variant) == 0 &&
      whole())
    return key;
  return fail(errc::invalid_argument, "is no key",
              "a key is 32 bytes: 64 hexadecimal digits, or base64");
}

std::string secret_key::to_text() const {
  std::string text(2 * size + 1, '\0');
  ::sodium_bin2hex(text.data(), text.size(), bytes_.get(), size);
  text.pop_back();
  return text;
}

bool operator==(secret_key const& a, secret_key const& b) {
  return ::sodium_memcmp(a.bytes_.get(), b.bytes_.get(), secret_key::size) == 0;
}

}  // namespace thv::secrets
