// SPDX-License-Identifier: Apache-2.0
// The only file of this room that includes toml++.
#include "toml_values.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <exception>
#include <sstream>
#include <string>

namespace thv::clients {
namespace {

namespace json = boost::json;

json::value convert(toml::node const& node);

json::object convert(toml::table const& table) {
  json::object o(table.size());
  for (auto const& [key, value] : table) o[std::string_view(key)] = convert(value);
  return o;
}

json::array convert(toml::array const& array) {
  json::array a;
  a.reserve(array.size());
  for (auto const& value : array) a.push_back(convert(value));
  return a;
}

template <class Value>
json::value as_text(Value const& value) {
  std::ostringstream out;
  out << value;
  return json::value(out.str());
}

json::value convert(toml::node const& node) {
  if (auto const* t = node.as_table()) return convert(*t);
  if (auto const* a = node.as_array()) return convert(*a);
  if (auto const* s = node.as_string()) return json::value(std::string_view(s->get()));
  if (auto const* i = node.as_integer()) return json::value(i->get());
  if (auto const* b = node.as_boolean()) return json::value(b->get());
  if (auto const* f = node.as_floating_point()) {
    if (std::isfinite(f->get())) return json::value(f->get());
    return json::value(fmt::format("{}", f->get()));
  }
  if (auto const* d = node.as_date()) return as_text(d->get());
  if (auto const* t = node.as_time()) return as_text(t->get());
  return as_text(node.as_date_time()->get());
}

// The parser's words up to the first that could quote the file, which may hold secrets.
std::string described(std::string_view words) {
  std::string text(words.substr(0, words.find_first_of(":'\"")));
  if (text.starts_with('E')) text[0] = 'e';
  return text;
}

}  // namespace

result<json::object> toml_values(std::string_view text) {
  try {
    return convert(toml::parse(text));
  } catch (toml::parse_error const& e) {
    auto const& at = e.source().begin;
    return fail(
        errc::invalid_argument, fmt::format("not valid TOML: {}", described(e.description())),
        "correct the file at that place, then repeat", fmt::format("{}:{}", at.line, at.column));
  } catch (std::exception const&) {
    return fail(errc::invalid_argument, "not valid TOML", "correct the file, then repeat");
  }
}

}  // namespace thv::clients
