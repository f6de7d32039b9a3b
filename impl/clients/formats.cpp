// SPDX-License-Identifier: Apache-2.0
#include "formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <optional>
#include <thv/json/canonical.hpp>
#include <thv/json/pointer.hpp>

namespace thv::clients {

namespace json = boost::json;

json::object value_of(kind const& k, entry const& e) {
  auto const listed = k.format == file_format::toml_array || k.format == file_format::yaml_list;
  json::object value;
  if (listed) value["name"] = e.name;
  for (auto const& fixed : k.fixed)
    value[fixed.key] = fixed.key == "name" ? json::value(e.name) : json::parse(fixed.json);
  if (!k.type_key.empty()) value[k.type_key] = k.type_value;
  value[k.url_key] = e.url;
  if (!e.token.empty() && !k.headers_key.empty()) {
    json::object headers{{k.headers_key, json::object{{"Authorization", "Bearer " + e.token}}}};
    if (k.headers_parent.empty())
      value[k.headers_key] = headers[k.headers_key];
    else
      value[k.headers_parent] = std::move(headers);
  }
  json::error_code code;
  auto const kept = json::parse(e.kept.empty() ? "{}" : e.kept, code);
  if (!code && kept.is_object())
    for (auto const& member : kept.get_object()) value[member.key()] = member.value();
  return value;
}

std::string sorted_compact(json::value const& value) {
  return thv::json::canonical(value);
}

namespace {

// A member of what may be no object at all, or nothing.
json::value const* member_of(json::value const* value, std::string_view key) {
  auto const* object = value == nullptr ? nullptr : value->if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

std::size_t size_of(json::value const* value) {
  auto const* object = value == nullptr ? nullptr : value->if_object();
  return object == nullptr ? 0 : object->size();
}

bool is_nothing(json::value const* value) {
  return value == nullptr || value->is_null() || (value->is_object() && size_of(value) == 0);
}

bool same(json::value const& a, json::value const& b);

// An edit keeps the order of members, so that each is looked for at its own place first: to look
// all of them up by name takes five times as long as to parse the text.
bool same_members(json::object const& a, json::object const& b) {
  if (a.size() != b.size()) return false;
  auto place = b.begin();
  for (auto const& member : a) {
    auto const* other =
        place->key() == member.key() ? &place->value() : b.if_contains(member.key());
    ++place;
    if (other == nullptr || !same(member.value(), *other)) return false;
  }
  return true;
}

// Recursion is bounded by the depth that the parser takes.
bool same(json::value const& a, json::value const& b) {
  if (a.is_object() && b.is_object()) return same_members(a.get_object(), b.get_object());
  if (!a.is_array() || !b.is_array()) return a == b;
  auto const& left = a.get_array();
  auto const& right = b.get_array();
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), same);
}

// Is everything but `spared` the same in both? The first key that is not, else nullopt.
std::optional<std::string> first_difference(json::value const* before, json::value const* after,
                                            auto const& spared) {
  for (auto const* one : {before, after}) {
    if (size_of(one) == 0) continue;
    auto const* other = one == before ? after : before;
    for (auto const& member : one->get_object()) {
      std::string key(member.key());
      if (spared(key)) continue;
      auto const* found = member_of(other, key);
      if (found == nullptr || (one == before && !same(member.value(), *found))) return key;
    }
  }
  return std::nullopt;
}

bool is_as_expected(json::value const* found, json::value const& expected) {
  if (expected.is_null()) return found == nullptr || found->is_null();
  return found != nullptr && *found == expected;
}

}  // namespace

result<void> check_changes(kind const& k, json::value const& before, json::value const& after,
                           std::map<std::string, json::value> const& entries) {
  auto const refuse = [&](std::string_view pointer, std::string const& key) {
    return cannot_edit(k, fmt::format("{}/{}", pointer, thv::json::pointer_token(key)),
                       "writing the entries would change something else");
  };
  auto const* old_level = &before;
  auto const* new_level = &after;
  std::string pointer;
  for (auto const container : k.container) {
    if (!is_nothing(old_level) && !old_level->is_object()) return refuse(pointer, "");
    if (!is_nothing(new_level) && !new_level->is_object()) return refuse(pointer, "");
    auto const is_container = [&](std::string const& key) { return key == container; };
    if (auto key = first_difference(old_level, new_level, is_container))
      return refuse(pointer, *key);
    pointer += "/" + thv::json::pointer_token(container);
    old_level = member_of(old_level, container);
    new_level = member_of(new_level, container);
  }
  auto const is_ours = [&](std::string const& key) { return entries.count(key) != 0; };
  if (auto key = first_difference(old_level, new_level, is_ours)) return refuse(pointer, *key);
  for (auto const& [name, expected] : entries)
    if (!is_as_expected(member_of(new_level, name), expected)) return refuse(pointer, name);
  return {};
}

error cannot_edit(kind const& k, std::string_view where, std::string_view what) {
  return fail(errc::unsupported,
              fmt::format("cannot edit the configuration of {}: {}", k.title, what),
              fmt::format("change that by hand, or add the entries yourself as `thv-engine client "
                          "show {}` prints them",
                          k.name),
              std::string(where));
}

}  // namespace thv::clients
