// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "stores.hpp"

using namespace thv;
using namespace thv::test;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

plugin::call within(steady_clock::duration time) {
  plugin::call c;
  c.deadline = steady_clock::now() + time;
  return c;
}

}  // namespace

TEMPLATE_TEST_CASE("the lock of a group excludes, those of others do not", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  auto const long_name = std::string(300, 'x');
  std::optional held = ok(f.store.lock_group({}, "g"));
  for (auto const& other : {std::string("h"), std::string("my group"), std::string("../g"),
                            std::string("."), long_name, long_name + "y"}) {
    auto const lock = ok(f.store.lock_group(within(0s), other));
    CHECK(failed(f.store.lock_group(within(0s), other)).code == errc::timeout);
  }
  auto const e = failed(f.store.lock_group(within(10ms), "g"));
  CHECK(e.code == errc::timeout);
  CHECK(e.message.starts_with("group 'g' is still being changed by "));

  held.reset();
  ok(f.store.lock_group(within(0s), "g"));
}

TEMPLATE_TEST_CASE("who waits for a lock says so once and gets it", "[store]", memory_fixture,
                   sqlite_fixture) {
  TestType f;
  std::optional held = ok(f.store.lock_group({}, "g"));
  std::atomic<int> told = 0;
  std::string text;
  std::thread releasing([&] {
    while (told == 0) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(60ms);
    held.reset();
  });
  auto c = within(20s);
  c.progress = [&](std::string_view words) {
    text = words;
    ++told;
  };
  auto const lock = f.store.lock_group(c, "g");
  releasing.join();
  REQUIRE(lock);
  CHECK(told == 1);
  CHECK(text.starts_with("waiting for "));
  CHECK(text.ends_with(", which is changing group 'g'"));
}

TEMPLATE_TEST_CASE("waiting for a lock can be cancelled", "[store]", memory_fixture,
                   sqlite_fixture) {
  TestType f;
  auto const held = ok(f.store.lock_group({}, "g"));
  std::stop_source stop;
  plugin::call c;  // no deadline
  c.stop = stop.get_token();
  std::thread stopping([&] {
    std::this_thread::sleep_for(30ms);
    stop.request_stop();
  });
  auto const lock = f.store.lock_group(c, "g");
  stopping.join();
  auto const e = failed(lock);
  CHECK(e.code == errc::cancelled);
  CHECK(e.message == "cancelled while waiting for group 'g'");
}

TEMPLATE_TEST_CASE("a lock outlives its store", "[store]", memory_fixture, sqlite_fixture) {
  std::optional<store::group_lock> lock;
  {
    TestType f;
    lock = ok(f.store.lock_group({}, "g"));
  }
  lock.reset();
}

TEMPLATE_TEST_CASE("one thread at a time has the lock", "[store]", memory_fixture, sqlite_fixture) {
  TestType f;
  int counter = 0;  // a race if two are in
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        auto const lock = f.store.lock_group({}, "g");
        if (!lock) return;
        ++counter;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(counter == 8 * 25);
}

TEST_CASE("who waits is told which process holds the lock, and no lock file stays", "[store]") {
  sqlite_fixture f;
  auto const locks = f.directory.path / "state" / "locks";
  {
    auto const held = ok(f.store.lock_group({}, "my group"));
    CHECK(std::filesystem::exists(locks / "my%20group"));
    auto const e = failed(f.store.lock_group(within(0s), "my group"));
    CHECK(e.message ==
          "group 'my group' is still being changed by " + store::describe(store::this_process()));
  }
  CHECK_FALSE(std::filesystem::exists(locks / "my%20group"));
}
