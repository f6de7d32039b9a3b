// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <thv/error.hpp>
#include <thv/model/transport.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::gateway {

/// What a member said about itself, kept so that nobody has to ask a second time, and so that a
/// member that sleeps can be listed. Each text is the JSON of a `result` as the member gave it.
struct catalogue {
  std::string session_key;        ///< the start of the member that this was said by
  std::string revision;           ///< of MCP: `2025-06-18`, `2026-07-28`
  std::string initialize_result;  ///< of `initialize`, or of `server/discover`
  /// By method (`tools/list`, `prompts/list`, `resources/list`, `resources/templates/list`): the
  /// whole list, pages joined.
  std::map<std::string, std::string> lists;

  friend bool operator==(catalogue const&, catalogue const&) = default;
};

/// A member as it is declared: what the gateway serves under its name.
struct member {
  std::string name;
  std::string group;
  thv::transport transport = thv::transport::stdio;
  /// Served through a stream (`attach`), whatever the transport says of a remote one.
  bool streams = true;
  bool wanted_running = true;
  /// Started by the first request and stopped after `idle_timeout` without one.
  bool on_demand = false;
  std::chrono::milliseconds idle_timeout{0};  ///< 0: never stopped for idleness
  catalogue known;                            ///< of its last start; empty texts if there was none

  friend bool operator==(member const&, member const&) = default;
};

/// The way to the running instance of a member: a stream or an endpoint.
struct attachment {
  /// Of the instance that runs now. The session of another key is over.
  std::string session_key;
  /// What is known of it, as new as can be; the data plane's own may be from before a restart.
  catalogue known;
  std::optional<plugin::stream> stream;
  std::optional<plugin::endpoint> endpoint;
};

/// What the data plane needs from the rest of the engine. Every function blocks, is called on a
/// worker thread of the gateway, several at once for different members, and ends soon after the
/// deadline or the stop of its call.
class backend {
 public:
  backend() = default;
  backend(backend const&) = delete;
  backend& operator=(backend const&) = delete;
  virtual ~backend() = default;

  /// All members, by name. Asks no runtime.
  virtual result<std::vector<member>> members() = 0;

  /// The way to a member. One that does not run is started if it is `on_demand`, or if it crashed
  /// and its back-off allows it. errc::unavailable says why there is none, in words for the client;
  /// errc::conflict while somebody else (a command that proves it ready) is attached: try again.
  virtual result<attachment> open(plugin::call const& c, std::string const& name) = 0;

  /// Keeps what a member said. Called after `open` by whoever initialised it. [idempotent]
  virtual result<void> keep(std::string const& name, catalogue const& said) = 0;

  /// Stops an `on_demand` member that was idle for its `idle_timeout`.
  virtual result<void> sleep(plugin::call const& c, std::string const& name) = 0;
};

}  // namespace thv::gateway
