// SPDX-License-Identifier: Apache-2.0
#include "probe_common.hpp"

#include <iterator>
#include <random>

#include <fmt/format.h>

namespace thv::mcp::detail {

std::int64_t fresh_id() {
  // Below 2^31, which every implementation can hold.
  std::random_device source;
  return std::uniform_int_distribution<std::int64_t>(1 << 20, 2'000'000'000)(source);
}

readiness_step conversation::take(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return {};
  auto const messages = parse_messages(text);
  if (!messages) {
    if (prose_.empty()) prose_ = quoted(text);
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

bool conversation::take_refusal(std::string_view text, readiness_step& step) {
  auto messages = parse_messages(text);
  if (!messages || messages->size() != 1) return false;
  auto& message = messages->front();
  if (message.is != rpc_message::kind::error_response) return false;
  message.id = nullptr;
  step = exchange_.feed(message);
  return true;
}

error conversation::explained(error e) const {
  if (e.code == errc::timeout) {
    e.message = fmt::format("the server did not answer {} in time", exchange_.awaits());
    if (exchange_.refusal()) e.engine_message = exchange_.refusal()->engine_message;
  } else if (e.code == errc::exited) {
    e.message += fmt::format(" before it answered {}", exchange_.awaits());
  }
  quote(e);
  return e;
}

void conversation::quote(error& e) const {
  if (prose_.empty() || !e.engine_message.empty()) return;
  e.engine_message = "it sent, instead of JSON-RPC: " + prose_;
}

}  // namespace thv::mcp::detail
