// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <thv/error.hpp>
#include <thv/model/names.hpp>
#include <thv/registry/registry.hpp>
#include <thv/registry/suggest.hpp>

namespace thv::registry {

/// A group and the document that holds it. Both point into the documents searched.
struct found_group {
  registry::document const* document = nullptr;
  registry::group const* group = nullptr;
};

/// A server and the document that holds it; `group` is null for one at the top level.
struct found_server {
  registry::document const* document = nullptr;
  registry::group const* group = nullptr;
  registry::server const* server = nullptr;
};

namespace detail {

[[nodiscard]] inline std::string origins(std::vector<document> const& documents) {
  std::vector<std::string_view> names;
  for (auto const& d : documents) names.push_back(d.origin);
  return fmt::format("{}", fmt::join(names, ", "));
}

[[nodiscard]] inline std::string group_hint(std::vector<document> const& documents,
                                            std::string_view name) {
  if (documents.empty()) return "no registry is set: give --registry FILE|URL";
  std::vector<std::string> candidates;
  for (auto const& d : documents)
    for (auto const& g : d.groups) {
      candidates.push_back(g.name);
      if (slug(g.name) != g.name) candidates.push_back(slug(g.name));
    }
  if (candidates.empty()) return "there are no groups in " + origins(documents);
  if (auto const near = nearest(name, candidates)) return fmt::format("did you mean '{}'?", *near);
  return "see the groups with 'thv-engine registry list'";
}

[[nodiscard]] inline std::string_view last_component(std::string_view name) {
  return name.substr(name.rfind('/') == name.npos ? 0 : name.rfind('/') + 1);
}

[[nodiscard]] inline std::string server_hint(std::vector<document> const& documents,
                                             std::string_view name) {
  if (documents.empty()) return "no registry is set: give --registry FILE|URL";
  std::vector<std::string> candidates;
  for (auto const& d : documents) {
    for (auto const& g : d.groups)
      for (auto const& s : g.servers)
        if (s.name == name)
          return fmt::format("it is a member of the group '{}': use 'thv-engine group run {}'",
                             g.name, slug(g.name));
    for (auto const& s : d.servers) candidates.push_back(s.name);
  }
  if (auto const near = nearest(name, candidates)) return fmt::format("did you mean '{}'?", *near);
  return "see the servers with 'thv-engine registry list'";
}

}  // namespace detail

/// Finds a group by its exact name, else by its slug. Where several documents have it, the first
/// document counts; in one document two groups of one slug need the exact name.
[[nodiscard]] inline result<found_group> find_group(std::vector<document> const& documents,
                                                    std::string_view name) {
  for (auto const& d : documents) {
    for (auto const& g : d.groups)
      if (g.name == name) return found_group{&d, &g};
    std::vector<group const*> by_slug;
    for (auto const& g : d.groups)
      if (slug(g.name) == name) by_slug.push_back(&g);
    if (by_slug.size() == 1) return found_group{&d, by_slug.front()};
    if (by_slug.size() > 1)
      return fail(errc::invalid_argument,
                  fmt::format("several groups run as '{}': '{}' and '{}'", name, by_slug[0]->name,
                              by_slug[1]->name),
                  "use the full name", d.origin);
  }
  return fail(errc::not_found, fmt::format("group '{}' not found in registry", name),
              detail::group_hint(documents, name));
}

/// Finds a server of the top level by its exact name, else by the last part of a reverse-DNS name
/// where that is unique. Where several documents have it, the first document counts.
[[nodiscard]] inline result<found_server> find_server(std::vector<document> const& documents,
                                                      std::string_view name) {
  for (auto const& d : documents) {
    for (auto const& s : d.servers)
      if (s.name == name) return found_server{&d, nullptr, &s};
    std::vector<server const*> matches;
    std::vector<std::string_view> match_names;
    for (auto const& s : d.servers)
      if (detail::last_component(s.name) == name) {
        matches.push_back(&s);
        match_names.push_back(s.name);
      }
    if (matches.size() == 1) return found_server{&d, nullptr, matches.front()};
    if (matches.size() > 1)
      return fail(errc::invalid_argument,
                  fmt::format("multiple servers match '{}': {} — use the full name", name,
                              fmt::join(match_names, ", ")));
  }
  return fail(errc::not_found, fmt::format("server '{}' not found in registry", name),
              detail::server_hint(documents, name));
}

}  // namespace thv::registry
