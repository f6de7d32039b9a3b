// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/supervisor.hpp>

#include <catch2/catch_test_macros.hpp>

#include <vector>

using namespace thv::gateway;
using namespace std::chrono_literals;

namespace {

back_off::time_point const epoch{1h};

}  // namespace

TEST_CASE("the pause doubles from one second to sixty", "[gateway][unit]") {
  back_off pace;
  CHECK(pace.wait(epoch) == 0ms);
  std::vector<std::chrono::milliseconds> pauses;
  for (int i = 0; i < 9; ++i) {
    pace.ended(10ms, epoch);
    pauses.push_back(pace.wait(epoch));
  }
  CHECK(pauses == std::vector<std::chrono::milliseconds>{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s});
  for (int i = 0; i < 100; ++i) pace.ended(0ms, epoch);
  CHECK(pace.wait(epoch) == 60s);
}

TEST_CASE("the pause runs from the end, and is over after it", "[gateway][unit]") {
  back_off pace;
  pace.ended(0ms, epoch);
  pace.ended(0ms, epoch);
  CHECK(pace.wait(epoch + 500ms) == 1500ms);
  CHECK(pace.wait(epoch + 1999900us) == 1ms);
  CHECK(pace.wait(epoch + 2s) == 0ms);
  CHECK(pace.wait(epoch + 1h) == 0ms);
}

TEST_CASE("a member that ran for a minute begins anew", "[gateway][unit]") {
  back_off pace;
  for (int i = 0; i < 5; ++i) pace.ended(59999ms, epoch);
  CHECK(pace.wait(epoch) == 16s);
  pace.ended(60s, epoch);
  CHECK(pace.wait(epoch) == 1s);
  CHECK(pace.ends() == 1);
}

TEST_CASE("one end counts once however often it is seen", "[gateway][unit]") {
  supervisor s;
  CHECK(s.found_dead("a", "start 1", 0ms, epoch) == 1s);
  CHECK(s.found_dead("a", "start 1", 0ms, epoch + 200ms) == 800ms);
  CHECK(s.found_dead("a", "start 1", 0ms, epoch + 5s) == 0ms);
  CHECK(s.found_dead("b", "start 1", 0ms, epoch) == 1s);
  CHECK(s.found_dead("a", "start 2", 0ms, epoch + 6s) == 2s);
}

TEST_CASE("a start that fails counts too, until the member is forgotten", "[gateway][unit]") {
  supervisor s;
  CHECK(s.found_dead("a", "start 1", 0ms, epoch) == 1s);
  CHECK(s.failed_to_start("a", epoch + 1s) == 2s);
  CHECK(s.found_dead("a", "start 2", 0ms, epoch + 1s) == 2s);  // of the start that failed
  CHECK(s.found_dead("a", "start 2", 0ms, epoch + 2s) == 1s);
  CHECK(s.failed_to_start("a", epoch + 3s) == 4s);
  CHECK(s.found_dead("a", "start 3", 0ms, epoch + 3s) == 4s);
  CHECK(s.found_dead("a", "start 4", 0ms, epoch + 9s) == 8s);  // of a start by somebody else
  s.forget("a");
  CHECK(s.found_dead("a", "start 1", 0ms, epoch + 3s) == 1s);
}
