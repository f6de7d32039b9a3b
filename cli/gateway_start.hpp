// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gateway_access.hpp"
#include "session.hpp"

namespace thv::cli {

/// What of an environment (`NAME=VALUE` lines) the gateway starts with: no secret of this session.
[[nodiscard]] std::vector<std::string> gateway_environment(std::vector<std::string> const& ours);

/// Starts the gateway in the background unless it runs, takes away the mark of a user's stop, and
/// waits until it answers. One of another version, or of a program file that was replaced, hands
/// over to a new one.
[[nodiscard]] result<gateway_view> start_gateway(session& s);

/// Ends it and waits until it has ended. False: none ran. No other command starts it then.
[[nodiscard]] result<bool> stop_gateway(session& s);

/// Waits until no gateway of this state folder runs any more. errc::timeout.
[[nodiscard]] result<void> wait_until_gateway_ended(session& s);

/// After a change: the gateway has the secrets of this command's environment and reads its members
/// again. It is started where members are wanted running and the user did not stop it.
[[nodiscard]] result<gateway_view> settle_gateway(session& s);

}  // namespace thv::cli
