// SPDX-License-Identifier: Apache-2.0
// Finds values in JSON text without building a tree: a benchmark's ends must cost next to nothing.
// It trusts that the text is JSON; text that is not ends in an empty view, never in a wrong read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

inline std::size_t after_space(std::string_view text, std::size_t at) {
  while (at < text.size() &&
         (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
    ++at;
  return at;
}

/// The position behind the string whose opening quote is at `at`, or npos when it does not end.
inline std::size_t after_string(std::string_view text, std::size_t at) {
  for (auto from = at + 1;;) {
    auto const quote = text.find('"', from);
    if (quote == text.npos) return quote;
    std::size_t slashes = 0;
    while (text[quote - 1 - slashes] == '\\') ++slashes;
    if (slashes % 2 == 0) return quote + 1;
    from = quote + 1;
  }
}

/// The position behind the value that begins at `at`, or npos when it does not end.
inline std::size_t after_value(std::string_view text, std::size_t at) {
  if (at >= text.size()) return text.npos;
  if (text[at] == '"') return after_string(text, at);
  if (text[at] != '{' && text[at] != '[') {
    auto const end = text.find_first_of(",]} \t\r\n", at);
    return end == text.npos ? text.size() : end;
  }
  for (std::size_t depth = 0; at < text.size(); ++at) {
    auto const c = text[at];
    if (c == '"') {
      at = after_string(text, at);
      if (at == text.npos) return at;
      --at;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return at + 1;
    }
  }
  return text.npos;
}

/// Calls `visit(key, value)` for each member of an object; keys come without their quotes.
template <class Visitor>
void each_member(std::string_view object, Visitor&& visit) {
  auto at = after_space(object, 0);
  if (at >= object.size() || object[at] != '{') return;
  for (++at;; ++at) {
    at = after_space(object, at);
    if (at >= object.size() || object[at] != '"') return;
    auto const key_end = after_string(object, at);
    if (key_end == object.npos) return;
    auto const key = object.substr(at + 1, key_end - at - 2);
    at = after_space(object, key_end);
    if (at >= object.size() || object[at] != ':') return;
    at = after_space(object, at + 1);
    auto const end = after_value(object, at);
    if (end == object.npos) return;
    visit(key, object.substr(at, end - at));
    at = after_space(object, end);
    if (at >= object.size() || object[at] != ',') return;
  }
}

/// The value of a key, as it is written, or an empty view.
inline std::string_view member(std::string_view object, std::string_view wanted) {
  std::string_view found;
  each_member(object, [&](std::string_view key, std::string_view value) {
    if (key == wanted) found = value;
  });
  return found;
}

/// Calls `visit(value)` for each element of an array.
template <class Visitor>
void each_element(std::string_view array, Visitor&& visit) {
  auto at = after_space(array, 0);
  if (at >= array.size() || array[at] != '[') return;
  for (++at;; ++at) {
    at = after_space(array, at);
    if (at >= array.size() || array[at] == ']') return;
    auto const end = after_value(array, at);
    if (end == array.npos) return;
    visit(array.substr(at, end - at));
    at = after_space(array, end);
    if (at >= array.size() || array[at] != ',') return;
  }
}

/// A string without its quotes, its escapes left as they are.
inline std::string_view unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' ? text.substr(1, text.size() - 2)
                                                 : std::string_view{};
}

/// A quoted string with its escapes resolved.
inline std::string unescaped(std::string_view quoted) {
  auto const text = unquoted(quoted);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    auto const c = text[++i];
    if (c == 'u' && i + 4 < text.size()) {
      // One code unit is enough here: our texts hold nothing outside the first plane.
      auto const unit = std::stoul(std::string{text.substr(i + 1, 4)}, nullptr, 16);
      if (unit >= 0x800) out += static_cast<char>(0xe0 | (unit >> 12));
      if (unit >= 0x800) out += static_cast<char>(0x80 | ((unit >> 6) & 0x3f));
      if (unit >= 0x80 && unit < 0x800) out += static_cast<char>(0xc0 | (unit >> 6));
      out += static_cast<char>(unit < 0x80 ? unit : 0x80 | (unit & 0x3f));
      i += 4;
    } else {
      constexpr std::string_view names = "nrtbf", values = "\n\r\t\b\f";
      auto const known = names.find(c);
      out += known == names.npos ? c : values[known];
    }
  }
  return out;
}

}  // namespace bench
