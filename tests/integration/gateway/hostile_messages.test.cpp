// SPDX-License-Identifier: Apache-2.0
// Odd JSON-RPC, and clients and members that do not read, against the data plane.
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

#include "support.hpp"
#include "wire.hpp"

using namespace thv::test;
using namespace std::chrono_literals;

namespace {

std::string const odd = "odd=stdio:" THV_ODD_MEMBER;

std::string echo(std::string const& text) {
  return fmt::format(R"({{"text":"{}"}})", text);
}

double milliseconds_of(std::function<void()> const& work) {
  auto const start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

}  // namespace

TEST_CASE("ids come back as they were written", "[gateway][integration]") {
  gateway_process const gateway({odd});
  session_client one(gateway.port(), "odd");
  for (auto const* const id : {"0", "-7", "9007199254740993", "18446744073709551615", "1.5", "1e3",
                               R"("")", R"("abc")", R"("\u0061bc")", R"("a\"b\\c\/d")",
                               R"("\ud83d\ude00")", R"("id")", R"("5")", R"("\u0000")"}) {
    auto const got = one.exchange(tool_call("echo", echo("for an id"), id));
    CAPTURE(id, got.body);
    CHECK(got.status == 200);
    CHECK(said(got.body) == "for an id");
    CHECK(got.body.find(fmt::format(R"("id":{})", id)) != std::string::npos);
  }
  auto const long_id = '"' + std::string(10'000, 'i') + '"';
  CHECK(one.exchange(tool_call("echo", echo("x"), long_id)).body.find(long_id) !=
        std::string::npos);
}

TEST_CASE("keys may be escaped, and stand in any order", "[gateway][integration]") {
  gateway_process const gateway({odd});
  session_client one(gateway.port(), "odd");
  for (
      auto const* const text : {
          R"({"jsonrpc":"2.0","\u0069d":4,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}}})",
          R"({"jsonrpc":"2.0","id":4,"m\u0065thod":"tools\/call","params":{"n\u0061me":"echo","arguments":{"text":"x"}}})",
          R"({"params":{"arguments":{"text":"x"},"name":"echo"},"method":"tools/call","id":4,"jsonrpc":"2.0"})",
          "\t{\n\"jsonrpc\" :\r\n \"2.0\", \"id\" : 4 "
          ",\n\"method\":\"tools/"
          "call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"x\"}}}\n\n",
          R"({"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"arguments":{"text":"x","id":9,"method":"y"},"name":"echo","extra":[{"id":1},{"method":"z"}]}})",
      }) {
    auto const got = one.exchange(text);
    CAPTURE(text, got.body);
    CHECK(got.status == 200);
    CHECK(said(got.body) == "x");
    CHECK(got.body.find(R"("id":4)") != std::string::npos);
  }
}

TEST_CASE("what is no message of MCP is refused, and nothing hangs", "[gateway][integration]") {
  gateway_process const gateway({odd});
  session_client one(gateway.port(), "odd");
  auto const call = tool_call("echo", echo("x"));
  for (auto const& text : std::vector<std::string>{
           R"({"jsonrpc":"2.0","id":1,"id":2,"method":"ping"})",
           R"({"jsonrpc":"2.0","id":1,"\u0069d":2,"method":"ping"})",
           R"({"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"})",
           "[" + call + "]",
           "[" + call + "," + call + "]",
           "[]",
           "[[]]",
           "1",
           "null",
           "\"x\"",
           "{}",
           "",
           " ",
           "{",
           R"({"a":tru})",
           call + "x",
           call + call,
           R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"x":tru}})",
           R"({"jsonrpc":"1.0","id":1,"method":"ping"})",
           R"({"id":1,"method":"ping"})",
           R"({"jsonrpc":"2.0","id":null,"method":"ping"})",
           R"({"jsonrpc":"2.0","id":[1],"method":"ping"})",
           R"({"jsonrpc":"2.0","id":{"a":1},"method":"ping"})",
           R"({"jsonrpc":"2.0","id":true,"method":"ping"})",
           R"({"jsonrpc":"2.0","id":1,"method":null})",
           R"({"jsonrpc":"2.0","id":1})",
           R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[]})",
           R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":1e400}})",
           R"({"jsonrpc":"2.0","id":1,"method":"ping","result":{}})",
           std::string("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pi\0ng\"}", 41),
           "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"x\":\"\xff\xfe\"}}",
           R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"x":)" + std::string(100'000, '['),
       }) {
    auto const got = one.exchange(text);
    CAPTURE(text.substr(0, 120), got.body);
    CHECK(got.status == 400);
    CHECK(got.body.find("\"error\"") != std::string::npos);
    CHECK(got.body.find("\"id\":null") == std::string::npos);
    // The connection and the member are as before.
    REQUIRE(one.call("echo", echo("after it")) == "after it");
  }
  // Answers to nothing, and notifications of anything, are taken and dropped.
  for (
      auto const* const text :
      {R"({"jsonrpc":"2.0","id":1,"result":{}})", R"({"jsonrpc":"2.0","id":"1","result":{}})",
       R"({"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"x"}})",
       R"({"jsonrpc":"2.0","method":"notifications/nothing"})",
       R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}})",
       R"({"jsonrpc":"2.0","method":"notifications/cancelled"})",
       R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}})"}) {
    CAPTURE(text);
    CHECK(one.exchange(text).status == 202);
    REQUIRE(one.call("echo", echo("after it")) == "after it");
  }
}

TEST_CASE("many clients use the same ids at once", "[gateway][integration]") {
  gateway_process const gateway({odd});
  std::atomic<int> wrong = 0;
  std::vector<std::thread> clients;
  for (int client = 0; client < 64; ++client)
    clients.emplace_back([&, client] {
      session_client one(gateway.port(), "odd");
      for (int i = 0; i < 50; ++i) {
        auto const text = fmt::format("{}-{}", client, i);
        auto const got = one.exchange(tool_call("echo", echo(text), std::to_string(i % 3)));
        if (said(got.body) != text ||
            got.body.find(fmt::format(R"("id":{})", i % 3)) == std::string::npos)
          ++wrong;
      }
    });
  for (auto& client : clients) client.join();
  CHECK(wrong == 0);
}

TEST_CASE("a member's own requests are no answers, whatever their id", "[gateway][integration]") {
  gateway_process const gateway({odd});
  session_client one(gateway.port(), "odd");
  wire stream(gateway.port());
  stream.send(get(one.path(), one.fields()));
  REQUIRE(stream.until("\r\n\r\n"));
  for (auto const* const id : {"0", "1", "2", "7", "\"1\"", "\"\\u0061\"", "-1", "65536"}) {
    CAPTURE(id);
    REQUIRE(one.send(tool_call("ask", fmt::format(R"({{"id":{}}})", id), "1")));
    // The question comes on the call's own stream or on the standing one.
    std::optional<std::string> asked = one.line.until("roots/list", 500ms);
    if (!asked) asked = stream.until("roots/list", 2s);
    REQUIRE(asked);
    auto const at = asked->rfind("\"id\":");
    REQUIRE(at != std::string::npos);
    auto const number = asked->substr(at + 5, asked->find_first_of(",}", at) - at - 5);
    wire other(gateway.port());
    other.send(post(one.path(),
                    fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{{"roots":[]}}}})", number),
                    one.fields()));
    CHECK(other.answer().status == 202);
    auto const answered = one.line.until("roots\\\":[]", 5s);
    REQUIRE(answered);
    (void)one.line.until("0\r\n\r\n", 300ms);
  }
}

TEST_CASE("what a member writes beside its answers crosses no clients", "[gateway][integration]") {
  gateway_process const gateway({odd, "call_time=2000"});
  session_client one(gateway.port(), "odd");
  session_client other(gateway.port(), "odd");
  auto const writes = [&](std::string const& line) {
    std::string escaped;
    for (char const c : line) {
      if (c == '"' || c == '\\') escaped += '\\';
      escaped += c;
    }
    one.send(tool_call("write", fmt::format(R"({{"line":"{}"}})", escaped), "\"mine\""));
    auto const got = one.line.answer(10s);
    CAPTURE(line, got.body);
    CHECK(got.status == 200);
    CHECK(got.body.find(R"("id":"mine")") != std::string::npos);
    CHECK(other.call("echo", echo("undisturbed")) == "undisturbed");
    return got.body;
  };
  CHECK(said(writes(R"({"jsonrpc":"2.0","id":ID,"result":{"content":[{"text":"plain"}]}})")) ==
        "plain");
  CHECK(said(writes(R"({"result":{"content":[{"text":"id last"}]},"id":ID,"jsonrpc":"2.0"})")) ==
        "id last");
  CHECK(said(writes(R"({"jsonrpc":"2.0","\u0069d":ID,"result":{"content":[{"text":"esc"}]}})")) ==
        "esc");
  CHECK(said(writes(R"({"jsonrpc":"2.0","id":"ID","result":{"content":[{"text":"string"}]}})")) ==
        "string");
  CHECK(writes(R"({"jsonrpc":"2.0","id":ID,"error":{"code":-5,"message":"no"}})")
            .find(R"("code":-5)") != std::string::npos);
  CHECK(writes(R"({"jsonrpc":"2.0","id":ID,"result":{"structuredContent":{"n":-3e2002}}})")
            .find("larger than any double") != std::string::npos);
  // No answer at all: the call runs out of its time.
  for (auto const* const line :
       {R"({"jsonrpc":"2.0","id":1,"result":{}})",
        R"({"jsonrpc":"2.0","id":ID,"id":ID,"result":{}})",
        R"([{"jsonrpc":"2.0","id":ID,"result":{}}])", R"({"jsonrpc":"2.0","id":ID)"})
    CHECK(writes(line).find("did not answer") != std::string::npos);
}

TEST_CASE("a client that does not read keeps nobody else waiting", "[gateway][integration]") {
  gateway_process const gateway({odd, "message=80000000", "client_queue=4000000"});
  session_client one(gateway.port(), "odd");
  REQUIRE(one.call("echo", echo("warm")) == "warm");
  auto const before = gateway.memory();
  auto const calls_meanwhile = [&] {
    double worst = 0;
    for (int i = 0; i < 200; ++i) {
      worst = std::max(worst,
                       milliseconds_of([&] { CHECK(one.call("echo", echo("quick")) == "quick"); }));
      std::this_thread::sleep_for(5ms);
    }
    return worst;
  };
  SECTION("one answer of 50 MB") {
    {
      session_client slow(gateway.port(), "odd");
      REQUIRE(slow.send(tool_call("big", R"({"bytes":50000000})")));
      CHECK(calls_meanwhile() < 2000);  // the member itself writes 50 MB before it answers
      INFO(before << " KiB before, " << gateway.memory() << " KiB with the answer");
      CHECK(gateway.memory() < before + 80'000);
    }
    std::this_thread::sleep_for(1500ms);
    INFO(before << " KiB before, " << gateway.memory() << " KiB after");
    CHECK(gateway.memory() < before + 8'000);
  }
  SECTION("many answers on one stream") {
    wire stream(gateway.port());
    stream.send(get("/servers/odd/sse"));
    auto const endpoint = stream.until("\n\n");
    REQUIRE(endpoint);
    auto const at = endpoint->find("/servers/odd/messages");
    auto const messages = endpoint->substr(at, endpoint->find('\n', at) - at);
    wire line(gateway.port());
    line.send(post(messages, R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{)"
                             R"("protocolVersion":"2024-11-05","capabilities":{},)"
                             R"("clientInfo":{"name":"wire","version":"1"}}})"));
    CHECK(line.answer().status == 202);
    int taken = 0;
    for (int i = 1; i <= 40; ++i) {
      line.send(post(messages, tool_call("big", R"({"bytes":3000000})", std::to_string(i))));
      if (line.answer().status == 202) ++taken;
    }
    CHECK(taken > 0);
    CHECK(calls_meanwhile() < 2000);
    // Its queue was full: it was let go of, and its session with it.
    INFO(before << " KiB before, " << gateway.memory() << " KiB after");
    CHECK(gateway.memory() < before + 16'000);
    line.send(post(messages, tool_call("echo", echo("x"), "50")));
    CHECK(line.answer().status == 404);
  }
}

TEST_CASE("a member that does not read is busy, and others are not", "[gateway][integration]") {
  gateway_process const gateway(
      {odd, "deaf=stdio:" THV_ODD_MEMBER, "member_queue=1000000", "call_time=20000"});
  session_client other(gateway.port(), "odd");
  session_client first(gateway.port(), "deaf");
  REQUIRE(first.send(tool_call("deaf", R"({"ms":3000})")));
  std::this_thread::sleep_for(100ms);
  std::vector<std::unique_ptr<session_client>> callers;
  std::size_t busy = 0;
  std::size_t answered = 0;
  for (int i = 0; i < 40; ++i) {
    callers.push_back(std::make_unique<session_client>(gateway.port(), "deaf"));
    REQUIRE(callers.back()->send(tool_call("echo", echo(std::string(50'000, 'x')))));
    CHECK(milliseconds_of([&] { CHECK(other.call("echo", echo("elsewhere")) == "elsewhere"); }) <
          500);
  }
  for (auto& caller : callers) {
    auto const got = caller->line.answer(15s);
    if (got.body.find("busy") != std::string::npos)
      ++busy;
    else if (said(got.body).size() == 50'000)
      ++answered;
  }
  CAPTURE(busy, answered);
  CHECK(busy > 0);
  CHECK(answered > 10);
  CHECK(busy + answered == callers.size());
  CHECK(first.line.answer().status == 200);
  CHECK(callers.front()->call("echo", echo("again")) == "again");
}
