// SPDX-License-Identifier: Apache-2.0
#include "lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdint>

#include <thv/json/parse.hpp>

namespace thv::clients {
namespace {

constexpr std::size_t largest = std::size_t{32} << 20;

unsigned byte(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

// The length of the UTF-8 sequence at `at`; 0 if there is none.
std::size_t sequence(std::string_view text, std::size_t at) {
  auto const first = byte(text, at);
  if (first < 0x80) return 1;
  auto const length = first >= 0xC2 && first < 0xE0 ? 2U : first >= 0xE0 && first < 0xF0 ? 3U : 4U;
  if (first < 0xC2 || first > 0xF4) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(text, at + i) & 0xC0) != 0x80) return 0;
  auto const second = byte(text, at + 1);
  auto const wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

// Control characters that YAML does not allow, and what some readers take for a line end or a byte
// order mark.
bool is_escaped(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF;
}

std::uint32_t code_point(std::string_view text, std::size_t at, std::size_t length) {
  auto const first = byte(text, at);
  if (length <= 1) return first;
  std::uint32_t c = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) c = (c << 6) | (byte(text, at + i) & 0x3FU);
  return c;
}

}  // namespace

std::string apply(std::string_view text, std::vector<splice> splices) {
  std::stable_sort(splices.begin(), splices.end(),
                   [](auto const& a, auto const& b) { return a.begin < b.begin; });
  std::string out;
  out.reserve(text.size() + splices.size() * 256);
  std::size_t at = 0;
  for (auto const& s : splices) {
    if (s.begin > at) out += text.substr(at, s.begin - at);
    out += s.text;
    at = std::max({at, s.begin, s.end});
  }
  out += text.substr(at);
  return out;
}

std::size_t byte_order_mark_size(std::string_view text) {
  return text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
}

std::string_view line_end_style(std::string_view text) {
  auto const at = text.find('\n');
  return at != npos && at > 0 && text[at - 1] == '\r' ? "\r\n" : "\n";
}

std::size_t line_begin(std::string_view text, std::size_t at) {
  auto const before = at == 0 ? npos : text.rfind('\n', at - 1);
  return before == npos ? byte_order_mark_size(text) : before + 1;
}

std::size_t line_end(std::string_view text, std::size_t at) {
  auto const end = text.find('\n', at);
  if (end == npos) return text.size();
  return end > at && text[end - 1] == '\r' ? end - 1 : end;
}

std::size_t next_line(std::string_view text, std::size_t at) {
  auto const end = text.find('\n', at);
  return end == npos ? text.size() : end + 1;
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(" \t", at), text.size());
}

bool is_blank_line(std::string_view text, std::size_t at) {
  auto const first = text.find_first_not_of(" \t\r", line_begin(text, at));
  return first == npos || text[first] == '\n';
}

bool is_comment_line(std::string_view text, std::size_t at) {
  auto const first = skip_spaces(text, line_begin(text, at));
  return first < text.size() && text[first] == '#';
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n", byte_order_mark_size(text)) == npos;
}

std::size_t last_content(std::string_view text, std::size_t end) {
  auto const last = text.substr(0, end).find_last_not_of(" \t\r\n");
  return line_end(text, last == npos ? 0 : last);
}

splice cut_lines(std::string_view text, std::size_t begin, std::size_t end, int lines) {
  auto const start = byte_order_mark_size(text);
  auto from = begin;
  for (; lines > 0 && from > start && text[from - 1] == '\n'; --lines) {
    from -= from - start > 1 && text[from - 2] == '\r' ? 2 : 1;
  }
  if (from == begin && line_end(text, end) == end) end = next_line(text, end);
  return {from, end, {}};
}

std::string quoted(std::string_view value) {
  std::string out = "\"";
  for (std::size_t at = 0; at < value.size();) {
    auto const length = std::max<std::size_t>(sequence(value, at), 1);
    auto const c = code_point(value, at, length);
    if (c == '"' || c == '\\')
      out += {'\\', static_cast<char>(c)};
    else if (is_escaped(c))
      out += fmt::format("\\u{:04X}", c);
    else
      out += value.substr(at, length);
    at += length;
  }
  return out + '"';
}

std::string plain_text(boost::json::value const& value) {
  auto const* const floating = value.if_double();
  if (floating == nullptr) return boost::json::serialize(value);
  auto text = fmt::format("{}", *floating);
  if (text.find_first_of(".e") == npos) text += ".0";
  return text;
}

result<void> check_text(std::string_view text) {
  if (text.size() > largest)
    return fail(errc::invalid_argument, "the file is larger than 32 MiB",
                "a client's configuration is small: is this the right file?");
  for (std::size_t at = 0; at < text.size();) {
    auto const length = sequence(text, at);
    if (length == 0)
      return fail(errc::invalid_argument, "the file is not UTF-8", "save the file as UTF-8",
                  place(text, at));
    auto const c = byte(text, at);
    auto const lone = c == '\r' && byte(text, at + 1) != '\n';
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F || lone)
      return fail(errc::invalid_argument, "the file holds a control character",
                  "remove the character at that place, then repeat", place(text, at));
    at += length;
  }
  return {};
}

std::string place(std::string_view text, std::size_t at) {
  return thv::json::detail::line_and_column("", text, at).substr(1);
}

}  // namespace thv::clients
