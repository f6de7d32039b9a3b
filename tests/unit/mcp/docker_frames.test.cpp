// SPDX-License-Identifier: Apache-2.0
#include <thv/mcp/docker_frames.hpp>

#include <map>
#include <string>

#include <catch2/catch_test_macros.hpp>

using thv::mcp::docker_frame_decoder;
using channel = docker_frame_decoder::channel;

namespace {

std::string frame(int stream, std::string const& payload) {
  std::string text{static_cast<char>(stream), 0, 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8)
    text += static_cast<char>(payload.size() >> shift & 0xFF);
  return text + payload;
}

}  // namespace

TEST_CASE("frames are taken apart wherever they are cut", "[mcp][unit]") {
  auto const text = frame(1, "{\"a\":") + frame(2, "oops\n") + frame(1, "") + frame(1, "1}\n") +
                    frame(1, std::string(70'000, 'x'));
  for (std::size_t size : {1u, 2u, 3u, 7u, 8u, 9u, 100u, 65'536u, 1'000'000u}) {
    docker_frame_decoder decoder;
    std::map<channel, std::string> seen;
    for (std::size_t at = 0; at < text.size(); at += size)
      REQUIRE(decoder.feed(std::string_view(text).substr(at, size),
                           [&](channel c, std::string_view piece) { seen[c] += piece; }));
    CHECK(seen[channel::output] == "{\"a\":1}\n" + std::string(70'000, 'x'));
    CHECK(seen[channel::errors] == "oops\n");
    CHECK_FALSE(decoder.incomplete());
  }
}

TEST_CASE("a stream that ends inside a frame is seen", "[mcp][unit]") {
  docker_frame_decoder decoder;
  auto const text = frame(1, "hello");
  REQUIRE(decoder.feed(std::string_view(text).substr(0, 10), [](channel, std::string_view) {}));
  CHECK(decoder.incomplete());
}

TEST_CASE("bytes without frames are refused", "[mcp][unit]") {
  for (std::string const text : {"{\"jsonrpc\":\"2.0\"}", "\x01{", "\x09"}) {
    docker_frame_decoder decoder;
    auto const outcome = decoder.feed(text, [](channel, std::string_view) {});
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == thv::errc::engine);
    CHECK(outcome.error().hint.find("Tty") != std::string::npos);
  }
}
