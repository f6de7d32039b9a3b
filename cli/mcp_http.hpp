// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <thv/error.hpp>
#include <thv/net/http.hpp>

#include "gateway_access.hpp"

// MCP over Streamable HTTP as a client: what `mcp list`, `mcp call` and `proxy stdio` share.
namespace thv::cli {

/// Where a member is served.
struct mcp_endpoint {
  net::address where;
  std::string target;  ///< `/servers/NAME/mcp`
  std::string token;   ///< empty: none is needed
};

/// The endpoint of a member of the running gateway. errc::not_found for an unknown member.
[[nodiscard]] result<mcp_endpoint> endpoint_of_member(session& s, gateway_view const& g,
                                                      std::string const& name);

/// Headers beside those that every request has.
using http_headers = std::map<std::string, std::string>;

/// Takes one message; false: no more are wanted.
using message_sink = std::function<bool(std::string_view)>;

/// Posts a message and hands every message of the answer, JSON or event stream, to `sink`. Any HTTP
/// status is a success; the body of one that is no 2xx is in the response.
[[nodiscard]] result<net::response> post_message(plugin::call const& c, mcp_endpoint const& to,
                                                 http_headers const& headers,
                                                 std::string const& text, message_sink const& sink);

/// Reads the server's own messages (GET) until its end, an error, or the sink says no.
[[nodiscard]] result<net::response> read_messages(plugin::call const& c, mcp_endpoint const& from,
                                                  http_headers const& headers,
                                                  message_sink const& sink);

/// Ends a session; that it cannot be ended does not matter.
void end_session(mcp_endpoint const& at, http_headers const& headers);

/// The error of an answer that is no 2xx.
[[nodiscard]] error refused_by_gateway(net::response const& answer);

}  // namespace thv::cli
