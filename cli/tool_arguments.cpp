// SPDX-License-Identifier: Apache-2.0
#include "tool_arguments.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <thv/registry/suggest.hpp>

namespace thv::cli {

namespace json = boost::json;

namespace {

error wrong(std::string message, std::string flag, std::string hint = {}) {
  return fail(errc::invalid_argument, std::move(message), std::move(hint), std::move(flag));
}

json::object const* member(json::value const* of, std::string_view key) {
  auto const* object = of ? of->if_object() : nullptr;
  auto const* found = object ? object->if_contains(key) : nullptr;
  return found ? found->if_object() : nullptr;
}

/// The types that a property may have; empty: the schema does not say.
std::vector<std::string> types_of(json::object const& property) {
  std::vector<std::string> types;
  auto const* type = property.if_contains("type");
  if (type == nullptr) return types;
  if (type->is_string()) types.emplace_back(type->get_string());
  if (type->is_array())
    for (auto const& one : type->get_array())
      if (one.is_string()) types.emplace_back(one.get_string());
  return types;
}

bool is_of(json::value const& value, std::string const& type) {
  if (type == "integer") return value.is_int64() || value.is_uint64();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_bool();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  return type == "null" && value.is_null();
}

result<json::value> converted(std::string const& key, std::string const& text,
                              json::object const* property) {
  auto const types = property ? types_of(*property) : std::vector<std::string>();
  json::error_code problem;
  auto const value = json::parse(text, problem);
  if (!problem)
    for (auto const& type : types)
      if (is_of(value, type)) return value;
  bool const takes_text =
      types.empty() || std::find(types.begin(), types.end(), "string") != types.end();
  if (takes_text) return json::value(text);
  return wrong(fmt::format("the argument '{}' is of the type {}", key, fmt::join(types, " or ")),
               "--arg", types.front() == "boolean" ? "write true or false" : "write it as JSON");
}

/// Does the schema say that it takes properties that it does not name?
bool takes_more(json::value const& schema) {
  auto const* object = schema.if_object();
  auto const* more = object ? object->if_contains("additionalProperties") : nullptr;
  return more != nullptr && (more->is_object() || *more == true);
}

result<json::object> from_json(std::string const& text) {
  json::error_code problem;
  auto value = json::parse(text, problem);
  if (problem || !value.is_object()) return wrong("is no JSON object", "--json");
  return std::move(value.get_object());
}

}  // namespace

result<json::object> tool_arguments(std::vector<std::string> const& pairs,
                                    std::optional<std::string> const& json,
                                    json::value const& schema) {
  if (json && !pairs.empty()) return wrong("cannot be used beside --arg", "--json");
  if (json) return from_json(*json);
  auto const* properties = member(&schema, "properties");
  json::object arguments;
  for (auto const& pair : pairs) {
    auto const equals = pair.find('=');
    auto const key = pair.substr(0, equals);
    if (equals == pair.npos || key.empty())
      return wrong(fmt::format("invalid argument '{}'", pair), "--arg", "write it as KEY=VALUE");
    auto const* property = properties ? properties->if_contains(key) : nullptr;
    if (properties != nullptr && property == nullptr && !takes_more(schema)) {
      std::vector<std::string> names;
      for (auto const& p : *properties) names.emplace_back(p.key());
      auto const near = registry::nearest(key, names);
      return wrong(fmt::format("the tool has no argument '{}'", key), "--arg",
                   near ? fmt::format("did you mean '{}'?", *near)
                        : fmt::format("it has: {}", fmt::join(names, ", ")));
    }
    THV_TRY(arguments[key],
            converted(key, pair.substr(equals + 1), property ? property->if_object() : nullptr));
  }
  return arguments;
}

}  // namespace thv::cli
