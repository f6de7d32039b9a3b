// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include <thv/error.hpp>
#include <thv/mcp/probe.hpp>
#include <thv/model/run_config.hpp>
#include <thv/plan/progress.hpp>
#include <thv/plugin/runtime.hpp>
#include <thv/store/records.hpp>

namespace thv::plan {

/// How execution reaches the world, besides the store. All functions are called from several
/// threads at once.
struct services {
  std::function<result<plugin::runtime*>(std::string const& name)> runtime;
  /// A run config made ready for a runtime: secrets resolved, paths split.
  std::function<result<plugin::workload_spec>(run_config const&)> make_spec;
  /// One readiness exchange with a running instance (mcp/probe.hpp).
  std::function<result<mcp::probe_result>(plugin::call const&, plugin::runtime&,
                                          plugin::instance const&, run_config const&,
                                          bool initialised)>
      probe;
  /// Milliseconds since 1970.
  std::function<std::int64_t()> now;
  /// Does that process still run?
  std::function<bool(store::process_identity const&)> is_alive;
  store::process_identity self;
};

struct execution_options {
  int parallel = 8;  ///< steps at the same time, at least 1
  /// For a workload from its start until it is ready; pulls and installs do not count.
  std::chrono::milliseconds timeout = std::chrono::seconds(120);
  /// Go on when a step fails, and keep what succeeded.
  bool keep_going = false;
  /// Cancels: what was done is undone.
  std::stop_token stop{};
  progress_sink on_progress{};
};

}  // namespace thv::plan
