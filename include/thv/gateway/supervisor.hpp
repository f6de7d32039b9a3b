// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace thv::gateway {

/// How long to wait before something that keeps ending is started again: 1 s after the first end,
/// twice as long after each further one, 60 s at most. One that ran for 60 s begins anew.
class back_off {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  using milliseconds = std::chrono::milliseconds;

  static constexpr milliseconds first{1'000};
  static constexpr milliseconds longest{60'000};
  static constexpr milliseconds enough{60'000};  ///< an uptime that makes up for earlier ends

  /// It ended, or could not be started (`uptime` 0).
  void ended(milliseconds uptime, time_point now);

  /// How long from `now` until it may be started; 0: at once.
  [[nodiscard]] milliseconds wait(time_point now) const;

  /// Ends in a row, none of them after `enough`.
  [[nodiscard]] int ends() const noexcept { return ends_; }

 private:
  int ends_ = 0;
  time_point may_start_{};
};

/// Which dead members may be started again, and when. Knows them by name; `start` says which start
/// of a member ended, so that one end counts once however often it is seen. [thread-safe]
class supervisor {
 public:
  using time_point = back_off::time_point;
  using milliseconds = back_off::milliseconds;

  /// A member was found dead. Returns how long to wait before it may be started.
  [[nodiscard]] milliseconds found_dead(std::string const& name, std::string const& start,
                                        milliseconds uptime, time_point now);
  /// It was started and did not become ready. Returns how long to wait.
  milliseconds failed_to_start(std::string const& name, time_point now);
  /// How long to wait before it may be started, as far as is known.
  [[nodiscard]] milliseconds wait(std::string const& name, time_point now) const;
  /// It is gone, or somebody else started it.
  void forget(std::string const& name);

 private:
  struct member {
    std::string dead_start;     ///< whose end is counted
    bool start_failed = false;  ///< the next end that is found is the one of that start
    back_off pace;
  };
  mutable std::mutex mutex_;
  std::map<std::string, member> members_;
};

}  // namespace thv::gateway
