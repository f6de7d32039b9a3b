// SPDX-License-Identifier: Apache-2.0
#include "json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/stream_parser.hpp>

#include <thv/json/parse.hpp>

namespace thv::clients::json_text {

namespace json = boost::json;

namespace {

// Deeper ones are refused, since the parser takes stack for each level.
constexpr std::size_t deepest = 500;

json::parse_options options() {
  json::parse_options o;
  o.max_depth = deepest;
  o.allow_comments = true;
  o.allow_trailing_commas = true;
  o.allow_invalid_utf8 = true;  // clients read it too, and we only copy it
  return o;
}

std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

bool is_comment(std::string_view text, std::size_t at) {
  auto const begin = text.substr(at, 2);
  return begin == "//" || begin == "/*";
}

// npos: it has no end.
std::size_t end_of_comment(std::string_view text, std::size_t at) {
  auto const block = text.substr(at).starts_with("/*");
  auto const end = block ? text.find("*/", at + 2) : std::min(text.find('\n', at), text.size());
  return end == npos || !block ? end : end + 2;
}

std::size_t skip_comment(std::string_view text, std::size_t at) {
  return std::min(end_of_comment(text, at), text.size());
}

std::size_t skip_structure(std::string_view text, std::size_t at) {
  for (std::size_t depth = 0; at < text.size();) {
    auto const c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    if (is_comment(text, at)) {
      at = skip_comment(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  return at;
}

// White space in the place of comments.
std::string without_comments(std::string_view text) {
  std::string out(text);
  for (auto at = text.find_first_of("\"/"); at != npos; at = text.find_first_of("\"/", at)) {
    if (text[at] == '"') {
      at = skip_string(text, at);
      continue;
    }
    auto const end = is_comment(text, at) ? end_of_comment(text, at) : npos;
    if (end == npos) break;  // no JSON
    for (; at < end; ++at)
      if (text[at] != '\n') out[at] = ' ';
  }
  return out;
}

std::string key_of(std::string_view token) {
  auto const raw = token.substr(1, token.size() - 2);
  if (raw.find('\\') == npos) return std::string(raw);
  json::error_code code;
  auto const value =
      json::parse(json::string_view(token.data(), token.size()), code, {}, options());
  return code ? std::string(raw) : std::string(value.get_string());
}

result<json::value> parse_value(std::string_view text) {
  json::stream_parser parser(json::storage_ptr(), options());
  parser.reset(json::make_shared_resource<json::monotonic_resource>());
  json::error_code code;
  auto const consumed = parser.write_some(text.data(), text.size(), code);
  if (!code && consumed < text.size()) code = json::error::extra_data;
  if (!code) parser.write("\n", 1, code);  // ends a comment in the last line
  if (!code) parser.finish(code);
  if (!code) return parser.release();
  auto where = thv::json::detail::line_and_column("", text, consumed).substr(1);
  if (code == json::error::too_deep)
    return fail(errc::invalid_argument, fmt::format("nested deeper than {} levels", deepest),
                "a client's configuration is not expected to be that deep; look into it",
                std::move(where));
  auto const wide = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
  return fail(errc::invalid_argument, "not valid JSON: " + code.message(),
              wide ? "save the file as UTF-8" : "correct the file at that place, then repeat",
              std::move(where));
}

}  // namespace

result<json::value> parse(std::string_view text) {
  // Boost 1.81 does not see the end of a comment that has two stars before its last slash.
  if (text.find("**/") != npos) return parse_value(without_comments(text));
  return parse_value(text);
}

std::string_view name_of(json::value const& value) {
  if (value.is_array()) return "a list";
  if (value.is_string()) return "a string";
  if (value.is_bool()) return "true or false";
  if (value.is_null()) return "null";
  return value.is_object() ? "an object" : "a number";
}

std::size_t byte_order_mark(std::string_view text) {
  return text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
}

std::size_t skip_trivia(std::string_view text, std::size_t at) {
  for (;;) {
    at = std::min(text.find_first_not_of(" \t\r\n", at), text.size());
    if (!is_comment(text, at)) return at;
    at = skip_comment(text, at);
  }
}

std::size_t skip_value(std::string_view text, std::size_t at) {
  if (at >= text.size()) return at;
  if (text[at] == '"') return skip_string(text, at);
  if (text[at] == '{' || text[at] == '[') return skip_structure(text, at);
  return std::min(text.find_first_of(" \t\r\n,]}/", at), text.size());
}

std::size_t object::find(std::string_view key) const {
  for (auto i = members.size(); i > 0; --i)
    if (members[i - 1].key == key) return i - 1;
  return npos;
}

object scan_object(std::string_view text, std::size_t open) {
  object found{open, text.size(), {}};
  for (auto at = skip_trivia(text, open + 1); at < text.size(); at = skip_trivia(text, at)) {
    if (text[at] != '"') {
      found.close = at;
      break;
    }
    member m;
    m.key_begin = at;
    at = skip_string(text, at);
    m.key = key_of(text.substr(m.key_begin, at - m.key_begin));
    m.value_begin = skip_trivia(text, skip_trivia(text, at) + 1);  // over the colon
    m.value_end = skip_value(text, m.value_begin);
    at = skip_trivia(text, m.value_end);
    if (at < text.size() && text[at] == ',') m.comma = at++;
    found.members.push_back(std::move(m));
  }
  return found;
}

trivia_end last_comment(std::string_view text, std::size_t begin, std::size_t end) {
  trivia_end last{begin};
  for (auto at = begin;;) {
    at = text.find_first_not_of(" \t\r\n", at);
    if (at >= end || !is_comment(text, at)) return last;
    last = {skip_comment(text, at), text[at + 1] == '/'};
    while (last.in_line && text[last.at - 1] == '\r') --last.at;
    at = last.at;
  }
}

}  // namespace thv::clients::json_text
