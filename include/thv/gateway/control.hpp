// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include <thv/engine/spec.hpp>
#include <thv/error.hpp>
#include <thv/gateway/backend.hpp>
#include <thv/gateway/server.hpp>
#include <thv/secrets/secret_key.hpp>

/// The gateway's control API on its unix socket, for commands of the same user: GET
/// /api/v1/status; POST /api/v1/{refresh, probe, release, secrets, handover, stop}; GET, POST and
/// DELETE /api/v1/key. Bodies are JSON; an error is `{"error": {"code", "message", "hint",
/// "engine_message"}}`.
namespace thv::gateway {

/// What a running gateway says about itself.
struct gateway_identity {
  std::string version;  ///< of the program
  std::int64_t pid = 0;
  std::int64_t started_at = 0;  ///< milliseconds since 1970
  std::string url;              ///< `http://127.0.0.1:4483`
};

/// What is in the memory of a gateway alone.
struct held_state {
  std::map<std::string, std::string> secrets;  ///< values by name
  std::optional<secrets::secret_key> key;      ///< opens the encrypted secrets
};

/// What the control API does. `prove` may block until the deadline of its call.
struct control_actions {
  std::function<gateway_identity()> identity;
  std::function<gateway::status()> status;
  std::function<void()> refresh;
  std::function<result<catalogue>(plugin::call const&, std::string const& name)> prove;
  std::function<void(std::string const& name)> release;
  std::function<void(std::map<std::string, std::string> secrets)> take_secrets;
  /// Gives what is in memory only, for a successor, and ends soon after.
  std::function<held_state()> hand_over;
  std::function<std::optional<secrets::secret_key>()> key;
  /// nullopt: it is dropped.
  std::function<void(std::optional<secrets::secret_key>)> keep_key;
  std::function<void()> stop;  ///< ends soon after
};

/// Answers a request. Total: what is wrong with it is said with status 400 to 405.
[[nodiscard]] control_response answer_control(control_actions const& actions,
                                              control_request const& request);

/// Values of secrets in memory, as commands hand them over; else what `fallback` says. They are on
/// no disk and in no log. [thread-safe]
class held_secrets {
 public:
  explicit held_secrets(secret_source fallback) : fallback_(std::move(fallback)) {}

  void add(std::map<std::string, std::string> secrets);
  [[nodiscard]] std::map<std::string, std::string> all() const;
  /// errc::not_found with what to do.
  [[nodiscard]] result<std::string> get(std::string const& name, std::string const& group) const;

 private:
  secret_source fallback_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> secrets_;
};

/// The key of the encrypted secrets, asked for once and kept as long as the gateway runs.
/// [thread-safe]
class held_key {
 public:
  void keep(std::optional<secrets::secret_key> key);
  [[nodiscard]] std::optional<secrets::secret_key> get() const;

 private:
  mutable std::mutex mutex_;
  std::optional<secrets::secret_key> key_;
};

}  // namespace thv::gateway
