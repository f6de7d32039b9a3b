// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "mcp_http.hpp"

namespace thv::cli {

/// A client with one session, that asks one thing at a time.
class mcp_client {
 public:
  explicit mcp_client(mcp_endpoint to) : to_(std::move(to)) {}
  ~mcp_client();
  mcp_client(mcp_client const&) = delete;
  mcp_client& operator=(mcp_client const&) = delete;

  [[nodiscard]] result<void> initialize(plugin::call const& c);

  /// Did the server declare it: `tools`, `prompts`, `resources`?
  [[nodiscard]] bool has(std::string_view capability) const {
    return capabilities_.contains(capability);
  }

  /// The result of a request. A JSON-RPC error is errc::engine with the server's words apart.
  [[nodiscard]] result<boost::json::object> request(plugin::call const& c, std::string_view method,
                                                    boost::json::object params);

  /// All pages of a list: `items` is the name of the array in its result.
  [[nodiscard]] result<boost::json::array> list(plugin::call const& c, std::string const& method,
                                                std::string const& items);

 private:
  mcp_endpoint to_;
  http_headers headers_;
  std::int64_t last_id_ = 0;
  boost::json::object capabilities_;
};

}  // namespace thv::cli
