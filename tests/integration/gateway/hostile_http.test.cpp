// SPDX-License-Identifier: Apache-2.0
// Clients that break HTTP, or the rules of its use for MCP, against the data plane.
#include <sys/socket.h>

#include <thread>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

#include "support.hpp"
#include "wire.hpp"

using namespace thv::test;
using namespace std::chrono_literals;

namespace {

std::string const odd = "odd=stdio:" THV_ODD_MEMBER;
std::string const path = "/servers/odd/mcp";
std::string const initialize =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25",)"
    R"("capabilities":{},"clientInfo":{"name":"wire","version":"1"}}})";

/// The status of the one answer to these bytes.
int status_of(gateway_process const& gateway, std::string const& bytes) {
  wire line(gateway.port());
  line.send(bytes);
  return line.answer(5s).status;
}

std::string with_host(std::string const& lines) {
  return "POST " + path + " HTTP/1.1\r\n" + lines +
         "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n" +
         fmt::format("Content-Length: {}\r\n\r\n{}", initialize.size(), initialize);
}

}  // namespace

TEST_CASE("a head that comes too slowly is not waited for", "[gateway][integration]") {
  gateway_process const gateway({odd, "header_time=1000"});
  session_client other(gateway.port(), "odd");
  wire slow(gateway.port());
  auto const start = std::chrono::steady_clock::now();
  auto const request = post(path, initialize);
  bool open = true;
  for (std::size_t i = 0; i < 60 && open; ++i) {
    open = slow.send(request.substr(i, 1)) && !slow.closes(100ms);
    CHECK(other.call("echo", R"({"text":"meanwhile"})") == "meanwhile");
  }
  CHECK_FALSE(open);
  CHECK(std::chrono::steady_clock::now() - start < 4s);
  wire silent(gateway.port());
  CHECK(silent.closes(4s));
}

TEST_CASE("a slow request on an old connection has its time too", "[gateway][integration]") {
  gateway_process const gateway({odd, "header_time=2000"});
  session_client one(gateway.port(), "odd");
  REQUIRE(one.call("echo", R"({"text":"first"})") == "first");
  std::this_thread::sleep_for(4s);
  auto const request = post(path, tool_call("echo", R"({"text":"in two"})"), one.fields());
  one.line.send(request.substr(0, 40));
  std::this_thread::sleep_for(1200ms);
  CHECK(one.line.send(request.substr(40)));
  CHECK(said(one.line.answer().body) == "in two");
}

TEST_CASE("heads and bodies over their limits are refused in words", "[gateway][integration]") {
  gateway_process const gateway({odd, "body=100000"});
  CHECK(status_of(gateway, "GET /health HTTP/1.1\r\nHost: localhost\r\nX: " +
                               std::string(17'000, 'x') + "\r\n\r\n") == 431);
  CHECK(status_of(gateway, "GET /" + std::string(17'000, 'x')) == 431);
  CHECK(status_of(gateway, post(path, std::string(100'001, ' '))) == 413);
  // The answer arrives although the client is still sending.
  CHECK(status_of(gateway, post(path, std::string(3'000'000, ' '))) == 413);
  CHECK(status_of(gateway, post(path, initialize + std::string(90'000, ' '))) == 200);
  CHECK(status_of(gateway, "POST " + path +
                               " HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                               "99999999999999999999999\r\n\r\n") == 400);
  std::string chunks = "POST " + path +
                       " HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                       "application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; ++i) chunks += "2000\r\n" + std::string(0x2000, ' ') + "\r\n";
  CHECK(status_of(gateway, chunks) == 413);
}

TEST_CASE("only names of this machine are served", "[gateway][integration]") {
  gateway_process const gateway({odd});
  for (auto const* const host : {"localhost", "127.0.0.1:4483", "[::1]", "LocalHost:1"}) {
    CAPTURE(host);
    CHECK(status_of(gateway, with_host(fmt::format("Host: {}\r\n", host))) == 200);
  }
  for (auto const* const host : {"evil.example.com", "localhost.evil.com", "127.0.0.1.nip.io",
                                 "localhost@evil.com", "127.0.0.2", "[::2]", "a:b:c"}) {
    CAPTURE(host);
    CHECK(status_of(gateway, with_host(fmt::format("Host: {}\r\n", host))) == 403);
  }
  CHECK(status_of(gateway, with_host("")) == 400);
  CHECK(status_of(gateway, with_host("Host: localhost\r\nHost: evil.example.com\r\n")) == 400);
  CHECK(status_of(gateway, with_host("Host: localhost\r\nHost: localhost\r\n")) == 400);
  auto const from = [&](char const* origin) {
    return status_of(gateway, with_host(fmt::format("Host: localhost\r\nOrigin: {}\r\n", origin)));
  };
  CHECK(from("http://localhost:3000") == 200);
  CHECK(from("https://127.0.0.1") == 200);
  for (auto const* const origin : {"http://evil.example.com", "null", "", "http://localhost.evil",
                                   "http://localhost@evil.com", "evil://x.localhost"}) {
    CAPTURE(origin);
    CHECK(from(origin) == 403);
  }
  CHECK(status_of(gateway, with_host("Host: localhost\r\nOrigin: http://localhost\r\n"
                                     "Origin: http://evil.example.com\r\n")) == 400);
}

TEST_CASE("a token is asked for where one is set", "[gateway][integration]") {
  gateway_process const gateway({odd, "token=correct-horse"});
  auto const with = [&](std::string const& line) {
    return status_of(gateway, post(path, initialize, line));
  };
  CHECK(with("") == 401);
  CHECK(with("Authorization: Bearer wrong-horse12\r\n") == 401);
  CHECK(with("Authorization: Bearer correct-hors\r\n") == 401);
  CHECK(with("Authorization: Bearer correct-horse2\r\n") == 401);
  CHECK(with("Authorization: Basic correct-horse\r\n") == 401);
  CHECK(with("Authorization: correct-horse\r\n") == 401);
  CHECK(with("Authorization: Bearer correct-horse\r\n") == 200);
  CHECK(with("authorization: bearer correct-horse\r\n") == 200);
  CHECK(with("Authorization: Bearer correct-horse\r\nAuthorization: Bearer x\r\n") == 400);
  CHECK(status_of(gateway, get("/servers/odd/sse")) == 401);
  CHECK(status_of(gateway, get("/metrics")) == 401);
  CHECK(status_of(gateway, get("/health")) == 200);
}

TEST_CASE("what two readers could read differently is refused", "[gateway][integration]") {
  gateway_process const gateway({odd});
  session_client one(gateway.port(), "odd");
  CHECK(status_of(gateway, "POST " + path +
                               " HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                               "application/json\r\nContent-Length: 4\r\nTransfer-Encoding: "
                               "chunked\r\n\r\n0\r\n\r\n") == 400);
  CHECK(status_of(gateway, "POST " + path +
                               " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
                               "Content-Length: 5\r\n\r\nabcde") == 400);
  CHECK(status_of(gateway, "POST " + path +
                               " HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1"
                               "\r\n\r\n") == 400);
  CHECK(status_of(gateway, "POST " + path + " HTTP/1.1\r\nHost : localhost\r\n\r\n") == 400);
  CHECK(status_of(gateway, "GET /health HTTP/2.0\r\nHost: localhost\r\n\r\n") == 400);
  CHECK(status_of(gateway, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n") == 400);
  CHECK(status_of(gateway, std::string("GET /he\0alth HTTP/1.1\r\nHost: localhost\r\n\r\n", 43)) ==
        400);
  CHECK(status_of(gateway, post(path, tool_call("echo", R"({"text":"x"})"),
                                one.fields() + one.fields())) == 400);
  CHECK(one.call("echo", R"({"text":"still there"})") == "still there");
}

TEST_CASE("the body of a request is read however it comes", "[gateway][integration]") {
  gateway_process const gateway({odd});
  session_client one(gateway.port(), "odd");
  auto const call = tool_call("echo", R"({"text":"whole"})");
  auto const whole = post(path, call, one.fields());

  SECTION("in two segments, cut at every byte") {
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
      one.line.send(whole.substr(0, cut));
      std::this_thread::sleep_for(1ms);
      one.line.send(whole.substr(cut));
      auto const got = one.line.answer();
      CAPTURE(cut, got.body);
      REQUIRE(said(got.body) == "whole");
    }
  }
  SECTION("byte by byte") {
    for (char const c : whole) one.line.send({&c, 1});
    CHECK(said(one.line.answer().body) == "whole");
  }
  SECTION("several requests at once") {
    std::string all;
    for (int i = 0; i < 200; ++i)
      all += post(path, tool_call("echo", fmt::format(R"({{"text":"{}"}})", i), std::to_string(i)),
                  one.fields());
    std::thread sender([&] { one.line.send(all); });
    for (int i = 0; i < 200; ++i) {
      auto const got = one.line.answer();
      CHECK(said(got.body) == std::to_string(i));
      CHECK(got.body.find(fmt::format(R"("id":{},)", i)) != std::string::npos);
    }
    sender.join();
  }
  SECTION("in chunks") {
    std::string chunked = "POST " + path +
                          " HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                          "application/json\r\nTransfer-Encoding: chunked\r\n" +
                          one.fields() + "\r\n";
    for (std::size_t at = 0; at < call.size(); at += 7) {
      auto const piece = call.substr(at, 7);
      chunked += fmt::format("{:x};ext=1\r\n{}\r\n", piece.size(), piece);
    }
    chunked += "0\r\nTrailer: x\r\n\r\n";
    for (int i = 0; i < 3; ++i) {
      one.line.send(chunked);
      CHECK(said(one.line.answer().body) == "whole");
    }
    for (char const c : chunked) one.line.send({&c, 1});
    CHECK(said(one.line.answer().body) == "whole");
  }
  SECTION("after it was asked for") {
    auto const asking = post(path, call, one.fields() + "Expect: 100-continue\r\n");
    auto const head = asking.find("\r\n\r\n") + 4;
    one.line.send(asking.substr(0, head));
    auto const interim = one.line.until("\r\n\r\n");
    REQUIRE(interim);
    CHECK(interim->starts_with("HTTP/1.1 100 "));
    one.line.send(asking.substr(head));
    CHECK(said(one.line.answer().body) == "whole");
  }
  SECTION("but not from a client of HTTP/1.0") {
    auto old = whole;
    old.replace(old.find("HTTP/1.1"), 8, "HTTP/1.0");
    one.line.send(old);
    CHECK(one.line.answer().status == 400);
    CHECK(one.line.closes(3s));
  }
  SECTION("after empty lines") {
    one.line.send("\r\n\r\n" + whole);
    auto const got = one.line.answer();
    CHECK((got.status == 400 || said(got.body) == "whole"));
  }
}

TEST_CASE("sessions and streams are told apart and end", "[gateway][integration]") {
  gateway_process const gateway({odd});
  CHECK(status_of(gateway, get(path)) == 400);
  CHECK(status_of(gateway, get(path, "Mcp-Session-Id: nobody\r\n")) == 404);
  CHECK(status_of(gateway, get("/servers/nobody/mcp", "Mcp-Session-Id: x\r\n")) == 404);
  CHECK(status_of(gateway, post(path, tool_call("echo", "{}"))) == 400);
  CHECK(status_of(gateway, post(path, tool_call("echo", "{}"), "Mcp-Session-Id: x\r\n")) == 404);
  CHECK(status_of(gateway, post("/servers/odd/messages?sessionId=x", initialize)) == 404);
  CHECK(status_of(gateway, "PUT " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n") == 405);
  CHECK(status_of(gateway, "DELETE " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n") == 400);
  auto wrong_type = post(path, initialize);
  wrong_type.replace(wrong_type.find("application/json"), 16, "text/plain......");
  CHECK(status_of(gateway, wrong_type) == 415);

  session_client one(gateway.port(), "odd");
  wire stream(gateway.port());
  stream.send(get(path, one.fields()));
  auto const head = stream.until("\r\n\r\n");
  REQUIRE(head);
  CHECK(head->starts_with("HTTP/1.1 200 "));
  CHECK(status_of(gateway, get(path, one.fields())) == 409);
  CHECK(one.call("echo", R"({"text":"beside its stream"})") == "beside its stream");
  // A stream may be opened anew once its client has left it.
  ::shutdown(stream.fd(), SHUT_RDWR);
  std::this_thread::sleep_for(100ms);
  wire again(gateway.port());
  again.send(get(path, one.fields()));
  REQUIRE(again.until("\r\n\r\n").value_or("").starts_with("HTTP/1.1 200 "));

  CHECK(status_of(gateway, "DELETE " + path + " HTTP/1.1\r\nHost: localhost\r\n" + one.fields() +
                               "\r\n") == 204);
  CHECK(again.until("0\r\n\r\n", 3s));  // the stream ends with its session
  CHECK(one.exchange(tool_call("echo", R"({"text":"x"})")).status == 404);
  CHECK(status_of(gateway, "DELETE " + path + " HTTP/1.1\r\nHost: localhost\r\n" + one.fields() +
                               "\r\n") == 404);
}
