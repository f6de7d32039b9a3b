// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <thv/gateway/control.hpp>
#include <thv/gateway/control_json.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::gateway {

/// Speaks to a running gateway. errc::unavailable: none answers at its socket; else the gateway's
/// own errors. [thread-safe]
class control_client {
 public:
  explicit control_client(std::string socket) : socket_(std::move(socket)) {}

  [[nodiscard]] result<gateway_status> status(plugin::call const& c) const;
  /// It reads its members again.
  [[nodiscard]] result<void> refresh(plugin::call const& c) const;
  /// It proves a member ready by a real request, until the deadline of the call.
  [[nodiscard]] result<catalogue> prove(plugin::call const& c, std::string const& name) const;
  /// It lets go of a member's stream.
  [[nodiscard]] result<void> release(plugin::call const& c, std::string const& name) const;
  /// It keeps these in memory, and reads its members again.
  [[nodiscard]] result<void> give_secrets(plugin::call const& c,
                                          std::map<std::string, std::string> const& secrets) const;
  /// It gives what it holds, for a successor, and ends soon after.
  [[nodiscard]] result<held_state> hand_over(plugin::call const& c) const;
  /// What `hand_over` of another gateway gave: it keeps that.
  [[nodiscard]] result<void> take_over(plugin::call const& c, held_state const& held) const;
  /// The key of the encrypted secrets; errc::not_found if it has none.
  [[nodiscard]] result<secrets::secret_key> key(plugin::call const& c) const;
  /// It keeps the key in locked memory, and reads its members again.
  [[nodiscard]] result<void> give_key(plugin::call const& c, secrets::secret_key const& key) const;
  /// It forgets the key.
  [[nodiscard]] result<void> drop_key(plugin::call const& c) const;
  /// It ends soon after.
  [[nodiscard]] result<void> stop(plugin::call const& c) const;

 private:
  [[nodiscard]] result<boost::json::value> ask(plugin::call const& c, std::string method,
                                               std::string const& what,
                                               boost::json::object const& body = {}) const;

  std::string socket_;
};

}  // namespace thv::gateway
