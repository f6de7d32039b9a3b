// SPDX-License-Identifier: Apache-2.0
#include "client_views.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "change.hpp"

namespace thv::cli {

using clients::client_view;
using clients::standing;

std::string groups_text(std::set<std::string> const& groups) {
  return fmt::format("{}", fmt::join(groups, ", "));
}

namespace {

/// Entries that are not as they should be, in words.
std::vector<std::string> drift_of(client_view const& v) {
  std::vector<std::string> said;
  if (v.failure) said.push_back(to_string(*v.failure));
  for (auto const& e : v.entries) switch (e.is) {
      case standing::changed:
        said.push_back(fmt::format("'{}' was changed by somebody else", e.name));
        break;
      case standing::missing:
        said.push_back(fmt::format("'{}' was removed by somebody else", e.name));
        break;
      case standing::foreign:
        said.push_back(fmt::format("'{}' is an entry of its own, not of a group", e.name));
        break;
      case standing::stale:
      case standing::absent:
        said.push_back(fmt::format("'{}' is not up to date", e.name));
        break;
      case standing::clash:
        said.push_back(fmt::format("'{}' cannot be shown: '{}' stands for another server there",
                                   e.workload, e.name));
        break;
      case standing::unknown:
      case standing::current:
        break;
    }
  return said;
}

std::size_t entries_in_place(client_view const& v) {
  return static_cast<std::size_t>(
      std::count_if(v.entries.begin(), v.entries.end(),
                    [](auto const& e) { return e.wanted && e.is == standing::current; }));
}

boost::json::object view_json(client_view const& v) {
  boost::json::array groups;
  for (auto const& group : v.groups) groups.push_back(boost::json::value(group));
  boost::json::array entries;
  for (auto const& e : v.entries)
    entries.push_back(boost::json::object{{"name", e.name},
                                          {"workload", e.workload},
                                          {"url", e.url},
                                          {"state", clients::to_string(e.is)}});
  boost::json::object out{{"client_type", v.what->name},  {"title", v.what->title},
                          {"installed", v.installed},     {"registered", !v.groups.empty()},
                          {"groups", std::move(groups)},  {"file", v.file.string()},
                          {"entries", std::move(entries)}};
  if (!v.what->deprecated.empty()) out["deprecated"] = v.what->deprecated;
  if (v.failure) out["error"] = error_json(*v.failure);
  return out;
}

}  // namespace

void print_json(std::vector<client_view> const& views) {
  boost::json::array out;
  for (auto const& v : views) out.push_back(view_json(v));
  print(pretty(out));
}

cell yes_no(bool value) {
  return value ? cell("yes", tone::good) : cell("no", tone::faint);
}

void print_status(std::vector<client_view> const& views) {
  table t({"CLIENT", "INSTALLED", "REGISTERED", "GROUPS", "ENTRIES", "FILE"});
  for (auto const& v : views) {
    auto const wanted =
        std::count_if(v.entries.begin(), v.entries.end(), [](auto const& e) { return e.wanted; });
    t.add({std::string(v.what->name), yes_no(v.installed), yes_no(!v.groups.empty()),
           groups_text(v.groups),
           v.groups.empty() ? std::string() : fmt::format("{}/{}", entries_in_place(v), wanted),
           v.file.string()});
  }
  t.print();
  for (auto const& v : views)
    for (auto const& text : drift_of(v))
      print(fmt::format("{}: {}\n", v.what->name, plain_line(text)));
}

}  // namespace thv::cli
