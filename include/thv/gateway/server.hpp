// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>
#include <thv/gateway/backend.hpp>

namespace thv::gateway {

/// A line of the gateway's log. Never holds a secret, nor the text of a call.
struct log_line {
  enum class level { debug, info, warning, error } severity = level::info;
  std::string member;   ///< empty: of the gateway itself
  std::string message;  ///< one line, without control characters
};

/// A request on the control socket.
struct control_request {
  std::string method;  ///< GET, POST, DELETE
  std::string target;  ///< `/api/v1/status`, with its query
  std::string body;
};

struct control_response {
  int status = 200;
  std::string body;  ///< JSON
};

/// What bounds the gateway. Sizes in bytes.
struct limits {
  std::size_t header = 16u << 10;                 ///< request line and header fields
  std::size_t body = 16u << 20;                   ///< one message of a client
  std::size_t message = 16u << 20;                ///< one message of a member
  std::size_t client_queue = 8u << 20;            ///< waiting for a client that reads slowly
  std::size_t member_queue = 32u << 20;           ///< waiting for a member that reads slowly
  std::size_t connections = 16384;                ///< open at once
  std::size_t sessions = 65536;                   ///< of clients, at once; the idlest goes first
  std::size_t calls_per_member = 8192;            ///< in flight at once
  std::chrono::milliseconds header_time{10'000};  ///< until a request is whole
  std::chrono::milliseconds call_time{300'000};   ///< of a call without progress
  std::chrono::milliseconds start_time{60'000};   ///< requests wait for a member to start
  std::chrono::milliseconds session_time{7'200'000};   ///< a session without a request
  std::chrono::milliseconds idle_connection{600'000};  ///< keep-alive without a request
};

struct server_options {
  std::string host = "127.0.0.1";  ///< to listen on; not loopback needs a token
  std::uint16_t port = 4483;       ///< 0: any
  /// Take the next free port, up to 100 further, when `port` is busy.
  bool next_free_port = true;
  /// Clients must send it as bearer token; empty: none is needed.
  std::string token;
  /// Beside loopback names: `Origin` values and `Host` names that are accepted.
  std::vector<std::string> allowed_origins;
  std::vector<std::string> allowed_hosts;
  /// Path of the control socket, made with mode 0600; empty: none.
  std::string control_socket;
  /// Answers requests on the control socket. Called on a worker thread, may block.
  std::function<control_response(control_request const&)> control;
  /// Give memory that only the start needed back to the system, a few seconds after it. For a
  /// process that does nothing else.
  bool trim_memory = false;
  /// Called on the gateway's thread; must not block long.
  std::function<void(log_line const&)> log;
  gateway::limits limits;
};

/// How a member stands with the gateway.
struct member_status {
  std::string name;
  std::string state;     ///< "ready", "starting", "down", "sleeping", "not tried"
  std::string message;   ///< why it is not ready
  std::string revision;  ///< of MCP it speaks; empty: not known yet
  std::size_t sessions = 0;
  std::size_t in_flight = 0;
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  std::string waits_for;  ///< name of the secret that it cannot start without; empty: none
};

struct status {
  std::uint16_t port = 0;
  std::size_t connections = 0;
  std::size_t sessions = 0;
  std::vector<member_status> members;  ///< by name
};

/// The data plane: serves every member of a backend over MCP on one thread of its own choosing
/// (`run`), with worker threads for what blocks. An embedder may run it in-process. `backend` must
/// outlive it.
class server {
 public:
  server(backend& members, server_options options);
  ~server();
  server(server const&) = delete;
  server& operator=(server const&) = delete;

  /// Binds the addresses. errc::conflict when no port is free, errc::invalid_argument for an
  /// address that is not loopback without a token.
  [[nodiscard]] result<void> listen();

  /// The port it serves on, after `listen`.
  [[nodiscard]] std::uint16_t port() const noexcept;

  /// Serves until `stop`, on the calling thread. Members that are wanted running and not
  /// `on_demand` are attached at once.
  void run();

  /// Ends `run`: waiting calls get an error, members are let go of and stay as they are.
  /// [thread-safe]
  void stop();

  /// Reads the members again: something changed. [thread-safe]
  void refresh();

  /// Is the member ready? True only after a real request was answered. Blocks until the deadline of
  /// the call. Not on the thread of `run`. [thread-safe]
  [[nodiscard]] result<catalogue> prove(plugin::call const& c, std::string const& name);

  /// Lets go of a member's stream, so that somebody else can attach. Not on the thread of `run`.
  /// [thread-safe]
  void release(std::string const& name);

  /// Not on the thread of `run`. [thread-safe]
  [[nodiscard]] gateway::status status();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace thv::gateway
