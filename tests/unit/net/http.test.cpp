// SPDX-License-Identifier: Apache-2.0
#include <thv/net/http.hpp>

#include <poll.h>

#include <future>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "unit/net/server.hpp"

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using thv::errc;
using thv::net::exchange;
using thv::net::request;
using thv::net::response;
using thv::test::peer;
using thv::test::tcp_server;
using thv::test::unix_server;
using thv::test::within;

namespace {

template <class F>
std::chrono::milliseconds time_of(F f) {
  auto const start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               start);
}

auto answering(std::string text) {
  return [text = std::move(text)](peer& p) {
    p.head();
    p.write(text);
  };
}

}  // namespace

TEST_CASE("A request over a unix socket gets its whole answer", "[net]") {
  std::string seen;
  unix_server server([&](peer& p) {
    seen = p.head();
    seen += p.take(5);
    p.write("HTTP/1.1 201 Created\r\nX-One: a\r\nx-one: b\r\nContent-Length: 2\r\n\r\nok");
  });
  request r{.method = "POST", .target = "/v1.41/x?y=z", .headers = {{"A", "b"}}, .body = "hello"};
  auto const answer = exchange(within(5s), server.address(), r);
  REQUIRE(answer);
  CHECK(answer->status == 201);
  CHECK(answer->body == "ok");
  CHECK(answer->headers.at("x-one") == "a, b");
  CHECK_THAT(seen, StartsWith("POST /v1.41/x?y=z HTTP/1.1\r\n"));
  CHECK_THAT(seen, ContainsSubstring("\r\nHost: localhost\r\n"));
  CHECK_THAT(seen, ContainsSubstring("\r\nA: b\r\n"));
  CHECK_THAT(seen, ContainsSubstring("\r\nContent-Length: 5\r\n"));
  CHECK_THAT(seen, Catch::Matchers::EndsWith("\r\n\r\nhello"));
}

TEST_CASE("Bodies come in every framing of HTTP/1.1", "[net]") {
  auto const body_of = [](std::string text, request const& r = {}) {
    tcp_server server(answering(std::move(text)));
    auto const answer = exchange(within(5s), server.address(), r);
    REQUIRE(answer);
    return answer->body;
  };
  CHECK(body_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n") == "abcdefg");
  CHECK(body_of("HTTP/1.0 200 OK\r\n\r\nuntil the end") == "until the end");
  CHECK(body_of("HTTP/1.1 204 No Content\r\n\r\n") == "");
  CHECK(body_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx") ==
        "x");
  CHECK(body_of("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", {.method = "HEAD"}) == "");
}

TEST_CASE("What cannot be connected to says why", "[net]") {
  SECTION("a port that nobody listens on") {
    thv::net::address where;
    {
      tcp_server gone([](peer&) {});
      where = gone.address();
    }
    auto const answer = exchange(within(5s), where, {});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::unavailable);
    CHECK_THAT(answer.error().message, ContainsSubstring("connecting to 127.0.0.1:") &&
                                           ContainsSubstring("connection refused"));
  }
  SECTION("a unix socket that is not there") {
    auto const answer = exchange(within(5s), {.unix_path = "/nonexistent/engine.sock"}, {});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::unavailable);
    CHECK(answer.error().message ==
          "connecting to unix:///nonexistent/engine.sock failed: no such file or directory");
  }
  SECTION("a name that no resolver knows") {
    auto const answer = exchange(within(20s), {.host = "no-such-host.invalid", .port = 80}, {});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::unavailable);
    CHECK_THAT(answer.error().message, StartsWith("cannot look up host 'no-such-host.invalid': "));
  }
  SECTION("a socket path that does not fit") {
    auto const answer = exchange(within(5s), {.unix_path = "/" + std::string(200, 'x')}, {});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::invalid_argument);
  }
}

TEST_CASE("A slow server ends in a timeout at the deadline", "[net]") {
  tcp_server server([](peer& p) { p.until_closed(); });
  auto const took = time_of([&] {
    auto const answer = exchange(within(150ms), server.address(), {});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::timeout);
  });
  CHECK(took >= 150ms);
  CHECK(took < 400ms);
}

TEST_CASE("A stop request ends a call at once", "[net]") {
  tcp_server server([](peer& p) { p.until_closed(); });
  std::stop_source source;
  std::chrono::steady_clock::time_point asked;
  std::jthread const stopper([&] {
    std::this_thread::sleep_for(100ms);
    asked = std::chrono::steady_clock::now();
    source.request_stop();
  });
  auto const answer = exchange({.stop = source.get_token()}, server.address(), {});
  auto const took = std::chrono::steady_clock::now() - asked;
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == errc::cancelled);
  CHECK(took < 100ms);
  SECTION("and one asked before keeps it from connecting") {
    auto const before = server.accepted();
    auto const again = exchange({.stop = source.get_token()}, server.address(), {});
    REQUIRE_FALSE(again);
    CHECK(again.error().code == errc::cancelled);
    CHECK(server.accepted() == before);
  }
}

TEST_CASE("A broken answer is an error", "[net]") {
  auto const error_of = [](std::string text, std::size_t limit = 64u << 20) {
    tcp_server server(answering(std::move(text)));
    auto const answer = exchange(within(5s), server.address(), {}, limit);
    REQUIRE_FALSE(answer);
    return answer.error();
  };
  CHECK(error_of("").code == errc::unavailable);
  CHECK(error_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab").code == errc::unavailable);
  CHECK(error_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab").code ==
        errc::unavailable);
  CHECK(error_of("SSH-2.0-OpenSSH_9.2\r\n").code == errc::engine);
  CHECK(error_of("HTTP/1.1 200 OK\r\nX: " + std::string(1u << 20, 'x')).code == errc::engine);
  auto const big = error_of("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901", 10);
  CHECK(big.code == errc::engine);
  CHECK_THAT(big.message, ContainsSubstring("is over 10 bytes"));
}

TEST_CASE("Headers and targets cannot smuggle lines", "[net]") {
  tcp_server server(answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  for (auto const& r : {request{.headers = {{"A", "b\r\nC: d"}}}, request{.target = "/ HTTP/1.1"},
                        request{.target = "/\r\n"}}) {
    auto const answer = exchange(within(5s), server.address(), r);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::invalid_argument);
  }
}

TEST_CASE("An answer that comes before the request was read counts", "[net]") {
  tcp_server server([](peer& p) {
    p.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
    p.until_closed();
  });
  request const r{.method = "POST", .body = std::string(1u << 20, 'x')};
  auto const answer = exchange(within(5s), server.address(), r);
  REQUIRE(answer);
  CHECK(answer->status == 413);
  CHECK(answer->body == "big");
}

TEST_CASE("A stream delivers pieces as they arrive", "[net]") {
  std::promise<void> got_first;
  auto first = got_first.get_future().share();
  tcp_server server([first](peer& p) {
    p.head();
    p.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    first.wait_for(5s);
    p.write("6\r\nsecond\r\n0\r\n\r\n");
  });
  std::vector<std::string> pieces;
  std::string text;
  int status = 0;
  auto const answer = thv::net::stream(
      within(10s), server.address(), {},
      [&](response const& head) {
        status = head.status;
        return true;
      },
      [&](std::string_view piece) {
        if (text.empty()) got_first.set_value();
        text += piece;
        return true;
      });
  REQUIRE(answer);
  CHECK(status == 200);
  CHECK(answer->body.empty());
  CHECK(text == "firstsecond");
}

TEST_CASE("A stream ends when its reader wants no more", "[net]") {
  tcp_server server([](peer& p) {
    p.head();
    p.write("HTTP/1.1 200 OK\r\nX: y\r\n\r\n");
    while (p.write("data: 1\n\n")) std::this_thread::sleep_for(5ms);
  });
  int pieces = 0;
  SECTION("after some pieces") {
    auto const answer = thv::net::stream(within(5s), server.address(), {}, {},
                                         [&](std::string_view) { return ++pieces < 3; });
    REQUIRE(answer);
    CHECK(pieces == 3);
  }
  SECTION("after the head") {
    auto const answer = thv::net::stream(
        within(5s), server.address(), {}, [](response const&) { return false; },
        [&](std::string_view) { return ++pieces < 3; });
    REQUIRE(answer);
    CHECK(answer->headers.at("x") == "y");
    CHECK(pieces == 0);
  }
}

TEST_CASE("A stream that is refused has a body and no pieces", "[net]") {
  tcp_server server(answering("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope"));
  int pieces = 0;
  auto const answer = thv::net::stream(within(5s), server.address(), {}, {},
                                       [&](std::string_view) { return ++pieces > 0; });
  REQUIRE(answer);
  CHECK(answer->status == 404);
  CHECK(answer->body == "nope");
  CHECK(pieces == 0);
}

TEST_CASE("An upgraded connection carries bytes both ways", "[net]") {
  auto const leftover = GENERATE(std::string(), std::string("early "));
  unix_server server([&](peer& p) {
    p.head();
    p.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n" + leftover);
    p.write("got:" + p.take(4));
  });
  request const r{.method = "POST", .headers = {{"Connection", "Upgrade"}, {"Upgrade", "tcp"}}};
  auto const fd = thv::net::upgrade(within(5s), server.address(), r);
  REQUIRE(fd);
  REQUIRE(::write(*fd, "ping", 4) == 4);
  std::string text;
  char bytes[64];
  for (ssize_t n = 0; (n = ::read(*fd, bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(n));
  CHECK(text == leftover + "got:ping");
  ::close(*fd);
}

TEST_CASE("A refused upgrade says so in the server's words", "[net]") {
  unix_server server(answering("HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nbusy"));
  auto const fd = thv::net::upgrade(within(5s), server.address(), {.method = "POST"});
  REQUIRE_FALSE(fd);
  CHECK(fd.error().code == errc::engine);
  CHECK(fd.error().engine_message == "busy");
  CHECK_THAT(fd.error().message, ContainsSubstring("409"));
}

TEST_CASE("Many calls at once do not disturb each other", "[net]") {
  unix_server server([](peer& p) {
    auto const head = p.head();
    auto const target = head.substr(4, head.find(' ', 4) - 4);
    p.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(target.size()) + "\r\n\r\n" +
            target);
  });
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 25; ++i) {
          auto const target = "/" + std::to_string(t) + "/" + std::to_string(i);
          auto const answer = exchange(within(10s), server.address(), {.target = target});
          if (answer && answer->body == target) ++good;
        }
      });
  }
  CHECK(good == 200);
}
