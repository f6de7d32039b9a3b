// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <thv/engine/desire.hpp>
#include <thv/engine/requests.hpp>
#include <thv/store/store.hpp>

namespace thv {

/// Finds groups and workloads of the state by what a command calls them. Part of basic_engine,
/// whose store it refers to.
template <store::state_store Store>
class lookup {
 public:
  explicit lookup(Store& store) : store_(store) {}

  /// errc::not_found with ToolHive's sentence.
  result<store::group_record> group(std::string const& name) {
    THV_TRY(auto found, store_.group(name));
    if (found) return *std::move(found);
    return fail(errc::not_found, fmt::format("group '{}' does not exist", name),
                "use 'thv-engine group list' to see available groups");
  }

  /// errc::not_found with the nearest name.
  result<store::workload_record> workload(std::string const& name) {
    THV_TRY(auto found, store_.workload(name));
    if (found) return *std::move(found);
    THV_TRY(auto const records, store_.workloads());
    return no_workload(name, records);
  }

  /// The names of the workloads that are meant.
  result<std::vector<std::string>> selected(selection const& which) {
    THV_TRY(auto const records, store_.workloads());
    std::vector<std::string> names;
    if (!which.all && !which.group) {
      for (auto const& name : which.names) {
        auto const known = std::any_of(records.begin(), records.end(),
                                       [&](auto const& r) { return r.name == name; });
        if (!known) return no_workload(name, records);
        names.push_back(name);
      }
      return names;
    }
    for (auto const& record : records)
      if (which.all || record.group == *which.group) names.push_back(record.name);
    return names;
  }

  /// The groups whose locks a command on these workloads needs.
  result<std::set<std::string>> groups_of(selection const& which) {
    THV_TRY(auto const names, selected(which));
    THV_TRY(auto groups, groups_of(names));
    // `default` is for operations without a group of their own.
    groups.insert(which.group.value_or("default"));
    return groups;
  }

  /// The groups of those of these workloads that there are.
  result<std::set<std::string>> groups_of(std::vector<std::string> const& names) {
    std::set<std::string> groups;
    for (auto const& name : names) {
      THV_TRY(auto const record, store_.workload(name));
      if (record) groups.insert(record->group);
    }
    return groups;
  }

 private:
  Store& store_;
};

}  // namespace thv
