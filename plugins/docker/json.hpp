// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

/// Reading of JSON that a daemon wrote: what is not there or of another type is empty.
namespace thv::docker::json {

using path = std::initializer_list<std::string_view>;

[[nodiscard]] inline boost::json::value const* find(boost::json::value const& from, path keys) {
  auto const* at = &from;
  for (auto const key : keys) {
    auto const* const object = at->if_object();
    at = object ? object->if_contains(key) : nullptr;
    if (!at) return nullptr;
  }
  return at;
}

[[nodiscard]] inline std::string text(boost::json::value const& from, path keys) {
  auto const* const v = find(from, keys);
  auto const* const s = v ? v->if_string() : nullptr;
  return s ? std::string(s->data(), s->size()) : std::string();
}

[[nodiscard]] inline bool flag(boost::json::value const& from, path keys) {
  auto const* const v = find(from, keys);
  auto const* const b = v ? v->if_bool() : nullptr;
  return b && *b;
}

[[nodiscard]] inline std::int64_t number(boost::json::value const& from, path keys) {
  auto const* const v = find(from, keys);
  if (!v) return 0;
  if (auto const* const i = v->if_int64()) return *i;
  return 0;
}

[[nodiscard]] inline boost::json::object const* object(boost::json::value const& from, path keys) {
  auto const* const v = find(from, keys);
  return v ? v->if_object() : nullptr;
}

[[nodiscard]] inline boost::json::array const* array(boost::json::value const& from, path keys) {
  auto const* const v = find(from, keys);
  return v ? v->if_array() : nullptr;
}

}  // namespace thv::docker::json
