// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <thv/gateway/header_value.hpp>

namespace thv::gateway {

namespace {

constexpr std::string_view opening = "=?base64?";
constexpr std::string_view closing = "?=";
constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string encode_header_value(std::string_view text) {
  bool plain = !text.empty() && text.front() != ' ' && text.back() != ' ' &&
               !(text.starts_with(opening) && text.ends_with(closing));
  for (unsigned char const c : text)
    if (c < 0x20 || c > 0x7E) plain = false;
  if (plain) return std::string(text);
  std::string out(opening);
  auto const at = [&](std::size_t k) {
    return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u;
  };
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned const bits = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out += digits[bits >> 18 & 63];
    out += digits[bits >> 12 & 63];
    out += i + 1 < text.size() ? digits[bits >> 6 & 63] : '=';
    out += i + 2 < text.size() ? digits[bits & 63] : '=';
  }
  out += closing;
  return out;
}

std::optional<std::string> decode_header_value(std::string_view value) {
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  if (!value.starts_with(opening) || !value.ends_with(closing) ||
      value.size() < opening.size() + closing.size())
    return std::string(value);
  value.remove_prefix(opening.size());
  value.remove_suffix(closing.size());
  if (value.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < value.size(); i += 4) {
    bool const last = i + 4 == value.size();
    std::size_t padding = 0;
    if (last && value[i + 3] == '=') padding = value[i + 2] == '=' ? 2 : 1;
    unsigned bits = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      std::size_t digit = 0;
      if (k < 4 - padding) {
        digit = digits.find(value[i + k]);
        if (digit == std::string_view::npos) return std::nullopt;
      }
      bits = bits << 6 | static_cast<unsigned>(digit);
    }
    for (std::size_t k = 0; k < 3 - padding; ++k)
      out += static_cast<char>(bits >> (16 - 8 * k) & 0xFF);
  }
  return out;
}

}  // namespace thv::gateway
