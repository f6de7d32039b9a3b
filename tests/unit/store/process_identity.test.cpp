// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <thv/store/process_identity.hpp>

using namespace thv::store;

TEST_CASE("this process is alive and has a full identity", "[store]") {
  auto const self = this_process();
  CHECK(self.pid == ::getpid());
  CHECK(self.start_time > 0);
  CHECK(self.boot_id.size() == 36);
  CHECK(is_alive(self));
  CHECK(self == this_process());
}

TEST_CASE("a recycled pid, another boot and nobody are not alive", "[store]") {
  auto other = this_process();
  SECTION("recycled pid") {
    other.start_time += 1;
  }
  SECTION("another boot") {
    other.boot_id = "00000000-0000-0000-0000-000000000000";
  }
  SECTION("no pid") {
    other.pid = 0;
  }
  SECTION("never a pid") {
    other.pid = 1LL << 40;
  }
  CHECK_FALSE(is_alive(other));
}

TEST_CASE("an ended process is not alive, whether it was waited for or not", "[store]") {
  int to_child[2];
  int from_child[2];
  REQUIRE(::pipe(to_child) == 0);
  REQUIRE(::pipe(from_child) == 0);
  auto const child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto const start_time = this_process().start_time;
    [[maybe_unused]] auto n = ::write(from_child[1], &start_time, sizeof start_time);
    ::close(to_child[1]);
    char byte = 0;
    n = ::read(to_child[0], &byte, 1);  // until the other end is closed
    ::_exit(0);
  }
  ::close(to_child[0]);
  auto identity = this_process();
  identity.pid = child;
  auto const n = ::read(from_child[0], &identity.start_time, sizeof identity.start_time);
  REQUIRE(n == sizeof identity.start_time);
  ::close(from_child[0]);
  ::close(from_child[1]);
  CHECK(is_alive(identity));
  CHECK(describe(identity).find("(pid " + std::to_string(child) + ")") != std::string::npos);

  ::close(to_child[1]);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  CHECK_FALSE(is_alive(identity));  // a zombie
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK_FALSE(is_alive(identity));
  CHECK(describe(identity) == "process " + std::to_string(child));
}
