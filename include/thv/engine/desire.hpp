// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <thv/engine/requests.hpp>
#include <thv/engine/views.hpp>
#include <thv/model/names.hpp>
#include <thv/plan/desired.hpp>
#include <thv/plan/observed.hpp>
#include <thv/registry/members.hpp>
#include <thv/registry/suggest.hpp>
#include <thv/store/records.hpp>

/// What the commands wish for, as pure functions over values.
namespace thv {

/// A member of a registry group, with the runtime that is to hold it.
struct shaped_member {
  run_config config;
  std::string runtime;
};

/// A registry group as it is to be run.
struct group_run_shape {
  std::string group;  ///< its slug, or --as
  std::string title;  ///< its human name where that differs
  std::vector<shaped_member> members;
};

/// Finds a runtime for a registry entry: its name, and the kinds of source it runs.
using runtime_finder = std::function<result<std::pair<std::string, std::vector<source_kind>>>(
    registry::server const&, std::string const& wanted)>;

/// Chooses each member's runtime and package and builds its run config. All that can be wrong about
/// a group is found here, before anything is changed.
[[nodiscard]] inline result<group_run_shape> shape_group_run(group_run_request const& request,
                                                             runtime_finder const& find) {
  group_run_shape shape;
  shape.group = request.as.empty() ? slug(request.group.name) : request.as;
  THV_CHECK(validate_group_name(shape.group));
  if (shape.group != request.group.name) shape.title = request.group.name;
  std::map<std::string, std::string> runtimes;
  std::map<std::string, std::vector<source_kind>> runs;
  for (auto const& server : request.group.servers) {
    if (!server.remote() && server.packages.empty()) continue;  // member_configs says why
    THV_TRY(auto found, find(server, server.runtime.empty() ? request.runtime : server.runtime));
    runtimes[server.name] = std::move(found.first);
    runs[server.name] = std::move(found.second);
  }
  registry::member_options options;
  options.group_name = shape.group;
  options.prefix = request.prefix;
  options.registry = request.origin;
  options.choose = [&](registry::server const& server) -> result<registry::package const*> {
    if (auto const chosen = registry::choose_package(server, runs[server.name])) return *chosen;
    return fail(errc::internal, fmt::format("no package of '{}' was chosen", server.name));
  };
  THV_TRY(auto configs, registry::member_configs(request.group, request.targets, options));
  for (auto& config : configs) {
    auto runtime = runtimes[config.registry_server_name];
    shape.members.push_back({std::move(config), std::move(runtime)});
  }
  return shape;
}

/// The error for a name that no workload has, with the nearest one in the hint.
[[nodiscard]] inline error no_workload(std::string const& name,
                                       std::vector<store::workload_record> const& records) {
  std::vector<std::string> names;
  for (auto const& record : records) names.push_back(record.name);
  auto const near = registry::nearest(name, names);
  return fail(errc::not_found, fmt::format("workload '{}' does not exist", name),
              near ? fmt::format("did you mean '{}'?", *near)
                   : "use 'thv-engine list --all' to see the workloads");
}

/// What deleting a group wishes for.
[[nodiscard]] inline plan::desired_state desire_deletion(
    delete_group_request const& request, std::vector<store::workload_record> const& records) {
  plan::desired_state desired{"group delete", request.name, {}, {}};
  desired.groups.push_back({.name = request.name, .present = false});
  for (auto const& record : records) {
    if (record.group != request.name) continue;
    plan::desired_workload wanted;
    wanted.name = record.name;
    if (request.keep_workloads)
      wanted.group = "default";
    else
      wanted.present = false;
    desired.workloads.push_back(std::move(wanted));
  }
  return desired;
}

/// What moving wishes for. errc::not_found for unknown workloads, errc::conflict for one that is
/// not in the group it is to be moved from.
[[nodiscard]] inline result<plan::desired_state> desire_move(
    move_request const& request, std::vector<store::workload_record> const& records) {
  plan::desired_state desired{"group move", request.to, {{.name = request.to}}, {}};
  for (auto const& name : request.workloads) {
    auto const found =
        std::find_if(records.begin(), records.end(), [&](auto const& r) { return r.name == name; });
    if (found == records.end()) return no_workload(name, records);
    if (!request.from.empty() && found->group != request.from)
      return fail(errc::conflict,
                  fmt::format("workload '{}' is in group '{}', not in '{}'", name, found->group,
                              request.from),
                  fmt::format("use --from {}", found->group));
    plan::desired_workload wanted;
    wanted.name = name;
    wanted.group = request.to;
    desired.workloads.push_back(std::move(wanted));
  }
  return desired;
}

/// A workload as people see it, from its record and what its runtime said.
[[nodiscard]] inline workload_view view_of(plan::observed_workload seen) {
  workload_view view;
  view.record = std::move(seen.record);
  if (seen.runtime_error) {
    view.state_context = fmt::format("runtime '{}' does not answer: {}", view.record.runtime,
                                     to_string(*seen.runtime_error));
  } else if (seen.instance) {
    view.state = seen.instance->state;
    view.state_context = seen.instance->message;
    view.port = seen.instance->port;
    view.started_at = seen.instance->started_at;
    view.notes = seen.instance->notes;
    bool const same = view.record.session_key == seen.instance->session_key;
    if (view.state == workload_state::running && same) {
      view.ready = view.record.readiness == "ready";
      if (view.record.readiness == "unauthenticated") view.state = workload_state::unauthenticated;
    } else if (view.state == workload_state::running && view.state_context.empty()) {
      view.state_context = "started again since it was proved ready";
    }
    if (view.sleeps()) view.state_context = "sleeps until its first request";
  } else if (view.record.phase == store::phase::reserved) {
    view.state = workload_state::starting;
  } else if (view.record.phase == store::phase::removing) {
    view.state = workload_state::removing;
  } else {
    view.state = view.record.wanted_running ? workload_state::error : workload_state::stopped;
    view.state_context = fmt::format("its instance is gone from runtime '{}'", view.record.runtime);
  }
  return view;
}

}  // namespace thv
