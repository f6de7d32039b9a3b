// SPDX-License-Identifier: Apache-2.0
#include <thv/mcp/probe.hpp>

#include <signal.h>

#include <chrono>

#include <catch2/catch_test_macros.hpp>

#include "stdio_peer.hpp"

using namespace std::chrono_literals;
using thv::errc;
using thv::mcp::probe_stdio;
using thv::test::initialized_with_tools;
using thv::test::stdio_peer;
namespace plugin = thv::plugin;

namespace {

plugin::call within(std::chrono::milliseconds time, std::stop_token stop = {}) {
  return {std::chrono::steady_clock::now() + time, std::move(stop), {}};
}

/// A whole session, message by message.
void serve(stdio_peer& peer) {
  peer.answer(peer.message(), initialized_with_tools);
  (void)peer.message();  // notifications/initialized
  peer.answer(peer.message(), R"({"tools":[{"name":"a"},{"name":"b"}]})");
}

std::string frame(int stream, std::string_view payload) {
  std::string text{static_cast<char>(stream), 0, 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8)
    text += static_cast<char>(payload.size() >> shift & 0xFF);
  return text.append(payload);
}

}  // namespace

TEST_CASE("a server on pipes is proved ready", "[mcp][unit]") {
  stdio_peer peer;
  peer.run(serve);
  auto const found = probe_stdio(within(5s), peer.stream(), false);
  REQUIRE(found);
  CHECK(found->server_name == "s");
  CHECK(found->tools == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a server without tools has been told that it is initialised", "[mcp][unit]") {
  std::string told;
  {
    stdio_peer peer;
    peer.run([&](stdio_peer& p) {
      p.answer(p.message(), R"({"protocolVersion":"2025-11-25","capabilities":{}})");
      told = p.message().at("method").as_string();
    });
    CHECK(probe_stdio(within(5s), peer.stream(), false));
  }
  CHECK(told == "notifications/initialized");
}

TEST_CASE("messages may be cut into docker frames anywhere", "[mcp][unit]") {
  stdio_peer peer(stdio_peer::kind::socket);
  peer.run([](stdio_peer& p) {
    auto const hello = stdio_peer::answer_text(p.message(), initialized_with_tools);
    for (std::size_t at = 0; at < hello.size(); at += 10) {
      p.write(frame(2, "starting\n"));
      p.write(frame(1, std::string_view(hello).substr(at, 10)));
    }
    p.write(frame(1, "\n"));
    (void)p.message();
    auto const request = p.message();
    p.write(frame(1, stdio_peer::answer_text(request, R"({"tools":[{"name":"a"}]})") + "\n"));
  });
  auto stream = peer.stream();
  stream.frames = plugin::stream::framing::docker;
  auto const found = probe_stdio(within(5s), stream, false);
  REQUIRE(found);
  CHECK(found->tools == std::vector<std::string>{"a"});
}

TEST_CASE("a stream without the promised frames is refused", "[mcp][unit]") {
  stdio_peer peer(stdio_peer::kind::socket);
  peer.run([](stdio_peer& p) { p.write("{\"jsonrpc\":\"2.0\"}\n"); });
  auto stream = peer.stream();
  stream.frames = plugin::stream::framing::docker;
  auto const found = probe_stdio(within(5s), stream, false);
  REQUIRE_FALSE(found);
  CHECK(found.error().code == errc::engine);
  CHECK(found.error().hint.find("Tty") != std::string::npos);
}

TEST_CASE("answers to an earlier owner are discarded, requests of the server answered",
          "[mcp][unit]") {
  stdio_peer peer;
  std::string pong;
  peer.run([&](stdio_peer& p) {
    p.write("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"name\":\"old\"}]}}\n");
    p.write("{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}\n");
    auto const request = p.message();
    pong = p.line();
    p.answer(request, R"({"tools":[{"name":"new"}]})");
  });
  auto const found = probe_stdio(within(5s), peer.stream(), true);
  REQUIRE(found);
  CHECK(found->tools == std::vector<std::string>{"new"});
  CHECK(found->initialize_result.empty());
  peer.finish();
  CHECK(pong == R"({"id":"p","result":{},"jsonrpc":"2.0"})");
}

TEST_CASE("two exchanges never use the same ids", "[mcp][unit]") {
  std::int64_t ids[2] = {0, 0};
  for (auto& id : ids) {
    stdio_peer peer;
    peer.run([&](stdio_peer& p) {
      auto const request = p.message();
      id = request.at("id").as_int64();
      p.answer(request, R"({"tools":[]})");
    });
    REQUIRE(probe_stdio(within(5s), peer.stream(), true));
  }
  CHECK(ids[0] != ids[1]);
}

TEST_CASE("a dirty stream is cleaned first", "[mcp][unit]") {
  stdio_peer peer;
  std::string first = "unset";
  peer.run([&](stdio_peer& p) {
    p.write("e\":\"half a line\"}]}}\n");
    p.write(
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"Parse\"}}\n");
    first = p.line();
    p.answer(p.message(), R"({"tools":[{"name":"a"}]})");
  });
  auto stream = peer.stream();
  stream.dirty = true;
  auto const found = probe_stdio(within(5s), stream, true);
  REQUIRE(found);
  peer.finish();
  CHECK(first.empty());
  CHECK(found->tools == std::vector<std::string>{"a"});
}

TEST_CASE("a dirty stream that holds only whole lines loses none", "[mcp][unit]") {
  stdio_peer peer;
  peer.run([&](stdio_peer& p) {
    (void)p.line();
    p.answer(p.message(), R"({"tools":[{"name":"a"}]})");
  });
  auto stream = peer.stream();
  stream.dirty = true;
  CHECK(probe_stdio(within(5s), stream, true));
}

TEST_CASE("prose on the output is skipped, and quoted when the server fails", "[mcp][unit]") {
  stdio_peer peer;
  SECTION("skipped") {
    peer.run([](stdio_peer& p) {
      p.write("Server is ready!\n\n");
      serve(p);
    });
    CHECK(probe_stdio(within(5s), peer.stream(), false));
  }
  SECTION("quoted") {
    peer.run([](stdio_peer& p) {
      p.write("Usage: server DIR\nmore\n" + std::string(300, 'x') + "\n");
      p.close_far();
    });
    auto const found = probe_stdio(within(5s), peer.stream(), false);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == errc::exited);
    CHECK(found.error().message == "the server ended its output before it answered initialize");
    CHECK(found.error().engine_message == "it sent, instead of JSON-RPC: Usage: server DIR");
  }
  SECTION("cut") {
    peer.run([](stdio_peer& p) {
      p.write(std::string(300, 'x') + "\n");
      p.close_far();
    });
    auto const found = probe_stdio(within(5s), peer.stream(), false);
    CHECK(found.error().engine_message ==
          "it sent, instead of JSON-RPC: " + std::string(200, 'x') + "…");
  }
}

TEST_CASE("an error of the server is told in its words", "[mcp][unit]") {
  stdio_peer peer;
  peer.run([](stdio_peer& p) {
    for (int i = 0; i < 2; ++i)
      p.write(fmt::format(
          R"({{"jsonrpc":"2.0","id":{},"error":{{"code":-32603,"message":"API key missing"}}}})"
          "\n",
          p.message().at("id").as_int64()));
  });
  auto const found = probe_stdio(within(5s), peer.stream(), false);
  REQUIRE_FALSE(found);
  CHECK(found.error().code == errc::engine);
  CHECK(found.error().engine_message == "API key missing");
}

TEST_CASE("a server that does not answer is a timeout that says what was asked", "[mcp][unit]") {
  stdio_peer peer;
  peer.run([](stdio_peer& p) {
    p.answer(p.message(), initialized_with_tools);
    while (!p.line().empty()) {
    }
  });
  auto const found = probe_stdio(within(200ms), peer.stream(), false);
  REQUIRE_FALSE(found);
  CHECK(found.error().code == errc::timeout);
  CHECK(found.error().message == "the server did not answer tools/list in time");
}

TEST_CASE("a full pipe that nobody reads does not block", "[mcp][unit]") {
  stdio_peer peer;
  auto const stream = peer.stream();
  fcntl(stream.write_fd, F_SETFL, O_NONBLOCK);
  std::string const filler(65'536, '\n');
  while (::write(stream.write_fd, filler.data(), filler.size()) > 0) {
  }
  fcntl(stream.write_fd, F_SETFL, 0);
  SECTION("past the deadline") {
    auto const found = probe_stdio(within(100ms), stream, false);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == errc::timeout);
  }
  SECTION("past a stop") {
    std::stop_source stop;
    std::thread canceller([&] {
      std::this_thread::sleep_for(50ms);
      stop.request_stop();
    });
    auto const before = std::chrono::steady_clock::now();
    auto const found = probe_stdio(within(60s, stop.get_token()), stream, false);
    canceller.join();
    REQUIRE_FALSE(found);
    CHECK(found.error().code == errc::cancelled);
    CHECK(std::chrono::steady_clock::now() - before < 5s);
  }
  SECTION("and is written to as soon as somebody reads") {
    peer.run([](stdio_peer& p) {
      std::string text;
      while ((text = p.line()).empty()) {
      }
      p.answer(boost::json::parse(text).as_object(), initialized_with_tools);
      (void)p.message();
      p.answer(p.message(), R"({"tools":[]})");
    });
    CHECK(probe_stdio(within(5s), stream, false));
  }
}

TEST_CASE("a server that reads no more is no SIGPIPE", "[mcp][unit]") {
  stdio_peer peer;
  peer.close_far_read();
  auto const before = std::chrono::steady_clock::now();
  auto const found = probe_stdio(within(60s), peer.stream(), false);
  REQUIRE_FALSE(found);
  CHECK(found.error().code == errc::exited);
  CHECK(found.error().message == "the server closed its input before it answered initialize");
  CHECK(std::chrono::steady_clock::now() - before < 5s);
  sigset_t pending;
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGPIPE) == 0);
}

TEST_CASE("descriptors are left as they were", "[mcp][unit]") {
  stdio_peer peer;
  auto const stream = peer.stream();
  auto const before = fcntl(stream.read_fd, F_GETFL);
  peer.run(serve);
  REQUIRE(probe_stdio(within(5s), stream, false));
  CHECK(fcntl(stream.read_fd, F_GETFL) == before);
  CHECK((fcntl(stream.write_fd, F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("a line without end is given up", "[mcp][unit]") {
  stdio_peer peer;
  peer.run([](stdio_peer& p) {
    std::string const piece(1 << 20, 'x');
    for (int i = 0; i < 17; ++i) p.write(piece);
  });
  auto const found = probe_stdio(within(20s), peer.stream(), false);
  REQUIRE_FALSE(found);
  CHECK(found.error().code == errc::engine);
  CHECK(found.error().message.find("16 MiB") != std::string::npos);
}

TEST_CASE("an answer of several megabytes is read", "[mcp][unit]") {
  stdio_peer peer;
  peer.run([](stdio_peer& p) {
    std::string tools;
    for (int i = 0; i < 20'000; ++i)
      tools += fmt::format(R"({}{{"name":"tool{}","description":"{}"}})", i ? "," : "", i,
                           std::string(200, 'd'));
    p.answer(p.message(), R"({"tools":[)" + tools + "]}");
  });
  auto const found = probe_stdio(within(20s), peer.stream(), true);
  REQUIRE(found);
  CHECK(found->tools.size() == 20'000);
}
