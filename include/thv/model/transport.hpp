// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace thv {

/// How a client speaks MCP to a workload (MCP specification, "Transports"). `sse` is the
/// HTTP+SSE transport of revision 2024-11-05.
enum class transport { stdio, sse, streamable_http };

/// The names used in registries and run configs: `stdio`, `sse`, `streamable-http`.
[[nodiscard]] constexpr std::string_view to_string(transport t) noexcept {
  switch (t) {
    case transport::stdio:
      return "stdio";
    case transport::sse:
      return "sse";
    case transport::streamable_http:
      return "streamable-http";
  }
  return "stdio";
}

/// Reads a name that `to_string` writes; anything else is nullopt.
[[nodiscard]] constexpr std::optional<transport> parse_transport(std::string_view text) noexcept {
  if (text == "stdio") return transport::stdio;
  if (text == "sse") return transport::sse;
  if (text == "streamable-http") return transport::streamable_http;
  return std::nullopt;
}

}  // namespace thv
