// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <thv/engine/observe.hpp>
#include <thv/store/records.hpp>

namespace thv {

/// What a lost store can be made of.
struct rebuilt_state {
  store::change_set changes;
  std::vector<std::string> said;  ///< what was found, and what could not be
  bool complete = true;           ///< every runtime answered
};

/// Groups and workloads from the marks on the instances of our store. Names, groups, transports,
/// what runs and names of secrets come back; values of environment variables, arguments of the run
/// config and moves between groups do not. Pure.
[[nodiscard]] inline rebuilt_state rebuilt(std::map<std::string, runtime_answer> const& answers,
                                           std::string const& store,
                                           std::vector<store::workload_record> const& known,
                                           std::int64_t now) {
  rebuilt_state made;
  std::set<std::string> names;
  std::set<std::string> groups;
  for (auto const& record : known) names.insert(record.name);
  for (auto const& [runtime, answer] : answers) {
    if (!answer) {
      made.complete = false;
      made.said.push_back(
          fmt::format("the state was lost; what runtime '{}' holds could not be read: {}", runtime,
                      to_string(answer.error())));
      continue;
    }
    for (auto const& one : *answer) {
      if (one.store != store || !names.insert(one.workload).second) continue;
      store::workload_record record;
      record.name = record.config.name = one.workload;
      record.group = record.config.group = one.group.empty() ? "default" : one.group;
      record.runtime = runtime;
      record.instance = one.id;
      record.config.transport = one.transport;
      if (parse_source(one.package).kind == source_kind::url)
        record.config.remote_url = one.package;
      else
        record.config.image = one.package;
      record.config.secrets = one.secret_names;
      record.wanted_running = one.state == workload_state::running;
      record.created_at = one.created_at;
      record.updated_at = now;
      groups.insert(record.group);
      made.changes.put_workloads.push_back(std::move(record));
    }
  }
  for (auto const& group : groups) made.changes.put_groups.push_back({group, {}, {}, {}, now});
  if (!made.changes.put_workloads.empty())
    made.said.push_back(fmt::format(
        "the state was lost and was rebuilt from the marks on what runs: {} workload{} in {} "
        "group{}; environment values, arguments and moves between groups could not be",
        made.changes.put_workloads.size(), made.changes.put_workloads.size() == 1 ? "" : "s",
        groups.size(), groups.size() == 1 ? "" : "s"));
  return made;
}

}  // namespace thv
