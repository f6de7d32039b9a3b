// SPDX-License-Identifier: Apache-2.0
#include "docker/frames.hpp"

#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "docker/log_view.hpp"

using thv::docker::frame_reader;
using thv::docker::line_splitter;
using thv::docker::log_view;

namespace {

std::string frame(int stream, std::string const& payload) {
  auto const size = payload.size();
  std::string out{static_cast<char>(stream), 0, 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 255);
  return out + payload;
}

/// What a view shows of frames that arrive in pieces of some size.
std::string shown(std::string const& bytes, thv::docker::log_view_options options,
                  std::size_t piece) {
  std::string text;
  log_view view(options, [&](std::string_view t) {
    text += t;
    return true;
  });
  frame_reader frames;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    frames.feed(std::string_view(bytes).substr(at, piece),
                [&](auto stream, auto part, bool first) { return view.feed(stream, part, first); });
  view.finish();
  return text;
}

}  // namespace

TEST_CASE("Frames are taken apart in whatever pieces they arrive", "[docker]") {
  auto const piece = GENERATE(1U, 3U, 8U, 9U, 1000U);
  auto const bytes =
      frame(1, "hello ") + frame(2, std::string(300, 'e')) + frame(1, "") + frame(1, "world");
  std::string out;
  std::string error;
  int begun = 0;
  frame_reader frames;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    CHECK(frames.feed(std::string_view(bytes).substr(at, piece),
                      [&](frame_reader::stream s, std::string_view text, bool first) {
                        begun += first;
                        (s == frame_reader::stream::error ? error : out) += text;
                        return true;
                      }));
  CHECK(out == "hello world");
  CHECK(error == std::string(300, 'e'));
  CHECK(begun == 4);
  CHECK_FALSE(frames.broken());
}

TEST_CASE("What are no frames is noticed", "[docker]") {
  frame_reader frames;
  auto const none = [](auto, auto, bool) { return true; };
  CHECK_FALSE(frames.feed("HTTP/1.1 500", none));
  CHECK(frames.broken());
}

TEST_CASE("Lines are cut in whatever pieces they arrive", "[docker]") {
  auto const piece = GENERATE(1U, 2U, 5U, 100U);
  std::string const text = "one\n\nthree\nrest";
  std::vector<std::string> lines;
  line_splitter splitter;
  for (std::size_t at = 0; at < text.size(); at += piece)
    splitter.feed(std::string_view(text).substr(at, piece), [&](std::string_view line) {
      lines.emplace_back(line);
      return true;
    });
  CHECK(lines == std::vector<std::string>{"one", "", "three"});
  CHECK(splitter.rest() == "rest");
}

TEST_CASE("A line without end needs bounded memory", "[docker]") {
  line_splitter splitter;
  std::size_t lines = 0;
  std::size_t bytes = 0;
  std::string const piece(1u << 20, 'x');
  for (int i = 0; i < 10; ++i)
    splitter.feed(piece, [&](std::string_view line) {
      ++lines;
      bytes += line.size();
      return true;
    });
  CHECK(lines == 2);
  CHECK(bytes == 2 * line_splitter::longest);
  CHECK(splitter.rest().size() == (2u << 20));
}

TEST_CASE("The log of a stdio member hides its protocol", "[docker]") {
  auto const piece = GENERATE(1U, 7U, 4096U);
  auto const log = frame(2, "starting\n") + frame(1, "usage: server\n") +
                   frame(1, R"({"jsonrpc":"2.0","id":1,"result":{"token":)") + frame(2, "half ") +
                   frame(1, "\"secret\"}}\n") + frame(2, "way\n") + frame(1, "the end");
  CHECK(shown(log, {.hide_protocol = true}, piece) == "starting\nusage: server\nhalf way\nthe end");
  SECTION("and the end of a message whose beginning was rotated away") {
    CHECK(shown(frame(1, "\"secret\"}}\n") + frame(2, "x\n"), {.hide_protocol = true}, piece) ==
          "x\n");
  }
  SECTION("while other members' logs are shown whole") {
    CHECK(shown(frame(1, "{\"jsonrpc\":1}\n") + frame(2, "x"), {}, piece) == "{\"jsonrpc\":1}\nx");
  }
}

TEST_CASE("Timestamps are taken off and say what is new", "[docker]") {
  auto const piece = GENERATE(1U, 30U, 31U, 4096U);
  auto const log = frame(2, "2026-11-27T22:32:39.805686309Z one\n") +
                   frame(2, "2026-11-27T22:32:40.000000001Z two\n");
  CHECK(shown(log, {.hide_protocol = true, .timestamps = true}, piece) == "one\ntwo\n");
  CHECK(
      shown(log,
            {.hide_protocol = true, .timestamps = true, .after = "2026-11-27T22:32:39.805686309Z"},
            piece) == "two\n");
  CHECK(thv::docker::since("2026-11-27T22:32:40.000000001Z") == "&since=1795818760.000000001");
  CHECK(thv::docker::since("") == "");
}
