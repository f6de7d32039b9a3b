// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <thv/error.hpp>
#include <thv/mcp/readiness.hpp>

namespace thv::mcp::detail {

/// A first request id that nobody who used the same stream before has counted to.
[[nodiscard]] std::int64_t fresh_id();

/// A readiness exchange fed with text: what every transport shares.
class conversation {
 public:
  explicit conversation(readiness_options options) : exchange_(options) {}

  [[nodiscard]] readiness_step start() { return exchange_.start(); }

  /// Feeds the messages in `text`. What is no message is remembered for the error, and skipped.
  [[nodiscard]] readiness_step take(std::string_view text);

  /// Feeds the JSON-RPC error in the body of an HTTP refusal as the answer to our request,
  /// whatever id it bears. False if there is none in it.
  [[nodiscard]] bool take_refusal(std::string_view text, readiness_step& step);

  /// Completes an error of the transport: what was awaited, and what the server said instead.
  [[nodiscard]] error explained(error e) const;

  /// Adds the words that were no message to an error that has none of the server's.
  void quote(error& e) const;

 private:
  readiness_exchange exchange_;
  std::string prose_;
};

}  // namespace thv::mcp::detail
