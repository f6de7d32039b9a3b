// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace thv {

/// The state of a workload as people see it: ToolHive's words (reference §5.1).
enum class workload_state {
  starting,
  running,
  stopping,
  stopped,
  removing,
  error,
  unhealthy,
  unauthenticated,
  unknown,
};

[[nodiscard]] constexpr std::string_view to_string(workload_state s) noexcept {
  switch (s) {
    case workload_state::starting:
      return "starting";
    case workload_state::running:
      return "running";
    case workload_state::stopping:
      return "stopping";
    case workload_state::stopped:
      return "stopped";
    case workload_state::removing:
      return "removing";
    case workload_state::error:
      return "error";
    case workload_state::unhealthy:
      return "unhealthy";
    case workload_state::unauthenticated:
      return "unauthenticated";
    case workload_state::unknown:
      return "unknown";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::optional<workload_state> parse_workload_state(
    std::string_view text) noexcept {
  for (auto s :
       {workload_state::starting, workload_state::running, workload_state::stopping,
        workload_state::stopped, workload_state::removing, workload_state::error,
        workload_state::unhealthy, workload_state::unauthenticated, workload_state::unknown})
    if (to_string(s) == text) return s;
  return std::nullopt;
}

}  // namespace thv
