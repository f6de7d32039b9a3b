// SPDX-License-Identifier: Apache-2.0
#include <process/procfs.hpp>

#include <unistd.h>
#include <catch2/catch_test_macros.hpp>
#include <string>

using namespace thv::process;

TEST_CASE("stat lines are read behind any name", "[process]") {
  std::string const rest =
      " S 1 42 43 0 -1 4194560 101 0 0 0 1 2 0 0 20 0 7 0 987654 1000 200 18446744073709551615";
  for (auto const* name : {"(node)", "(a) b (c)", "())))", "()"}) {
    auto const stat = parse_stat("41 " + std::string(name) + rest);
    REQUIRE(stat);
    CHECK(stat->state == 'S');
    CHECK(stat->parent == 1);
    CHECK(stat->group == 42);
    CHECK(stat->session == 43);
    CHECK(stat->start_time == 987654);
    CHECK(stat->running());
  }
  CHECK_FALSE(
      parse_stat("41 (x) Z 1 42 43 0 -1 4194560 101 0 0 0 1 2 0 0 20 0 7 0 9 1")->running());
}

TEST_CASE("a broken stat line is nothing", "[process]") {
  for (auto const* text : {"", "41", "41 (x", "41 (x)", "41 (x) ", "41 (x) S 1 2 3",
                           "41 (x) S a b c "
                           "0 -1 4194560 101 0 0 0 1 2 0 0 20 0 7 0 9 1"})
    CHECK_FALSE(parse_stat(text));
}

TEST_CASE("an environment is split at zero bytes", "[process]") {
  using namespace std::string_literals;
  auto const values = parse_environment("A=1\0B=x=y\0EMPTY=\0junk\0C=2"s);
  CHECK(values ==
        std::map<std::string, std::string>{{"A", "1"}, {"B", "x=y"}, {"EMPTY", ""}, {"C", "2"}});
  CHECK(parse_environment("").empty());
}

TEST_CASE("this process is itself and no other", "[process]") {
  auto const self = identify_process(::getpid());
  REQUIRE(self);
  CHECK(is_running(*self));
  CHECK(open_process(*self));
  auto other = *self;
  other.start_time += 1;
  CHECK_FALSE(is_running(other));
  CHECK_FALSE(open_process(other));
  other = *self;
  other.boot = "another";
  CHECK_FALSE(is_running(other));
  CHECK_FALSE(is_running(identity{}));
  CHECK_FALSE(identify_process(-1));
}

TEST_CASE("the leader is the session's, else the oldest", "[process]") {
  process_entry const child{{20, 200, "b"}, {'S', 10, 10, 10, 200}, {}};
  process_entry const leader{{10, 300, "b"}, {'S', 1, 10, 10, 300}, {}};
  process_entry const oldest{{30, 100, "b"}, {'S', 1, 10, 10, 100}, {}};
  CHECK(leader_of({child, leader, oldest}).who.pid == 10);
  CHECK(leader_of({child, oldest}).who.pid == 30);
}
