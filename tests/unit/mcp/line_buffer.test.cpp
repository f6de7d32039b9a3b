// SPDX-License-Identifier: Apache-2.0
#include <thv/mcp/line_buffer.hpp>

#include <vector>

#include <catch2/catch_test_macros.hpp>

using thv::mcp::line_buffer;

namespace {

std::vector<std::string> drain(line_buffer& lines) {
  std::vector<std::string> all;
  while (auto line = lines.next()) all.push_back(*line);
  return all;
}

}  // namespace

TEST_CASE("lines come out whole however the bytes are cut", "[mcp][unit]") {
  std::string const text = "one\r\n\ntwo\nthree: ü\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    line_buffer lines;
    std::vector<std::string> all;
    for (std::size_t at = 0; at < text.size(); at += size) {
      REQUIRE(lines.append(std::string_view(text).substr(at, size)));
      for (auto& line : drain(lines)) all.push_back(line);
    }
    CHECK(all == std::vector<std::string>{"one", "", "two", "three: ü"});
  }
}

TEST_CASE("what follows the last line end waits for more", "[mcp][unit]") {
  line_buffer lines;
  REQUIRE(lines.append("a\nb"));
  CHECK(lines.rest() == "a\nb");
  CHECK(drain(lines) == std::vector<std::string>{"a"});
  CHECK(lines.rest() == "b");
  REQUIRE(lines.append("c\n"));
  CHECK(drain(lines) == std::vector<std::string>{"bc"});
  CHECK(lines.rest().empty());
}

TEST_CASE("an unfinished line has a bound, finished ones have none together", "[mcp][unit]") {
  line_buffer lines(4);
  CHECK(lines.append("1234\n1234\n"));
  CHECK(lines.append("1234"));
  CHECK(drain(lines).size() == 2);
  CHECK_FALSE(lines.append("5"));
}

TEST_CASE("the bound counts from the line's beginning after others were taken", "[mcp][unit]") {
  line_buffer lines(4);
  for (int round = 0; round < 100; ++round) {
    REQUIRE(lines.append("abc"));
    REQUIRE(lines.append("\nd"));
    REQUIRE(drain(lines).size() == 1);
    REQUIRE(lines.append("\n"));
    REQUIRE(drain(lines) == std::vector<std::string>{"d"});
  }
}
