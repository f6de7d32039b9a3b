// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <thv/error.hpp>

/// JSON-RPC 2.0 as MCP uses it.
namespace thv::mcp {

/// Error codes of JSON-RPC 2.0 and MCP 2026-07-28 ("Error Codes").
namespace rpc_code {
inline constexpr std::int64_t invalid_request = -32600;
inline constexpr std::int64_t method_not_found = -32601;
inline constexpr std::int64_t invalid_params = -32602;
inline constexpr std::int64_t header_mismatch = -32020;
inline constexpr std::int64_t missing_client_capability = -32021;
inline constexpr std::int64_t unsupported_protocol_version = -32022;
}  // namespace rpc_code

/// The `error` member of an answer.
struct rpc_error {
  std::int64_t code = 0;
  std::string message;
  boost::json::value data;
};

/// One message. Which members mean something follows from `is`.
struct rpc_message {
  enum class kind { request, notification, response, error_response };
  kind is = kind::notification;
  boost::json::value id;      ///< null in a notification, or where a server could not read ours
  std::string method;         ///< request, notification
  boost::json::value params;  ///< request, notification; null if absent
  boost::json::value result;  ///< response
  rpc_error error;            ///< error_response
};

/// Reads one message, or a batch (revision 2025-03-26) as several. Total: whatever is no JSON-RPC
/// is errc::engine with a reason and no words of the text. Nesting deeper than 256 is refused.
[[nodiscard]] result<std::vector<rpc_message>> parse_messages(std::string_view text);

/// Texts of one line, without its end. `params` is left out when null.
[[nodiscard]] std::string request_text(std::int64_t id, std::string_view method,
                                       boost::json::value params);
[[nodiscard]] std::string notification_text(std::string_view method);
[[nodiscard]] std::string response_text(boost::json::value const& id, boost::json::object result);
[[nodiscard]] std::string error_text(boost::json::value const& id, std::int64_t code,
                                     std::string_view message);

/// Foreign text for an error message: at most `limit` bytes, cut between characters; control
/// characters become spaces.
[[nodiscard]] std::string quoted(std::string_view text, std::size_t limit = 200);

}  // namespace thv::mcp
