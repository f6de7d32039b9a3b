// SPDX-License-Identifier: Apache-2.0
#include "yaml_write.hpp"

#include <algorithm>
#include <array>

#include "formats.hpp"
#include "lines.hpp"

namespace thv::clients {
namespace {

namespace json = boost::json;

// Words that some reader takes for a boolean, a null or a number (YAML 1.1 has more than 1.2).
bool is_word_with_meaning(std::string word) {
  constexpr std::array<std::string_view, 9> words = {"true", "false", "null", "yes", "no",
                                                     "on",   "off",   "y",    "n"};
  for (auto& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_plain(std::string_view text) {
  auto const letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !text.empty() && letter(text.front()) && !is_word_with_meaning(std::string(text)) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

std::string flow_text(json::value const& value) {
  if (value.is_string()) return quoted(value.get_string());
  std::string out;
  if (auto const* const array = value.if_array()) {
    for (auto const& element : *array) out += (out.empty() ? "" : ", ") + flow_text(element);
    return "[" + out + "]";
  }
  if (!value.is_object()) return plain_text(value);
  for (auto const& member : value.get_object())
    out += (out.empty() ? "" : ", ") + yaml_key(member.key()) + ": " + flow_text(member.value());
  return "{" + out + "}";
}

// Lines with an indentation, the first without: it stands behind what came before.
std::string block_lines(json::object const& object, std::size_t indent, yaml_style const& style) {
  std::string out;
  for (auto const& member : object) {
    if (!out.empty()) out += std::string(style.line_end) + std::string(indent, ' ');
    out += yaml_key(member.key()) + ":";
    auto const* const inner = member.value().if_object();
    if (inner == nullptr || inner->empty()) {
      out += " " + flow_text(member.value());
      continue;
    }
    auto const deeper = indent + style.width;
    out +=
        std::string(style.line_end) + std::string(deeper, ' ') + block_lines(*inner, deeper, style);
  }
  return out;
}

}  // namespace

std::string yaml_key(std::string_view key) {
  return is_plain(key) ? std::string(key) : quoted(key);
}

std::string yaml_block(kind const& k, entry const& e, yaml_style const& style) {
  auto const value = value_of(k, e);
  auto const indent = std::string(style.column, ' ');
  if (k.format == file_format::yaml_list)
    return indent + "-" + std::string(style.dash - 1, ' ') +
           block_lines(value, style.column + style.dash, style);
  auto const inner = style.column + style.width;
  return indent + yaml_key(e.name) + ":" + std::string(style.line_end) + std::string(inner, ' ') +
         block_lines(value, inner, style);
}

std::string yaml_flow(kind const& k, entry const& e) {
  auto const value = flow_text(value_of(k, e));
  return k.format == file_format::yaml_list ? value : yaml_key(e.name) + ": " + value;
}

}  // namespace thv::clients
