// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <thv/error.hpp>
#include <thv/mcp/json_rpc.hpp>
#include <thv/mcp/probe.hpp>

namespace thv::mcp {

/// The revision asked for by `initialize`, and the first that has no sessions.
inline constexpr std::string_view session_revision = "2025-11-25";
inline constexpr std::string_view stateless_revision = "2026-07-28";

/// Something to send, and what a transport needs to know about it.
struct outgoing_message {
  std::string text;
  std::string method;            ///< empty for an answer to the server
  bool wants_answer = false;     ///< a request of ours
  bool stateless = false;        ///< HTTP: revision 2026-07-28, which wants `Mcp-Method`
  std::string protocol_version;  ///< HTTP: `MCP-Protocol-Version`; empty before it is agreed
};

/// What follows from one event: messages to send in order, and, at the end, the outcome.
struct readiness_step {
  std::vector<outgoing_message> send;
  std::optional<result<probe_result>> outcome;
};

struct readiness_options {
  /// Ids of our requests count up from here. Fresh for each exchange, so that answers to an earlier
  /// owner of the stream are told apart.
  std::int64_t first_id = 1;
  /// The session exists already: ask only for the tools.
  bool initialised = false;
  /// The stream may hold answers to what an earlier owner left half written: an error that names no
  /// request is not ours.
  bool ignore_unaddressed_errors = false;
};

/// The exchange that proves a server ready, without any input or output (MCP 2025-11-25
/// "Lifecycle"; 2026-07-28 "Versioning"): `initialize`, and where the server refuses that,
/// `server/discover`; then `tools/list` to the last page. A finite state machine: `start`, then
/// `feed` with every message of the server until there is an outcome.
class readiness_exchange {
 public:
  explicit readiness_exchange(readiness_options options) : options_(options) {}

  [[nodiscard]] readiness_step start();
  [[nodiscard]] readiness_step feed(rpc_message const& message);

  /// The method whose answer is awaited: `initialize`, `server/discover` or `tools/list`.
  [[nodiscard]] std::string_view awaits() const noexcept;

  /// The error that the server gave to `initialize` before `server/discover` was tried.
  [[nodiscard]] std::optional<error> const& refusal() const noexcept { return refusal_; }

 private:
  enum class phase { initialize, discover, list };

  [[nodiscard]] readiness_step ask_initialize();
  [[nodiscard]] readiness_step ask_discover();
  [[nodiscard]] readiness_step ask_tools(std::string_view cursor);
  [[nodiscard]] readiness_step list_from_start();
  [[nodiscard]] readiness_step on_result(boost::json::object const& result);
  [[nodiscard]] readiness_step on_initialized(boost::json::object const& result);
  [[nodiscard]] readiness_step on_discovered(boost::json::object const& result);
  [[nodiscard]] readiness_step on_tools(boost::json::object const& result);
  [[nodiscard]] readiness_step on_page_end(boost::json::object const& result);
  [[nodiscard]] readiness_step on_error(rpc_error const& error);
  [[nodiscard]] readiness_step answer(rpc_message const& request) const;
  [[nodiscard]] outgoing_message request(std::string_view method, boost::json::object params);
  [[nodiscard]] readiness_step failed(std::string message, std::string hint = {}) const;
  [[nodiscard]] readiness_step finished();

  readiness_options options_;
  phase phase_ = phase::initialize;
  std::int64_t next_id_ = 0;
  std::int64_t pending_ = 0;
  bool stateless_ = false;
  bool tools_changed_ = false;
  int listings_ = 0;
  std::set<std::string, std::less<>> cursors_;
  std::optional<error> refusal_;
  probe_result found_;
};

}  // namespace thv::mcp
