// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <stop_token>
#include <thread>

namespace thv::cli {

/// While it lives, the first SIGINT or SIGTERM stops its token and calls `on_first` (on a thread of
/// its own); the second one ends the program at once with 130, leaving the rest to the journal. One
/// at a time. The handlers do not reach child processes.
class interrupt_guard {
 public:
  explicit interrupt_guard(std::function<void()> on_first = {});
  ~interrupt_guard();
  interrupt_guard(interrupt_guard const&) = delete;
  interrupt_guard& operator=(interrupt_guard const&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  [[nodiscard]] bool interrupted() const { return source_.stop_requested(); }

 private:
  std::stop_source source_;
  std::function<void()> on_first_;
  std::thread waiting_;
};

}  // namespace thv::cli
