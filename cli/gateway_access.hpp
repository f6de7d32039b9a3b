// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include <thv/gateway/control_client.hpp>
#include <thv/gateway/control_files.hpp>

#include "session.hpp"

// The gateway as commands see it from outside.
namespace thv::cli {

/// How the gateway of this user stands.
struct gateway_view {
  /// `stopped`: by the user, so that no other command starts it.
  enum class state { running, down, stopped } is = state::down;
  std::string url;         ///< its base; of one that does not run: where it answered last, or will
  std::uint16_t port = 0;  ///< likewise
  std::string socket;      ///< of a running one's control API
  gateway::gateway_status status;  ///< of a running one

  [[nodiscard]] bool running() const { return is == state::running; }
};

[[nodiscard]] std::string_view to_string(gateway_view::state s);

/// Asks it. A gateway that does not answer within a second counts as down.
[[nodiscard]] result<gateway_view> look_at_gateway(session& s);

/// Where a member is served: `http://127.0.0.1:4483/servers/NAME/mcp`.
[[nodiscard]] std::string member_url(gateway_view const& g, std::string const& workload);

/// A running gateway reads its members again: something that it waits for may be there now.
void nudge_gateway(session& s);

/// The name of the secret without which the gateway cannot start a workload; empty: for none.
[[nodiscard]] std::string waits_for(gateway_view const& g, std::string const& workload);

/// errc::unavailable unless it runs.
[[nodiscard]] result<gateway_view> running_gateway(session& s);

/// The token that its clients send; empty: none. errc::permission_denied for a file that others
/// can read.
[[nodiscard]] result<std::string> gateway_token(config::gateway_table const& settings);

/// The values that this command's environment has of secrets that workloads name.
[[nodiscard]] result<std::map<std::string, std::string>> known_secrets(session& s);

/// A readiness exchange on a stream of its own.
using attached_probe = std::function<result<mcp::probe_result>()>;

/// Proves a stdio workload ready: through the gateway where that runs and knows the instance, since
/// it is the one that keeps the session, else `directly`.
[[nodiscard]] result<mcp::probe_result> prove_beside_gateway(session& s, plugin::call const& c,
                                                             plugin::instance const& instance,
                                                             attached_probe const& directly);

/// A call that ends after `time`.
[[nodiscard]] plugin::call within(std::chrono::milliseconds time, std::stop_token stop = {});

}  // namespace thv::cli
