// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>
#include <thv/store/messages.hpp>
#include <thv/store/store.hpp>

namespace thv::store {

/// Locks by name among the threads of this process. Held locks keep it alive. [thread-safe]
class memory_locks : public std::enable_shared_from_this<memory_locks> {
 public:
  /// As `state_store::lock_group`.
  result<group_lock> take(plugin::call const& c, std::string const& name) {
    std::unique_lock lock(mutex_);
    auto const is_free = [&] { return !held_.contains(name); };
    if (!is_free() && c.progress) {
      lock.unlock();
      c.progress(messages::waiting(holder, name));
      lock.lock();
    }
    if (!released_.wait_until(lock, c.stop, c.deadline, is_free)) {
      if (c.stop.stop_requested()) return messages::waiting_cancelled(name);
      return messages::waited_too_long(holder, name);
    }
    held_.insert(name);
    return group_lock(std::shared_ptr<void>(
        nullptr, [self = shared_from_this(), name](void*) { self->release(name); }));
  }

 private:
  static constexpr auto holder = "another thread";

  void release(std::string const& name) {
    std::lock_guard const lock(mutex_);
    held_.erase(name);
    released_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable_any released_;
  std::set<std::string> held_;
};

}  // namespace thv::store
