// SPDX-License-Identifier: Apache-2.0
#include "yaml_places.hpp"

#include <algorithm>

#include "lines.hpp"

namespace thv::clients {
namespace {

// Behind the quote that ends a scalar in quotes.
std::size_t end_of_quotes(std::string_view text, std::size_t at) {
  auto const quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      if (quote == '"' || at + 1 >= text.size() || text[at + 1] != quote) return at + 1;
      ++at;  // '' in single quotes
    }
  }
  return text.size();
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

yaml_node const& last_leaf(yaml_node const& node) {
  auto const* n = &node;
  while (!n->children.empty()) n = n->children.back();
  return *n;
}

bool is_block_scalar(std::string_view text, yaml_node const& n) {
  if (n.what != yaml_node::type::scalar || n.begin >= text.size()) return false;
  auto const line = text.substr(n.begin, line_end(text, n.begin) - n.begin);
  auto const quote = line.find_first_of("\"'");
  return n.tag != "?" && line.find_first_of("|>") < std::min(quote, line.size());
}

}  // namespace

std::size_t column(std::string_view text, std::size_t at) {
  return at - line_begin(text, at);
}

std::size_t end_in_brackets(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  auto end = at;
  auto plain = false;  // within a scalar without quotes, where quotes mean nothing
  while (at < text.size()) {
    auto const c = text[at];
    auto const closes = c == ']' || c == '}';
    if (depth == 0 && (c == ',' || closes)) break;
    if (is_space(c)) {
      ++at;
      continue;
    }
    if (c == '#' && at > 0 && is_space(text[at - 1])) {
      at = line_end(text, at);
      continue;
    }
    auto const opens = c == '[' || c == '{';
    auto const quote = !plain && (c == '"' || c == '\'');
    depth += opens ? 1 : closes ? static_cast<std::size_t>(-1) : 0;
    auto const colon = c == ':' && at + 1 < text.size() &&
                       (is_space(text[at + 1]) || !plain || text[at + 1] == ',');
    plain = !opens && !closes && !quote && c != ',' && !colon;
    at = quote ? end_of_quotes(text, at) : at + 1;
    end = at;
  }
  return end;
}

std::size_t certain_end(std::string_view text, yaml_node const& node) {
  auto const& n = last_leaf(node);
  if (n.begin >= text.size()) return text.size();
  auto const quoted = n.what == yaml_node::type::scalar && n.tag != "?";
  if (quoted && (text[n.begin] == '"' || text[n.begin] == '\''))
    return end_of_quotes(text, n.begin);
  return n.begin;
}

std::size_t end_of_lines(std::string_view text, yaml_node const& value, std::size_t begin,
                         std::size_t limit, std::size_t column, bool comments) {
  auto const certain = std::clamp(certain_end(text, value), begin, std::max(begin, limit));
  auto const inside = comments || is_block_scalar(text, last_leaf(value));
  auto end =
      line_end(text, value.what == yaml_node::type::null || certain >= limit ? begin : certain);
  for (auto at = next_line(text, begin); at < limit && at < text.size(); at = next_line(text, at)) {
    if (at <= end || is_blank_line(text, at)) continue;
    auto const indented = skip_spaces(text, at) - at > column;
    if (is_comment_line(text, at) && !(inside && indented)) continue;
    end = line_end(text, at);
  }
  return end;
}

std::size_t end_of_document(std::string_view text, yaml_node const* root) {
  std::size_t at = root == nullptr || root->what == yaml_node::type::null
                       ? byte_order_mark_size(text)
                       : next_line(text, certain_end(text, *root));
  for (; at < text.size(); at = next_line(text, at)) {
    auto const line = text.substr(at, line_end(text, at) - at);
    if (line.starts_with("...") && (line.size() == 3 || is_space(line[3]))) return at;
  }
  return text.size();
}

}  // namespace thv::clients
