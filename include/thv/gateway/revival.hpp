// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>
#include <thv/gateway/backend.hpp>
#include <thv/gateway/supervisor.hpp>
#include <thv/plan/report.hpp>
#include <thv/plugin/runtime.hpp>
#include <thv/store/records.hpp>

/// What `engine_backend` decides, and its words for clients; all of it without an engine.
namespace thv::gateway {

/// When this machine was started, in milliseconds since 1970.
[[nodiscard]] std::int64_t machine_start();

/// A member as the gateway serves it. `catalogue` may be nullptr.
[[nodiscard]] member member_of(store::workload_record const& record,
                               store::catalogue_record const* catalogue);

/// Served through a stream.
[[nodiscard]] bool streams(run_config const& config);

/// The revision that an `initialize` or `server/discover` result agrees to; empty if it says none.
[[nodiscard]] std::string revision_of(std::string_view initialize_result);

/// The names in a `tools/list` result; what is no such result has none.
[[nodiscard]] std::vector<std::string> tool_names(std::string_view tools_list);

/// Can it be attached to, or asked?
[[nodiscard]] bool is_up(std::optional<plugin::instance> const& seen);

/// Closes both descriptors.
void close_stream(plugin::stream const& stream);

/// A member that does not run.
struct revival_case {
  store::workload_record const& record;
  std::optional<plugin::instance> const& seen;  ///< nullopt: its runtime has no instance of it
  bool being_changed = false;     ///< by a command, which may have stopped it for a moment
  bool supervised_by_us = false;  ///< else a daemon restarts it
  bool autostart = false;         ///< returns after the machine was restarted
  std::int64_t booted_at = 0;     ///< milliseconds since 1970
};

/// May it be started now? errc::unavailable with why not, errc::conflict while it is being changed.
[[nodiscard]] result<void> may_start(revival_case const& dead, supervisor& pace);

/// errc::unavailable: it does not run, and why.
[[nodiscard]] error does_not_run(store::workload_record const& record,
                                 std::optional<plugin::instance> const& seen);
/// errc::unavailable: its runtime or the engine failed.
[[nodiscard]] error unreachable(store::workload_record const& record, error const& why);
/// errc::unavailable: it waits for a secret that has no value, or that is locked.
[[nodiscard]] error waits_for_secret(store::workload_record const& record,
                                     std::string const& secret);

/// Why a member was not started, if it was not.
[[nodiscard]] std::optional<error> start_failure(plan::report const& report,
                                                 std::string const& name);

/// The time until the deadline of a call, `longest` at most.
[[nodiscard]] std::chrono::milliseconds time_left(plugin::call const& c,
                                                  std::chrono::milliseconds longest);

/// Waits until the deadline or stop of a call.
void pause(plugin::call const& c);

}  // namespace thv::gateway
