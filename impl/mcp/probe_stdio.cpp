// SPDX-License-Identifier: Apache-2.0
#include "probe_common.hpp"
#include "stdio_channel.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <thv/mcp/probe.hpp>
#include <thv/mcp/readiness.hpp>

namespace thv::mcp {

namespace {

/// One exchange over a stream.
class stdio_prober {
 public:
  stdio_prober(plugin::call const& c, plugin::stream const& stream, bool initialised)
      : channel_(c, stream), exchange_({detail::fresh_id(), initialised, stream.dirty}) {
    if (stream.dirty) channel_.send("");
  }

  result<probe_result> run() {
    auto step = exchange_.start();
    for (;;) {
      for (auto const& message : step.send) channel_.send(message.text);
      if (step.outcome) return finish(*std::move(step.outcome));
      auto line = channel_.receive();
      if (!line) return explained(std::move(line).error());
      step = take(*line);
    }
  }

 private:
  readiness_step take(std::string const& line) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) return {};
    auto messages = parse_messages(line);
    if (!messages) {
      if (prose_.empty()) prose_ = quoted(line);
      return {};
    }
    readiness_step all;
    for (auto const& message : *messages) {
      auto step = exchange_.feed(message);
      std::move(step.send.begin(), step.send.end(), std::back_inserter(all.send));
      all.outcome = std::move(step.outcome);
      if (all.outcome) break;
    }
    return all;
  }

  /// A server that has no tools is done before `notifications/initialized` has left.
  result<probe_result> finish(result<probe_result> outcome) {
    if (outcome) THV_CHECK(channel_.flush());
    if (!outcome) quote(outcome.error());
    return outcome;
  }

  error explained(error e) const {
    if (e.code == errc::timeout) {
      e.message = fmt::format("the server did not answer {} in time", exchange_.awaits());
      if (exchange_.refusal()) e.engine_message = exchange_.refusal()->engine_message;
    } else if (e.code == errc::exited) {
      e.message += fmt::format(" before it answered {}", exchange_.awaits());
    }
    quote(e);
    return e;
  }

  void quote(error& e) const {
    if (prose_.empty() || !e.engine_message.empty()) return;
    e.engine_message = "on its output, instead of JSON-RPC: " + prose_;
  }

  detail::stdio_channel channel_;
  readiness_exchange exchange_;
  std::string prose_;  ///< the first line that is no message
};

}  // namespace

result<probe_result> probe_stdio(plugin::call const& c, plugin::stream const& stream,
                                 bool initialised) {
  return stdio_prober(c, stream, initialised).run();
}

}  // namespace thv::mcp
