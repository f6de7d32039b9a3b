// SPDX-License-Identifier: Apache-2.0
#include <output.hpp>

#include <catch2/catch_test_macros.hpp>

#include <boost/json/parse.hpp>

using namespace thv::cli;

TEST_CASE("columns are padded by three spaces, lines have no blanks at their end",
          "[cli][output]") {
  table t({"NAME", "STATE", "X"});
  t.add({"a", "running", ""});
  t.add({"längerer", "up", "1"});
  CHECK(t.to_string() ==
        "NAME       STATE     X\n"
        "a          running\n"
        "längerer   up        1\n");
}

TEST_CASE("colour does not move columns", "[cli][output]") {
  table t({"A", "B"});
  t.add({cell("x", tone::good), "y"});
  CHECK(t.to_string(true) == "\x1b[1mA\x1b[0m   \x1b[1mB\x1b[0m\n\x1b[32mx\x1b[0m   y\n");
}

TEST_CASE("JSON is indented by two spaces", "[cli][output]") {
  auto const value = boost::json::parse(R"({"a":[],"b":{},"c":[1,{"d":"x\ny"}],"e":null})");
  CHECK(pretty(value) ==
        "{\n"
        "  \"a\": [],\n"
        "  \"b\": {},\n"
        "  \"c\": [\n"
        "    1,\n"
        "    {\n"
        "      \"d\": \"x\\ny\"\n"
        "    }\n"
        "  ],\n"
        "  \"e\": null\n"
        "}\n");
  CHECK(pretty(boost::json::array{}) == "[]\n");
}

TEST_CASE("text is cut between characters, never within one", "[cli][output]") {
  CHECK(cut("abc", 3) == "abc");
  CHECK(cut("abcd", 3) == "ab…");
  CHECK(cut("äöüß", 3) == "äö…");
  CHECK(display_width("äö…") == 3);
}

TEST_CASE("a server's text cannot steer the terminal", "[cli][output]") {
  CHECK(plain_line("a\x1b[31mb\nc\td\x7f") == "a [31mb c d ");
}

TEST_CASE("times are UTC, and zero is the zero time", "[cli][output]") {
  constexpr std::int64_t time = 1764282393123;
  CHECK(utc_text(time) == "2025-11-27 22:26:33 +0000 UTC");
  CHECK(short_time(time) == "2025-11-27 22:26:33");
  CHECK(rfc3339(time) == "2025-11-27T22:26:33Z");
  CHECK(rfc3339(0) == "0001-01-01T00:00:00Z");
}

TEST_CASE("durations are told in the two or three largest units", "[cli][output]") {
  CHECK(duration_text(-5) == "0s");
  CHECK(duration_text(59'999) == "59s");
  CHECK(duration_text(60'000) == "1m");
  CHECK(duration_text(3'600'000) == "1h 0m");
  CHECK(duration_text(90'061'000) == "1d 1h 1m");
}

TEST_CASE("names are counted and cut", "[cli][output]") {
  CHECK(names_text({}, 10) == "0");
  CHECK(names_text({"a"}, 10, "tool") == "1 tool (a)");
  CHECK(names_text({"first", "second", "third"}, 10, "tool") == "3 tools (first, se…)");
  CHECK(counted(0, "member") == "0 members");
}

TEST_CASE("keys are aligned", "[cli][output]") {
  CHECK(key_values({{"Name", "x"}, {"Transport", "y"}}) == "Name:        x\nTransport:   y\n");
}
