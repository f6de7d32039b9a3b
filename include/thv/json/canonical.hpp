// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace thv::json {

namespace detail {

inline void append_canonical(std::string& out, boost::json::value const& v) {
  if (auto const* object = v.if_object()) {
    std::vector<boost::json::key_value_pair const*> members;
    members.reserve(object->size());
    for (auto const& member : *object) members.push_back(&member);
    std::sort(members.begin(), members.end(),
              [](auto const* a, auto const* b) { return a->key() < b->key(); });
    out += '{';
    for (auto const* member : members) {
      if (member != members.front()) out += ',';
      out += boost::json::serialize(member->key());
      out += ':';
      append_canonical(out, member->value());
    }
    out += '}';
  } else if (auto const* array = v.if_array()) {
    out += '[';
    for (auto const& element : *array) {
      if (&element != array->data()) out += ',';
      append_canonical(out, element);
    }
    out += ']';
  } else {
    out += boost::json::serialize(v);
  }
}

}  // namespace detail

/// Compact JSON with the keys of each object in byte order: equal values give equal text.
[[nodiscard]] inline std::string canonical(boost::json::value const& v) {
  std::string out;
  detail::append_canonical(out, v);
  return out;
}

}  // namespace thv::json
