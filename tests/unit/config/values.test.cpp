// SPDX-License-Identifier: Apache-2.0
#include <thv/config/duration.hpp>
#include <thv/config/values.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace std::chrono_literals;
using namespace thv::config;

TEST_CASE("durations are read and written", "[config]") {
  CHECK(parse_duration("500ms").value() == 500ms);
  CHECK(parse_duration("120s").value() == 120s);
  CHECK(parse_duration("2m").value() == 2min);
  CHECK(parse_duration("1h1m1s1ms").value() == 1h + 1min + 1s + 1ms);
  CHECK(parse_duration("24h").value() == 24h);
  CHECK(to_string(120s) == "2m");
  CHECK(to_string(90s) == "1m30s");
  CHECK(to_string(1ms) == "1ms");
  CHECK(to_string(0ms) == "0s");
}

TEST_CASE("what is no duration is refused", "[config]") {
  auto const text = GENERATE("", "5", "s", "-1s", "+1s", "1.5s", "1 s", "1s ", "1s1m", "1s1s", "1d",
                             "0s", "25h", "99999999999999999999s", "1S", "1e3s");
  CAPTURE(text);
  CHECK(parse_duration(text).error().code == thv::errc::invalid_argument);
}

TEST_CASE("booleans of the environment", "[config]") {
  CHECK(parse_boolean("true").value());
  CHECK(parse_boolean("1").value());
  CHECK_FALSE(parse_boolean("off").value());
  CHECK_FALSE(parse_boolean("TRUE"));
  CHECK_FALSE(parse_boolean(""));
}

TEST_CASE("a runtime's name is safe as a folder's", "[config]") {
  for (auto const* name : {"docker", "k8s-prod", "a.b_c", "1"}) CHECK(check_runtime_name(name));
  for (auto const* name : {"", ".", "..", "../x", "a/b", "-x", "a b", "\xc3\xa4"})
    CHECK_FALSE(check_runtime_name(name));
  CHECK(check_runtime_name(std::string(64, 'a')));
  CHECK_FALSE(check_runtime_name(std::string(65, 'a')));
}
