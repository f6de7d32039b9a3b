// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <thv/model/run_config.hpp>
#include <thv/plan/progress.hpp>
#include <thv/plan/services.hpp>
#include <thv/registry/registry.hpp>
#include <thv/registry/targets.hpp>

namespace thv {

/// How one changing command is to be carried out.
struct change_options {
  bool dry_run = false;         ///< only plan; the report holds the plan
  bool keep_going = false;      ///< keep what succeeds when something fails
  std::optional<int> parallel;  ///< else the engine's
  std::optional<std::chrono::milliseconds> timeout;
  /// Until when to wait for the locks of groups that somebody else changes.
  std::chrono::steady_clock::time_point lock_deadline =
      std::chrono::steady_clock::time_point::max();
  std::stop_token stop{};
  plan::progress_sink on_progress{};
};

/// Runs a registry group.
struct group_run_request {
  registry::group group;
  std::string origin;  ///< file or URL of its registry
  registry::targets targets;
  std::string as;       ///< group to run it as; empty: the slug of its name
  std::string prefix;   ///< put before every member's name
  std::string runtime;  ///< for members that name none; empty: chosen
  bool prune = false;
  bool reclaim = false;
};

/// Runs one workload.
struct run_request {
  run_config config;  ///< `runtime` in it may name one; `group` empty: `default`
};

/// Which workloads a command means: names, or a group's members, or all.
struct selection {
  std::vector<std::string> names;
  std::optional<std::string> group;
  bool all = false;
};

struct delete_group_request {
  std::string name;
  bool keep_workloads = false;  ///< members move to `default`
  bool forget = false;          ///< drop what a runtime that does not answer holds
};

struct move_request {
  std::vector<std::string> workloads;
  std::string from;  ///< empty: wherever they are
  std::string to;
};

/// Settings of an engine.
struct engine_options {
  std::string default_runtime;  ///< empty: the first that answers and can run the workload
  bool auto_create = true;      ///< `run` and `move` create a missing group
  int parallel = 8;
  std::chrono::milliseconds timeout = std::chrono::seconds(120);
  /// Runtimes that may hold groups themselves (plugin/draft/groups.hpp): the configured ones. They
  /// are asked when groups are listed.
  std::vector<std::string> group_holders{};
  /// How a workload is asked whether it is ready; empty: a real MCP exchange (engine/probe.hpp).
  decltype(plan::services::probe) probe{};
};

}  // namespace thv
