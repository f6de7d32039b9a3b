// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/attribution.hpp>

#include <string>

#include <catch2/catch_test_macros.hpp>

using thv::gateway::attribution;

TEST_CASE("calls that may speak are one client's at a time", "[gateway][unit]") {
  attribution a;
  auto const ask = a.subject("tools/call", "ask");
  CHECK(a.may_start(1, ask));
  a.start(10, 1, ask);
  CHECK_FALSE(a.may_start(2, ask));
  CHECK(a.may_start(1, ask));
  CHECK(a.owner() == 10);
  CHECK(a.end(10));
  CHECK(a.was_heard(ask));
  CHECK(a.may_start(2, ask));
}

TEST_CASE("what ended in silence runs beside anything", "[gateway][unit]") {
  attribution a;
  auto const echo = a.subject("tools/call", "echo");
  auto const ask = a.subject("tools/call", "ask");
  a.start(1, 1, echo);
  CHECK_FALSE(a.may_start(2, ask));
  CHECK(a.end(1));
  CHECK_FALSE(a.may_speak(echo));
  a.start(2, 1, echo);
  CHECK_FALSE(a.any_open());
  CHECK(a.may_start(2, ask));
  a.start(3, 2, ask);
  CHECK(a.may_start(1, echo));
  CHECK(a.owner() == 3);
}

TEST_CASE("what speaks against expectation is remembered", "[gateway][unit]") {
  attribution a;
  auto const echo = a.subject("tools/call", "echo");
  a.start(1, 1, echo);
  a.end(1);
  a.start(2, 1, echo);
  CHECK_FALSE(a.owner());
  a.heard(echo);
  a.end(2);
  CHECK(a.was_heard(echo));
}

TEST_CASE("of several clients' calls nobody is the owner", "[gateway][unit]") {
  attribution a;
  auto const x = a.subject("tools/call", "x");
  auto const y = a.subject("prompts/get", "x");
  CHECK(x != y);
  a.start(1, 1, x);
  a.start(2, 2, y);
  CHECK_FALSE(a.owner());
  CHECK(a.was_heard(x));
  CHECK(a.was_heard(y));
}

TEST_CASE("several calls of one client do not teach which one spoke", "[gateway][unit]") {
  attribution a;
  auto const x = a.subject("tools/call", "x");
  auto const y = a.subject("tools/call", "y");
  a.start(1, 1, x);
  a.start(2, 1, y);
  CHECK(a.owner() == 2);
  a.end(1);
  a.end(2);
  CHECK(a.may_speak(x));
  CHECK_FALSE(a.was_heard(x));
}

TEST_CASE("names without end share a number", "[gateway][unit]") {
  attribution a;
  for (int i = 0; i < 10'000; ++i) (void)a.subject("tools/call", std::to_string(i));
  CHECK(a.subject("tools/call", "new") == a.subject("tools/call", "newer"));
  CHECK(a.subject("tools/list", "x") == 0);
}
