// SPDX-License-Identifier: Apache-2.0
#include "formats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

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
  if (e.token.empty() || k.headers_key.empty()) return value;
  json::object headers{{k.headers_key, json::object{{"Authorization", "Bearer " + e.token}}}};
  if (k.headers_parent.empty())
    value[k.headers_key] = headers[k.headers_key];
  else
    value[k.headers_parent] = std::move(headers);
  return value;
}

namespace {

// What is still to be written: a value, or text that stands between values.
struct pending {
  json::value const* value;
  std::string text;
};

void push_object(json::object const& object, std::vector<pending>& rest) {
  std::vector<json::key_value_pair const*> members;
  for (auto const& member : object) members.push_back(&member);
  std::sort(members.begin(), members.end(),
            [](auto const* a, auto const* b) { return a->key() > b->key(); });
  rest.push_back({nullptr, "}"});
  for (auto const* member : members) {
    rest.push_back({&member->value(), {}});
    rest.push_back({nullptr, (member == members.back() ? "" : ",") +
                                 json::serialize(json::string(member->key())) + ":"});
  }
  rest.push_back({nullptr, "{"});
}

void push_array(json::array const& array, std::vector<pending>& rest) {
  rest.push_back({nullptr, "]"});
  for (auto i = array.size(); i > 0; --i) {
    rest.push_back({&array[i - 1], {}});
    if (i > 1) rest.push_back({nullptr, ","});
  }
  rest.push_back({nullptr, "["});
}

}  // namespace

// Without recursion, since the depth is a stranger's.
std::string sorted_compact(json::value const& value) {
  std::string text;
  std::vector<pending> rest{{&value, {}}};
  while (!rest.empty()) {
    auto const next = std::move(rest.back());
    rest.pop_back();
    if (next.value == nullptr)
      text += next.text;
    else if (next.value->is_object())
      push_object(next.value->get_object(), rest);
    else if (next.value->is_array())
      push_array(next.value->get_array(), rest);
    else
      text += json::serialize(*next.value);
  }
  return text;
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
