// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <thv/error.hpp>
#include <thv/mcp/readiness.hpp>
#include <thv/net/http.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::mcp::detail {

/// An MCP endpoint as HTTP requests need it. Whoever gave the URL may have put a secret into its
/// query, so no error quotes more than its host and path.
struct http_target {
  net::address where;
  std::string path;                            ///< with the query
  std::map<std::string, std::string> headers;  ///< the user's

  [[nodiscard]] static result<http_target> of(plugin::endpoint const& endpoint);

  /// The address that a server names in an `endpoint` event, relative to this one. errc::engine
  /// when it lies on another host: it would get our headers.
  [[nodiscard]] result<http_target> resolve(std::string_view reference) const;

  [[nodiscard]] net::request get(std::string accept) const;
  [[nodiscard]] net::request post(outgoing_message const& message) const;

 private:
  [[nodiscard]] net::request request(std::string method) const;
  [[nodiscard]] std::string origin() const;
};

/// The `Content-Type` of an answer is `type`, with or without parameters.
[[nodiscard]] bool has_type(net::response const& answer, std::string_view type);

/// A status that is no success, in words. `what` is what was asked: a method.
[[nodiscard]] error refused(net::response const& answer, std::string_view what);

/// An answer that is neither JSON nor an event stream.
[[nodiscard]] error wrong_type(net::response const& answer, std::string_view wanted);

}  // namespace thv::mcp::detail
