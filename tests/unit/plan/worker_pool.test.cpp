// SPDX-License-Identifier: Apache-2.0
#include <thv/plan/worker_pool.hpp>

#include <atomic>
#include <chrono>
#include <string>

#include <catch2/catch_test_macros.hpp>

using namespace thv::plan;

TEST_CASE("Tasks run after those they depend on", "[plan][unit][tsan]") {
  std::mutex mutex;
  std::string order;
  auto const note = [&](char c) {
    return [&order, &mutex, c] {
      std::lock_guard lock(mutex);
      order += c;
      return true;
    };
  };
  auto const done = run_tasks({{note('c'), {1, 2}}, {note('b'), {2}}, {note('a'), {}}}, 3);
  CHECK(order == "abc");
  CHECK(done == std::vector<bool>{true, true, true});
}

TEST_CASE("What depends on a failed task is not run", "[plan][unit][tsan]") {
  std::atomic<int> ran = 0;
  auto const good = [&] { return ++ran, true; };
  auto const bad = [&] { return ++ran, false; };
  auto const done = run_tasks({{bad, {}}, {good, {0}}, {good, {1}}, {good, {}}}, 2);
  CHECK(ran == 2);
  CHECK(done == std::vector<bool>{false, false, false, true});
}

TEST_CASE("No more tasks than allowed run at the same time", "[plan][unit][tsan]") {
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  auto const work = [&] {
    int const n = ++now;
    for (int seen = most; seen < n && !most.compare_exchange_weak(seen, n);) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    --now;
    return true;
  };
  auto const done = run_tasks(std::vector<task>(20, task{work, {}}), 4);
  CHECK(most <= 4);
  CHECK(most >= 2);
  CHECK(done == std::vector<bool>(20, true));
}

TEST_CASE("A cycle ends as failed, and nothing to do ends at once", "[plan][unit]") {
  auto const good = [] { return true; };
  CHECK(run_tasks({{good, {1}}, {good, {0}}}, 2) == std::vector<bool>{false, false});
  CHECK(run_tasks({}, 8).empty());
}
