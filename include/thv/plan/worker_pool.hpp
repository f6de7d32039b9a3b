// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace thv::plan {

/// One piece of work. `run` returns whether it succeeded and must not throw.
struct task {
  std::function<bool()> run;
  std::vector<std::size_t> depends_on;  ///< places of other tasks in the list
};

/// Runs all tasks with at most `parallel` at the same time, each after those it depends on. A task
/// whose dependency failed is not run and counts as failed. Returns success by place. Dependencies
/// must not form a cycle (a task in one never runs and counts as failed). Blocks until all ended.
inline std::vector<bool> run_tasks(std::vector<task> const& tasks, int parallel) {
  enum class state { waiting, running, succeeded, failed };
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<state> states(tasks.size(), state::waiting);
  std::size_t running = 0;

  auto const all_before = [&](task const& t, state wanted) {
    return std::all_of(t.depends_on.begin(), t.depends_on.end(),
                       [&](std::size_t place) { return states[place] == wanted; });
  };
  auto const any_before_failed = [&](task const& t) {
    return std::any_of(t.depends_on.begin(), t.depends_on.end(),
                       [&](std::size_t place) { return states[place] == state::failed; });
  };
  // The next task that may run, or tasks.size(). Needs the mutex.
  auto const next = [&]() -> std::size_t {
    for (bool again = true; again;) {
      again = false;
      for (std::size_t i = 0; i < tasks.size(); ++i) {
        if (states[i] != state::waiting) continue;
        if (all_before(tasks[i], state::succeeded)) return i;
        if (!any_before_failed(tasks[i])) continue;
        states[i] = state::failed;
        again = true;
      }
    }
    return tasks.size();
  };
  auto const work = [&] {
    std::unique_lock lock(mutex);
    for (;;) {
      auto const place = next();
      if (place == tasks.size()) {
        if (running == 0) return changed.notify_all();
        changed.wait(lock);
        continue;
      }
      states[place] = state::running;
      ++running;
      lock.unlock();
      bool const succeeded = tasks[place].run();
      lock.lock();
      --running;
      states[place] = succeeded ? state::succeeded : state::failed;
      changed.notify_all();
    }
  };
  auto const count = std::min<std::size_t>(tasks.size(), std::max(parallel, 1));
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < count; ++i) threads.emplace_back(work);
    if (count > 0) work();
  }
  std::vector<bool> outcome;
  for (auto s : states) outcome.push_back(s == state::succeeded);
  return outcome;
}

}  // namespace thv::plan
