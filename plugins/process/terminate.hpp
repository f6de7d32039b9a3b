// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <process/children.hpp>
#include <process/procfs.hpp>
#include <string>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::process {

/// The processes that belong to an instance now: the leader, its session, and whatever carries the
/// instance's mark in its environment, wherever it moved. `leader` may be gone or unknown (pid 0).
[[nodiscard]] std::vector<process_entry> members_of(std::string const& id, identity const& leader);
/// The same from a list of all processes that was taken before.
[[nodiscard]] std::vector<process_entry> members_among(std::vector<process_entry> entries,
                                                       std::string const& id,
                                                       identity const& leader);

/// Ends all processes of an instance: TERM to all of them, then KILL to those that are left after
/// `grace` (less when the deadline is nearer). Each is held by a pidfd and checked by pid, start
/// time and boot id before it gets a signal. Returns when none is left. Nothing to end is a
/// success.
[[nodiscard]] result<void> terminate(plugin::call const& c, std::string const& id,
                                     identity const& leader, children& ours,
                                     std::chrono::milliseconds grace = std::chrono::seconds(10));

}  // namespace thv::process
