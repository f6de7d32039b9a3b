// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <boost/json/array.hpp>

#include <thv/clients/registrar.hpp>

#include "gateway_access.hpp"
#include "session.hpp"

// The clients' files as commands and the gateway keep them.
namespace thv::cli {

/// The files of this user's clients. The state must have been opened.
[[nodiscard]] result<clients::registrar> user_clients(session& s);

/// Groups and members as recorded.
[[nodiscard]] result<clients::membership> membership_of(session& s);

/// Where clients find the gateway, and the token that it wants.
[[nodiscard]] result<clients::gateway_address> address_of(session& s, std::string const& url);

/// The same for what needs no token: that it cannot be had is no error, but stands in the address.
[[nodiscard]] result<clients::gateway_address> address_as_known(session& s, std::string const& url);

/// `{"mcpServers": {NAME: {"url", "type", "headers"}}}`: what most clients read, with the gateway's
/// token if it wants one.
[[nodiscard]] boost::json::object mcp_servers_json(std::vector<std::string> const& workloads,
                                                   clients::gateway_address const& address);

/// Lets the files of registered clients hold what is served now, at that base URL of the gateway.
[[nodiscard]] result<std::vector<clients::client_outcome>> sync_clients(session& s,
                                                                        std::string const& url);

/// What there is and where it is served, looked at when it is asked for.
[[nodiscard]] clients::situation_source situation_at(session& s, std::string const& url);

/// After a change: `sync_clients`. What was done and what went wrong is said; that a file could not
/// be written fails no command.
std::vector<clients::client_outcome> settle_clients(session& s, gateway_view const& g);

/// One line on standard error for each client whose file was changed, or could not be; and which
/// entries were left alone, of clients that nothing else was done to only unless `quiet`.
void say_outcomes(std::vector<clients::client_outcome> const& all, bool quiet);

/// `claude-code (/home/u/.claude.json): +fetch -memory`
[[nodiscard]] std::string changes_text(clients::client_outcome const& o);

[[nodiscard]] boost::json::array outcomes_json(std::vector<clients::client_outcome> const& all);

}  // namespace thv::cli
