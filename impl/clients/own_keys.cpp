// SPDX-License-Identifier: Apache-2.0
#include "own_keys.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "formats.hpp"

namespace thv::clients {

namespace json = boost::json;

namespace {

/// Of the headers in `value`, which is the map of them or the one around it.
std::string token_of(kind const& k, json::value const& value) {
  auto const* headers = value.if_object();
  if (headers != nullptr && !k.headers_parent.empty()) {
    auto const* const inner = headers->if_contains(k.headers_key);
    headers = inner == nullptr ? nullptr : inner->if_object();
  }
  auto const* const sent = headers == nullptr ? nullptr : headers->if_contains("Authorization");
  auto const* const text = sent == nullptr ? nullptr : sent->if_string();
  constexpr std::string_view scheme = "Bearer ";
  if (text == nullptr || !std::string_view(*text).starts_with(scheme)) return {};
  return std::string(std::string_view(*text).substr(scheme.size()));
}

}  // namespace

split_entry split(kind const& k, std::string_view canonical) {
  json::error_code problem;
  auto const value = json::parse(canonical, problem);
  auto const* entry = problem ? nullptr : value.if_object();
  if (entry == nullptr) return {std::string(canonical), {}, {}, {}};
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
    if (names_headers) parts.token = token_of(k, member.value());
    if (key == "name") continue;  // where it is a key of the entry, it is the entry's name
    (is_ours ? own : others)[key] = member.value();
  }
  parts.own = sorted_compact(own);
  if (!others.empty()) parts.others = sorted_compact(others);
  return parts;
}

}  // namespace thv::clients
