// SPDX-License-Identifier: Apache-2.0
#include <thv/mcp/sse.hpp>

#include <vector>

#include <catch2/catch_test_macros.hpp>

using thv::mcp::sse_event;
using thv::mcp::sse_parser;

namespace {

std::vector<sse_event> parse(std::string_view text, std::size_t size = 1'000'000) {
  sse_parser parser;
  std::vector<sse_event> events;
  for (std::size_t at = 0; at < text.size(); at += size)
    REQUIRE(parser.feed(text.substr(at, size), [&](sse_event const& e) {
      events.push_back(e);
      return true;
    }));
  return events;
}

}  // namespace

TEST_CASE("events have data, a type and the last id", "[mcp][unit]") {
  CHECK(parse("data: a\n\nevent: endpoint\ndata: /m?s=1\nid: 7\n\ndata: b\n\n") ==
        std::vector<sse_event>{
            {"message", "a", ""}, {"endpoint", "/m?s=1", "7"}, {"message", "b", "7"}});
}

TEST_CASE("lines end in LF, CR or CR LF, in any cut", "[mcp][unit]") {
  std::vector<sse_event> const wanted{{"x", "one\ntwo", ""}, {"message", "three", ""}};
  for (std::string const end : {"\n", "\r", "\r\n"}) {
    auto const text =
        "event: x" + end + "data: one" + end + "data: two" + end + end + "data: three" + end + end;
    for (std::size_t size : {1u, 2u, 3u, 5u, 1000u}) CHECK(parse(text, size) == wanted);
  }
}

TEST_CASE("comments, unknown fields and empty events are skipped", "[mcp][unit]") {
  CHECK(parse(": keep-alive\n\n\nevent: lonely\n\nfoo: bar\nnothing\ndata: x\n\n") ==
        std::vector<sse_event>{{"message", "x", ""}});
}

TEST_CASE("one space after the colon is no data, a data line may be empty", "[mcp][unit]") {
  CHECK(parse("data:a\ndata:  b\ndata\n\n") == std::vector<sse_event>{{"message", "a\n b\n", ""}});
  CHECK(parse("data\n\n") == std::vector<sse_event>{{"message", "", ""}});
}

TEST_CASE("a byte order mark at the beginning is skipped", "[mcp][unit]") {
  CHECK(parse("\xEF\xBB\xBF"
              "data: a\n\n",
              1) == std::vector<sse_event>{{"message", "a", ""}});
}

TEST_CASE("an event that the stream ends in is dropped", "[mcp][unit]") {
  CHECK(parse("data: a\n\ndata: b\n").size() == 1);
}

TEST_CASE("retry takes digits alone, an id no zero byte", "[mcp][unit]") {
  sse_parser parser;
  auto const ignore = [](sse_event const&) { return true; };
  REQUIRE(parser.feed("retry: 12a\nid: 4\nid: a", ignore));
  REQUIRE(parser.feed(std::string_view("\0b\n", 3), ignore));
  CHECK_FALSE(parser.retry());
  CHECK(parser.last_event_id() == "4");
  REQUIRE(parser.feed("retry: 1500\nid\n", ignore));
  CHECK(parser.retry() == std::chrono::milliseconds(1500));
  CHECK(parser.last_event_id().empty());
}

TEST_CASE("a sink that has enough ends the reading", "[mcp][unit]") {
  sse_parser parser;
  int seen = 0;
  REQUIRE(parser.feed("data: 1\n\ndata: 2\n\n", [&](sse_event const&) { return ++seen < 1; }));
  CHECK(seen == 1);
}

TEST_CASE("lines and events have a bound", "[mcp][unit]") {
  auto const ignore = [](sse_event const&) { return true; };
  sse_parser one(10);
  CHECK_FALSE(one.feed("data: 123456", ignore));
  sse_parser many(10);
  REQUIRE(many.feed("data:1\n", ignore));
  auto outcome = thv::result<>();
  for (int line = 0; line < 10 && outcome; ++line) outcome = many.feed("data:1\n", ignore);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == thv::errc::engine);
}
