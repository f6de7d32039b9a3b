// SPDX-License-Identifier: Apache-2.0
#include "gateway_tending.hpp"

#include <algorithm>
#include <chrono>

namespace thv {

template class gateway::engine_backend<plugin::runtime_set, store::sqlite_store>;

}  // namespace thv

namespace thv::cli {

using namespace std::chrono_literals;

tending::tending(backend& members, backend::tending_sink tell)
    : members_(members),
      tell_(std::move(tell)),
      thread_([this](std::stop_token stop) { work(std::move(stop)); }) {}

tending::~tending() {
  thread_.request_stop();
  nudge();
}

void tending::nudge() {
  std::lock_guard const lock(mutex_);
  waiting_.request_stop();
}

std::stop_token tending::renewed_token() {
  std::lock_guard const lock(mutex_);
  if (waiting_.stop_requested()) waiting_ = {};
  return waiting_.get_token();
}

void tending::work(std::stop_token stop) {
  // Looked at even when nobody said that anything happened: an event may be missed.
  constexpr std::chrono::milliseconds longest = 10s;
  while (!stop.stop_requested()) {
    auto const token = renewed_token();
    plugin::call const c{std::chrono::steady_clock::time_point::max(), stop, {}};
    auto const again = members_.tend(c, tell_);
    auto const wait = std::clamp(again.value_or(longest), 10ms, longest);
    if (stop.stop_requested()) return;
    members_.wait_for_end({std::chrono::steady_clock::now() + wait, token, {}});
  }
}

}  // namespace thv::cli
