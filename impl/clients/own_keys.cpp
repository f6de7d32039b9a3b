// SPDX-License-Identifier: Apache-2.0
#include "own_keys.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "formats.hpp"

namespace thv::clients {

namespace json = boost::json;

split_entry split(kind const& k, std::string_view canonical) {
  json::error_code problem;
  auto const value = json::parse(canonical, problem);
  auto const* entry = problem ? nullptr : value.if_object();
  if (entry == nullptr) return {std::string(canonical), {}, {}};
  json::object own;
  json::object others;
  split_entry parts;
  for (auto const& member : *entry) {
    std::string_view const key(member.key());
    bool const names_headers = !k.headers_key.empty() &&
                               key == (k.headers_parent.empty() ? k.headers_key : k.headers_parent);
    bool const is_ours = key == k.url_key || key == k.type_key || names_headers;
    if (key == k.url_key && member.value().is_string())
      parts.url = std::string(member.value().get_string());
    if (key == "name") continue;  // where it is a key of the entry, it is the entry's name
    (is_ours ? own : others)[key] = member.value();
  }
  parts.own = sorted_compact(own);
  if (!others.empty()) parts.others = sorted_compact(others);
  return parts;
}

}  // namespace thv::clients
