// SPDX-License-Identifier: Apache-2.0
// Arguments of tools that are repeated as header fields (MCP 2026-07-28, "Transports",
// `x-mcp-header`).
#include <cstdlib>
#include <functional>
#include <optional>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>
#include <thv/gateway/header_value.hpp>
#include <thv/gateway/translate.hpp>

#include "service.hpp"

namespace thv::gateway {

namespace json = boost::json;

namespace {

constexpr int deepest = 8;

/// Told each field that a schema asks for: its name, and the argument (null: it is not given).
using field_sink = std::function<void(std::string_view, json::value const*)>;

void each_field(json::value const& schema, json::value const* arguments, field_sink const& sink,
                int depth = 0) {
  auto const* properties = member_at(schema, {"properties"});
  if (!properties || !properties->is_object() || depth > deepest) return;
  for (auto const& [key, property] : properties->get_object()) {
    auto const* value = arguments ? member_at(*arguments, {std::string_view(key)}) : nullptr;
    auto const* header = member_at(property, {"x-mcp-header"});
    if (header && header->is_string()) {
      std::string_view const name(header->get_string());
      bool const fit =
          name.find_first_of(std::string_view("\r\n: \0", 5)) == std::string_view::npos;
      bool const scalar = value && !value->is_object() && !value->is_array() && !value->is_null();
      if (fit && !name.empty()) sink(name, scalar ? value : nullptr);
    }
    each_field(property, value, sink, depth + 1);
  }
}

void each_field_of_call(catalogue const& known, std::string_view call, field_sink const& sink) {
  auto const list = known.lists.find("tools/list");
  if (list == known.lists.end() || list->second.find("x-mcp-header") == std::string::npos) return;
  auto const message = parsed(call);
  auto const* name = member_at(message, {"params", "name"});
  auto const* arguments = member_at(message, {"params", "arguments"});
  auto const all = parsed(list->second);
  auto const* tools = member_at(all, {"tools"});
  if (!name || !tools || !tools->is_array()) return;
  for (auto const& tool : tools->get_array())
    if (auto const* own = member_at(tool, {"name"}); own && *own == *name)
      if (auto const* schema = member_at(tool, {"inputSchema"}))
        each_field(*schema, arguments, sink);
}

std::string text_of(json::value const& value) {
  return value.is_string() ? std::string(std::string_view(value.get_string()))
                           : json::serialize(value);
}

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if ((a[i] | 32) != (b[i] | 32)) return false;
  return true;
}

/// The value of a field among lines `Name: value`.
std::optional<std::string_view> value_in(std::string_view lines, std::string_view field) {
  while (!lines.empty()) {
    auto const end = lines.find("\r\n");
    auto const line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
    auto const colon = line.find(": ");
    if (colon != std::string_view::npos && same_name(line.substr(0, colon), field))
      return line.substr(colon + 2);
  }
  return std::nullopt;
}

bool agrees(json::value const& argument, std::string_view said) {
  if (argument.is_string() || argument.is_bool()) return text_of(argument) == said;
  std::string const digits(said);
  char* end = nullptr;
  auto const number = std::strtod(digits.c_str(), &end);
  return !digits.empty() && *end == '\0' && argument.is_number() &&
         number == argument.to_number<double>();
}

}  // namespace

std::string parameter_headers(catalogue const& known, std::string_view call) {
  std::string out;
  each_field_of_call(known, call, [&](std::string_view name, json::value const* value) {
    if (value)
      out += fmt::format("Mcp-Param-{}: {}\r\n", name, encode_header_value(text_of(*value)));
  });
  return out;
}

std::string wrong_parameter(catalogue const& known, std::string_view call, std::string_view given) {
  std::string wrong;
  each_field_of_call(known, call, [&](std::string_view name, json::value const* value) {
    if (!wrong.empty()) return;
    auto const field = value_in(given, fmt::format("Mcp-Param-{}", name));
    if (!value) {
      // The argument is not there: nothing is expected of the field, but sense.
      if (field && !decode_header_value(*field)) wrong = name;
      return;
    }
    auto const said = field ? decode_header_value(*field) : std::nullopt;
    if (!said || !agrees(*value, *said)) wrong = name;
  });
  return wrong;
}

}  // namespace thv::gateway
