// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <thv/error.hpp>
#include <thv/model/workload_state.hpp>
#include <thv/store/records.hpp>

namespace thv {

/// A workload as people and programs see it.
struct workload_view {
  store::workload_record record;
  workload_state state = workload_state::unknown;
  std::string state_context;  ///< why, in words; empty when there is nothing to say
  bool ready = false;         ///< it answered a real MCP exchange since it was started
  std::string url;            ///< where its own endpoint answers; empty for stdio
  std::uint16_t port = 0;
  std::int64_t started_at = 0;     ///< milliseconds since 1970; 0: does not run
  std::vector<std::string> notes;  ///< what a person should know

  /// Does not run, and is started by the next request through the gateway.
  [[nodiscard]] bool sleeps() const {
    return record.config.on_demand && record.wanted_running && state == workload_state::stopped;
  }
};

/// A group with its members.
struct group_view {
  store::group_record record;
  std::vector<workload_view> members;  ///< by name
};

}  // namespace thv
