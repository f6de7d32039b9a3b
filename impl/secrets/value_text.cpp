// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/value_text.hpp>

#include <sodium.h>

#include <thv/model/utf8.hpp>

namespace thv::secrets {

std::optional<std::string> base64_unless_utf8(std::string_view value) {
  if (is_utf8(value)) return std::nullopt;
  constexpr int variant = sodium_base64_VARIANT_ORIGINAL;
  std::string text(sodium_base64_ENCODED_LEN(value.size(), variant), '\0');
  ::sodium_bin2base64(text.data(), text.size(),
                      reinterpret_cast<unsigned char const*>(value.data()), value.size(), variant);
  text.pop_back();  // the zero byte at its end
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  // libsodium 1.0.18 takes bytes beyond ASCII for digits.
  if (!is_ascii(text)) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  std::size_t size = 0;
  char const* end = nullptr;
  if (::sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                          text.size(), nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size())
    return std::nullopt;
  bytes.resize(size);
  return bytes;
}

}  // namespace thv::secrets
