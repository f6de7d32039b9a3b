// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <boost/json/value.hpp>

#include <thv/json/reader.hpp>
#include <thv/model/names.hpp>
#include <thv/registry/finding.hpp>

// Rules of the published schemas that running does not need: each broken one is a warning. Types
// are checked by reading, as errors.

namespace thv::registry::detail {

using names = std::initializer_list<std::string_view>;

[[nodiscard]] inline std::string_view text_of(json::reader const& owner, std::string_view key) {
  auto const member = owner.find(key);
  auto const* text = member ? member->value().if_string() : nullptr;
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

[[nodiscard]] inline bool one_of(std::string_view text, names allowed) {
  return std::find(allowed.begin(), allowed.end(), text) != allowed.end();
}

inline void warn_missing(json::reader const& owner, names keys, findings& found) {
  for (auto const key : keys)
    if (!owner.has(key)) found.warn_at(owner, key, "missing");
}

inline void warn_unknown(json::reader const& owner, names keys, findings& found) {
  for (auto const& member : owner.value().get_object())
    if (!one_of(member.key(), keys)) found.warn_at(owner, member.key(), "unknown member");
}

inline void warn_choice(json::reader const& owner, std::string_view key, names allowed,
                        findings& found) {
  auto const text = text_of(owner, key);
  if (owner.has(key) && !one_of(text, allowed))
    found.warn_at(owner, key,
                  fmt::format("{}, expected one of: {}", thv::detail::quoted(text),
                              fmt::join(allowed, ", ")));
}

inline void warn_length(json::reader const& owner, std::string_view key, std::size_t least,
                        std::size_t most, findings& found) {
  if (!owner.has(key)) return;
  auto const text = text_of(owner, key);
  auto const continuation = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  auto const length =
      text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continuation));
  if (length < least || length > most)
    found.warn_at(owner, key, fmt::format("{} characters, expected {} to {}", length, least, most));
}

/// `pattern` uses `d` for a digit, all else stands for itself.
[[nodiscard]] inline bool starts_like(std::string_view text, std::string_view pattern) {
  if (text.size() < pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    bool const digit = text[i] >= '0' && text[i] <= '9';
    if (pattern[i] == 'd' ? !digit : text[i] != pattern[i]) return false;
  }
  return true;
}

inline void warn_time(json::reader const& owner, std::string_view key, findings& found) {
  auto const text = text_of(owner, key);
  bool const zoned = text.ends_with('Z') ||
                     (text.size() > 6 && (starts_like(text.substr(text.size() - 6), "+dd:dd") ||
                                          starts_like(text.substr(text.size() - 6), "-dd:dd")));
  if (owner.has(key) && !(starts_like(text, "dddd-dd-ddTdd:dd:dd") && zoned))
    found.warn_at(owner, key, "not a time as 2025-09-05T02:29:06Z");
}

[[nodiscard]] inline bool is_semantic_version(std::string_view text) {
  int numbers = 0;
  while (numbers < 3) {
    auto const end = std::min(text.find_first_not_of("0123456789"), text.size());
    if (end == 0) return false;
    text.remove_prefix(end);
    if (++numbers == 3) break;
    if (!text.starts_with('.')) return false;
    text.remove_prefix(1);
  }
  return text.empty() || text.front() == '-' || text.front() == '+';
}

/// `^[a-z0-9][a-z0-9-]+[a-z0-9]$`, of `least` characters or more.
[[nodiscard]] inline bool is_key_name(std::string_view text, std::size_t least) {
  auto const allowed = [](char c) { return thv::detail::is_lower_alphanumeric(c) || c == '-'; };
  return text.size() >= least && std::all_of(text.begin(), text.end(), allowed) &&
         text.front() != '-' && text.back() != '-';
}

[[nodiscard]] inline bool is_variable_name(std::string_view text) {
  auto const allowed = [](char c) {
    return thv::detail::is_lower_alphanumeric(thv::detail::to_lower(c)) || c == '_';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed) &&
         !(text.front() >= '0' && text.front() <= '9');
}

inline void check_variables(json::reader const& entry, std::string_view key, findings& found) {
  auto const list = entry.find(key);
  if (!list || !list->value().is_array()) return;
  for (std::size_t i = 0; i < list->value().get_array().size(); ++i) {
    auto const item = list->element(i);
    if (!item.value().is_object()) continue;
    warn_missing(item, {"description"}, found);
    warn_unknown(item, {"name", "description", "required", "default", "secret", "choices"}, found);
    auto const name = text_of(item, "name");
    if (key == "env_vars" && !name.empty() && !is_variable_name(name))
      found.warn_at(item, "name", thv::detail::quoted(name) + " is no name of a variable");
  }
}

/// An entry of ToolHive's format.
inline void check_entry(json::reader const& entry, std::string_view name, bool remote,
                        findings& found) {
  if (!is_key_name(name, 3))
    found.warn(entry, "name " + thv::detail::quoted(name) +
                          " is not lowercase letters, digits and dashes, 3 or more");
  warn_missing(entry, {"description", "tier", "status", "transport", "tools"}, found);
  warn_length(entry, "description", 10, 500, found);
  warn_choice(entry, "tier", {"Official", "Community"}, found);
  warn_choice(entry, "status", {"Active", "Deprecated"}, found);
  if (auto const tools = entry.find("tools"); tools && tools->value().is_array())
    if (tools->value().get_array().empty()) found.warn(*tools, "no tools");
  if (auto const metadata = entry.find("metadata"); metadata && metadata->value().is_object())
    warn_time(*metadata, "last_updated", found);
  check_variables(entry, "env_vars", found);
  if (remote) {
    warn_choice(entry, "transport", {"sse", "streamable-http"}, found);
    check_variables(entry, "headers", found);
    warn_unknown(entry,
                 {"name",
                  "title",
                  "overview",
                  "description",
                  "tier",
                  "status",
                  "transport",
                  "tools",
                  "tool_definitions",
                  "metadata",
                  "repository_url",
                  "tags",
                  "custom_metadata",
                  "url",
                  "proxy_port",
                  "headers",
                  "oauth_config",
                  "env_vars",
                  "runtime",
                  "optional"},
                 found);
  } else {
    warn_unknown(
        entry,
        {"name",        "title",          "overview",    "description",     "tier",
         "status",      "transport",      "stateless",   "tools",           "tool_definitions",
         "metadata",    "repository_url", "tags",        "custom_metadata", "image",
         "target_port", "proxy_port",     "permissions", "env_vars",        "args",
         "docker_tags", "provenance",     "runtime",     "optional"},
        found);
  }
}

/// An entry of the upstream format.
inline void check_server_json(json::reader const& body, findings& found) {
  warn_missing(body, {"name", "description", "version"}, found);
  warn_length(body, "description", 1, 100, found);
  auto const name = text_of(body, "name");
  if (!name.empty() && std::count(name.begin(), name.end(), '/') != 1)
    found.warn_at(body, "name", "not of the form io.github.user/server");
  if (text_of(body, "version") == "latest")
    found.warn_at(body, "version", "not a specific version");
}

inline void check_group(json::reader const& group, findings& found) {
  warn_missing(group, {"description"}, found);
  warn_length(group, "description", 10, 500, found);
  auto const name = text_of(group, "name");
  if (name.size() > 100 || !is_key_name(name, 1))
    found.warn_at(group, "name",
                  fmt::format("{} is no group name, it runs as {}", thv::detail::quoted(name),
                              thv::detail::quoted(slug(name))));
  warn_unknown(group, {"name", "description", "servers", "remote_servers"}, found);
}

/// The document's head, in either format.
inline void check_root(json::reader const& root, bool upstream, findings& found) {
  warn_missing(root, {"version"}, found);
  if (root.has("version") && !is_semantic_version(text_of(root, "version")))
    found.warn_at(root, "version", "not a semantic version as 1.0.0");
  if (upstream) {
    if (auto const meta = root.find("meta")) warn_time(*meta, "last_updated", found);
    return;
  }
  warn_missing(root, {"last_updated", "servers"}, found);
  warn_time(root, "last_updated", found);
}

}  // namespace thv::registry::detail
