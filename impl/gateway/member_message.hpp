// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <thv/gateway/message.hpp>
#include <thv/mcp/json_rpc.hpp>

namespace thv::gateway {

/// What stands in a message before one of its parts, and after it: between them another can be put.
/// `part` is a view into `in.text`.
[[nodiscard]] inline std::string_view head_of(message const& in, std::string_view part) {
  return {in.text.data(), static_cast<std::size_t>(part.data() - in.text.data())};
}
[[nodiscard]] inline std::string_view tail_of(message const& in, std::string_view part) {
  auto const* from = part.data() + part.size();
  return {from, static_cast<std::size_t>(in.text.data() + in.text.size() - from)};
}

/// The capability that a client must have declared to be asked this; empty: nobody may be.
[[nodiscard]] inline std::string_view needed_for(std::string_view method) {
  if (method == "sampling/createMessage") return "sampling";
  if (method == "elicitation/create") return "elicitation";
  if (method == "roots/list") return "roots";
  return {};
}

/// The HTTP status that an error of the stateless revision is answered with.
[[nodiscard]] inline int status_of(std::int64_t code) {
  if (code == mcp::rpc_code::method_not_found) return 404;
  if (code == mcp::rpc_code::header_mismatch || code == mcp::rpc_code::missing_client_capability ||
      code == mcp::rpc_code::unsupported_protocol_version)
    return 400;
  return 200;
}

inline constexpr std::size_t most_asked = 256;     ///< questions to a session's client
inline constexpr std::size_t most_questions = 64;  ///< of one call

}  // namespace thv::gateway
