// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/supervisor.hpp>

#include <algorithm>

namespace thv::gateway {

void back_off::ended(milliseconds uptime, time_point now) {
  if (uptime >= enough) ends_ = 0;
  constexpr int doublings = 6;  // from then on it is the longest
  auto const pause = std::min(first * (1 << std::min(ends_, doublings)), longest);
  ++ends_;
  may_start_ = now + pause;
}

back_off::milliseconds back_off::wait(time_point now) const {
  if (now >= may_start_) return milliseconds(0);
  return std::chrono::ceil<milliseconds>(may_start_ - now);
}

supervisor::milliseconds supervisor::found_dead(std::string const& name, std::string const& start,
                                                milliseconds uptime, time_point now) {
  std::lock_guard const lock(mutex_);
  auto& m = members_[name];
  bool const counted = m.dead_start == start || m.start_failed;
  if (m.pace.ends() == 0 || !counted) m.pace.ended(uptime, now);
  m.dead_start = start;
  m.start_failed = false;
  return m.pace.wait(now);
}

supervisor::milliseconds supervisor::failed_to_start(std::string const& name, time_point now) {
  std::lock_guard const lock(mutex_);
  auto& m = members_[name];
  m.pace.ended(milliseconds(0), now);
  m.start_failed = true;
  return m.pace.wait(now);
}

supervisor::milliseconds supervisor::wait(std::string const& name, time_point now) const {
  std::lock_guard const lock(mutex_);
  auto const found = members_.find(name);
  return found == members_.end() ? milliseconds(0) : found->second.pace.wait(now);
}

void supervisor::forget(std::string const& name) {
  std::lock_guard const lock(mutex_);
  members_.erase(name);
}

}  // namespace thv::gateway
