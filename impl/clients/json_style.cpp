// SPDX-License-Identifier: Apache-2.0
#include "json_style.hpp"

#include <boost/json/serialize.hpp>

namespace thv::clients::json_text {

namespace json = boost::json;

namespace {

constexpr std::string_view blanks = " \t";

bool has_line_end(std::string_view text) {
  return text.find('\n') != npos;
}

std::string_view between(std::string_view text, std::size_t begin, std::size_t end) {
  return text.substr(begin, end - begin);
}

// The white space at the beginning of the line in which `at` lies.
std::string indent_of_line(std::string_view text, std::size_t at) {
  auto const line_end = at == 0 ? npos : text.rfind('\n', at - 1);
  auto const begin = line_end == npos ? 0 : line_end + 1;
  auto const end = std::min(text.find_first_not_of(blanks, begin), at);
  return std::string(between(text, begin, end));
}

// What stands before a member's key, from the comma or brace on.
std::string_view gap_before(std::string_view text, object const& o, std::size_t index) {
  auto const begin = index == 0 ? o.open : o.members[index - 1].comma;
  return between(text, begin + 1, o.members[index].key_begin);
}

// One step of indentation, as the first members show it.
std::string find_unit(std::string_view text, object const& root, object const& o) {
  for (auto const* outer : {&root, &o}) {
    if (outer->members.empty() || !has_line_end(gap_before(text, *outer, 0))) continue;
    auto const own = indent_of_line(text, outer->open);
    auto const member = indent_of_line(text, outer->members[0].key_begin);
    if (member.size() > own.size() && member.starts_with(own)) return member.substr(own.size());
  }
  return "  ";
}

// `:` or `: `, `,` or `, `, as the root's first members show it.
void find_spacing(std::string_view text, object const& root, style& s) {
  if (root.members.empty()) return;
  auto const& first = root.members[0];
  auto const colon = text.rfind(':', first.value_begin);
  s.colon = between(text, colon, first.value_begin) == ":" ? ":" : ": ";
}

style common(std::string_view text, object const& root, object const& o) {
  style s;
  auto const line_end = text.find('\n');
  if (line_end != npos && line_end > 0 && text[line_end - 1] == '\r') s.newline = "\r\n";
  s.unit = find_unit(text, root, o);
  find_spacing(text, root, s);
  s.separator = s.colon.substr(1);
  return s;
}

// As the neighbour's value, where that says something.
void follow_neighbour(std::string_view text, member const& neighbour, style& s) {
  auto const value = between(text, neighbour.value_begin, neighbour.value_end);
  if (!value.starts_with('{') || has_line_end(value)) return;
  if (value.find_first_not_of(" \t{}") == npos) return;  // empty
  s.one_line = true;
  s.pad = value[1] == ' ' ? " " : "";
  if (value.find("\": ") != npos) s.colon = ": ", s.separator = " ";
}

style style_of_first(std::string_view text, object const& root, object const& o, style s) {
  auto const inner = between(text, o.open + 1, o.close);
  auto const root_inner = between(text, root.open + 1, root.close);
  auto const own = indent_of_line(text, o.open);
  if (root.members.empty() || has_line_end(root_inner) || has_line_end(inner)) {
    s.indent = own + s.unit;
    s.lead = s.newline + s.indent;
    s.tail = s.newline + own;
    return s;
  }
  s.one_line = true;
  s.pad = root_inner.starts_with(' ') ? " " : "";
  s.lead = s.tail = s.pad;
  return s;
}

}  // namespace

style style_of_new(std::string_view text, object const& root, object const& o) {
  auto s = common(text, root, o);
  if (o.members.empty()) return style_of_first(text, root, o, std::move(s));
  auto const last = o.members.size() - 1;
  auto const gap = gap_before(text, o, last);
  s.indent = indent_of_line(text, o.members[last].key_begin);
  if (has_line_end(gap)) {
    s.lead = s.newline + s.indent;
    follow_neighbour(text, o.members[last], s);
    return s;
  }
  s.one_line = true;
  s.pad = text[o.open + 1] == ' ' ? " " : "";
  s.lead = last == 0 ? s.separator : std::string(gap.substr(gap.find_last_not_of(blanks) + 1));
  return s;
}

style style_of_value(std::string_view text, object const& root, object const& o,
                     std::size_t index) {
  auto s = common(text, root, o);
  s.indent = indent_of_line(text, o.members[index].key_begin);
  if (has_line_end(gap_before(text, o, index)))
    follow_neighbour(text, o.members[index], s);
  else
    s.one_line = true;
  return s;
}

namespace {

void render_into(std::string& out, json::value const& value, style const& s,
                 std::string const& indent) {
  auto const* object = value.if_object();
  if (object == nullptr || object->empty()) {
    out += json::serialize(value);
    return;
  }
  auto const inner = indent + s.unit;
  out += '{';
  if (s.one_line) out += s.pad;
  bool first = true;
  for (auto const& member : *object) {
    if (!first) out += s.one_line ? "," + s.separator : ",";
    first = false;
    if (!s.one_line) out += s.newline + inner;
    out += json::serialize(member.key()) + s.colon;
    render_into(out, member.value(), s, inner);
  }
  out += s.one_line ? s.pad : s.newline + indent;
  out += '}';
}

}  // namespace

std::string render(json::value const& value, style const& s) {
  std::string out;
  render_into(out, value, s, s.indent);
  return out;
}

}  // namespace thv::clients::json_text
