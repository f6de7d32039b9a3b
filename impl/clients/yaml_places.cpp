// SPDX-License-Identifier: Apache-2.0
#include "yaml_places.hpp"

#include <algorithm>

#include "lines.hpp"

namespace thv::clients {
namespace {

// Behind the quote that ends a scalar in quotes; npos where none does.
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
  return npos;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

yaml_node const& last_leaf(yaml_node const& node) {
  auto const* n = &node;
  while (!n->children.empty()) n = n->children.back();
  return *n;
}

// Where a scalar begins behind its tag and anchor.
std::size_t behind_properties(std::string_view text, yaml_node const& n) {
  auto at = n.begin;
  while (at < text.size() && (text[at] == '&' || text[at] == '!')) {
    while (at < text.size() && !is_space(text[at])) ++at;
    while (at < text.size() && is_space(text[at])) ++at;
  }
  return at;
}

// With which character a scalar that is not plain begins; '\0' for all others.
char style_of(std::string_view text, yaml_node const& n) {
  if (n.what != yaml_node::type::scalar || n.tag == "?") return '\0';
  auto const at = behind_properties(text, n);
  return at < text.size() ? text[at] : '\0';
}

bool is_block_scalar(std::string_view text, yaml_node const& n) {
  auto const style = style_of(text, n);
  return style == '|' || style == '>';
}

bool is_quoted(std::string_view text, yaml_node const& n) {
  auto const style = style_of(text, n);
  return style == '"' || style == '\'';
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
    at = quote ? std::min(end_of_quotes(text, at), text.size()) : at + 1;
    end = at;
  }
  return end;
}

std::size_t certain_end(std::string_view text, yaml_node const& node) {
  auto const& n = last_leaf(node);
  if (n.begin >= text.size()) return text.size();
  if (!is_quoted(text, n)) return n.begin;
  return std::min(end_of_quotes(text, behind_properties(text, n)), text.size());
}

std::size_t open_quotes(std::string_view text, yaml_tree const& tree) {
  if (tree.nodes.empty() || !is_quoted(text, tree.nodes.back())) return npos;
  auto const begin = behind_properties(text, tree.nodes.back());
  return end_of_quotes(text, begin) == npos ? begin : npos;
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
