// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <thv/error.hpp>
#include <thv/json/reader.hpp>
#include <thv/model/names.hpp>
#include <thv/registry/finding.hpp>
#include <thv/registry/read_entry.hpp>
#include <thv/registry/registry.hpp>

// The `Input` objects of the MCP registry's server.json: arguments, environment variables and
// headers, whose `value` may be a template over `variables`.

namespace thv::registry::detail {

/// An input as far as the document alone fixes it.
struct input {
  std::string name;
  std::string description;
  bool required = false;
  bool secret = false;
  std::optional<std::string> value;
  std::string pattern;  ///< the template, where a variable of it has no value
};

/// Replaces each `{name}` by its value. False: a variable without a value is left.
[[nodiscard]] inline result<bool> fill_template(json::reader const& item, std::string& text,
                                                input& into) {
  bool whole = true;
  auto const variables = item.find("variables");
  if (!variables) return whole;
  THV_CHECK(variables->expect_object());
  for (auto const& member : variables->value().get_object()) {
    auto const v = variables->child(member.key(), member.value());
    THV_CHECK(v.expect_object());
    std::optional<std::string> value;
    bool required = false;
    bool secret = false;
    THV_CHECK(v.read("default", value));
    THV_CHECK(v.read("value", value));
    THV_CHECK(v.read("isRequired", required));
    THV_CHECK(v.read("isSecret", secret));
    auto const token = "{" + std::string(member.key()) + "}";
    auto at = text.find(token);
    if (at == std::string::npos) continue;
    into.secret |= secret;
    if (!value) {
      into.required |= required;
      whole = false;
      continue;
    }
    for (; at != std::string::npos; at = text.find(token, at + value->size()))
      text.replace(at, token.size(), *value);
  }
  return whole;
}

[[nodiscard]] inline result<input> read_input(json::reader const& item) {
  input in;
  THV_CHECK(item.expect_object());
  THV_CHECK(item.read("name", in.name));
  THV_CHECK(item.read("description", in.description));
  THV_CHECK(item.read("isRequired", in.required));
  THV_CHECK(item.read("isSecret", in.secret));
  THV_CHECK(item.read("default", in.value));
  std::optional<std::string> text;
  THV_CHECK(item.read("value", text));
  if (!text) return in;
  THV_TRY(bool const whole, fill_template(item, *text, in));
  if (whole)
    in.value = std::move(text);
  else
    in.pattern = std::move(*text);
  return in;
}

/// `environmentVariables` or `headers`.
[[nodiscard]] inline result<void> read_inputs(json::reader const& owner, std::string_view key,
                                              std::vector<variable>& into) {
  auto const list = owner.find(key);
  if (!list) return {};
  THV_CHECK(list->expect_array());
  for (std::size_t i = 0; i < list->value().get_array().size(); ++i) {
    auto const item = list->element(i);
    THV_TRY(auto in, read_input(item));
    if (in.name.empty()) return item.fail_at("name", "missing");
    if (!in.pattern.empty())
      in.description += (in.description.empty() ? "as " : ", as ") + in.pattern;
    into.push_back({std::move(in.name), std::move(in.description), in.required, in.secret,
                    std::move(in.value)});
  }
  return check_names_differ(*list, into);
}

/// A named argument of which nothing but the name is said is a flag without a value.
[[nodiscard]] inline bool is_bare_flag(json::reader const& item) {
  for (auto const* const key : {"value", "isRequired", "isSecret", "format", "valueHint",
                                "placeholder", "choices", "variables"})
    if (item.has(key)) return false;
  return true;
}

/// `packageArguments` as far as the document fixes them: `--name=value`, `-n value`, and positional
/// values in their order. What only a user could fill in is left out, with a warning when required.
[[nodiscard]] inline result<std::vector<std::string>> read_arguments(json::reader const& owner,
                                                                     std::string_view key,
                                                                     findings& found) {
  std::vector<std::string> args;
  auto const list = owner.find(key);
  if (!list) return args;
  THV_CHECK(list->expect_array());
  for (std::size_t i = 0; i < list->value().get_array().size(); ++i) {
    auto const item = list->element(i);
    THV_TRY(auto const in, read_input(item));
    std::string type;
    THV_CHECK(item.read("type", type));
    bool const named = type == "named";
    if (named && in.name.empty()) return item.fail_at("name", "missing");
    if (!in.value) {
      if (named && is_bare_flag(item))
        args.push_back(in.name);
      else if (in.required)
        found.warn(item, "a required argument without a value, it is left out");
    } else if (!named) {
      args.push_back(*in.value);
    } else if (in.name.starts_with("--")) {
      args.push_back(in.name + "=" + *in.value);
    } else {
      args.push_back(in.name);
      args.push_back(*in.value);
    }
  }
  return args;
}

}  // namespace thv::registry::detail
