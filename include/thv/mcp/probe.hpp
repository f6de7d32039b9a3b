// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::mcp {

/// What a server answered when it was asked whether it is ready.
struct probe_result {
  std::string protocol_version;
  std::string server_name;
  std::string server_version;
  std::string
      initialize_result;  ///< JSON text of the result of `initialize` (or `server/discover`)
  std::vector<std::string>
      tools;  ///< names from `tools/list`, all pages; empty without the ability
};

/// Proves that a server is ready by a real exchange (MCP 2025-11-25 "Lifecycle"; `server/discover`
/// for 2026-07-28 servers): initialize as `thv-engine` with roots, sampling and elicitation
/// declared, `notifications/initialized`, then `tools/list` to the last page. Server-to-client
/// requests met on the way are answered (ping with {}, roots/list with none, others with method not
/// found). Text on stdout that is no JSON is skipped and quoted in the error. Does not retry.
/// `initialised`: the session exists already (decision 18): only `tools/list` with a fresh id is
/// asked, and `initialize_result` of the answer is empty.
/// Errors: errc::exited (stream ended), errc::timeout, errc::cancelled, errc::engine (the server
/// answered with a JSON-RPC error; its words are apart).
[[nodiscard]] result<probe_result> probe_stdio(plugin::call const& c, plugin::stream const& stream,
                                               bool initialised);

/// Like probe_stdio over Streamable HTTP (`transport::streamable_http`) or HTTP+SSE
/// (`transport::sse`). A session id given by the server is ended with DELETE afterwards.
/// errc::unauthenticated on 401 and 403, errc::unavailable when nothing answers at the address.
[[nodiscard]] result<probe_result> probe_http(plugin::call const& c, plugin::endpoint const& where,
                                              thv::transport transport);

}  // namespace thv::mcp
