// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include <thv/gateway/engine_backend.hpp>
#include <thv/plugin/host.hpp>
#include <thv/store/sqlite_store.hpp>

namespace thv {

extern template class gateway::engine_backend<plugin::runtime_set, store::sqlite_store>;

}  // namespace thv

namespace thv::cli {

using backend = gateway::engine_backend<plugin::runtime_set, store::sqlite_store>;

/// A thread that starts members again when they end, from its making to its end.
class tending {
 public:
  /// `tell` as in engine_backend::tend.
  tending(backend& members, backend::tending_sink tell);
  ~tending();
  tending(tending const&) = delete;
  tending& operator=(tending const&) = delete;

  /// The members may be others than before. [thread-safe]
  void nudge();

 private:
  void work(std::stop_token stop);
  [[nodiscard]] std::stop_token renewed_token();

  backend& members_;
  backend::tending_sink tell_;
  std::mutex mutex_;
  std::stop_source waiting_;
  std::jthread thread_;
};

}  // namespace thv::cli
