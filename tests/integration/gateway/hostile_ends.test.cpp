// SPDX-License-Identifier: Apache-2.0
// What ends while others go on, and what a client or a member could pile up.
#include <atomic>
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "scripted.hpp"
#include "support.hpp"
#include "wire.hpp"

using namespace thv;
using namespace thv::test;
using namespace std::chrono_literals;

namespace {

std::string const odd = "odd=stdio:" THV_ODD_MEMBER;

std::string greeting(std::string_view capabilities = "{}",
                     std::string_view revision = "2025-11-25") {
  return fmt::format(R"({{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{)"
                     R"("protocolVersion":"{}","capabilities":{},)"
                     R"("clientInfo":{{"name":"wire","version":"1"}}}}}})",
                     revision, capabilities);
}

std::string fields_of(std::string const& session) {
  return fmt::format("Mcp-Session-Id: {}\r\nMCP-Protocol-Version: 2025-11-25\r\n", session);
}

std::string act(std::size_t i, std::string_view id = "1") {
  return tool_call("act", fmt::format(R"({{"i":{}}})", i), id);
}

/// An old client: its stream, and where it posts to.
struct old_client {
  wire stream;
  std::string messages;

  old_client(std::uint16_t port, std::string const& member) : stream(port) {
    stream.send(get("/servers/" + member + "/sse"));
    auto const endpoint = stream.until("\n\n").value_or("");
    auto const at = endpoint.find("/servers/");
    messages = endpoint.substr(at, endpoint.find('\n', at) - at);
    wire line(port);
    (void)talk(line, post(messages, greeting("{}", "2024-11-05")));
    (void)stream.until("\"serverInfo\"");
  }
};

/// A member is busy until it has read what it was answered.
bool echoes_soon(session_client& one) {
  for (int i = 0; i < 100; ++i) {
    if (one.call("echo", R"({"text":"again"})") == "again") return true;
    std::this_thread::sleep_for(50ms);
  }
  return false;
}

double seconds_of(std::function<void()> const& work) {
  auto const start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("a session that ends takes its calls along, whatever the member speaks",
          "[gateway][integration][ends]") {
  for (bool const stateless : {false, true})
    for (auto const transport : {transport::stdio, transport::streamable_http}) {
      CAPTURE(stateless, to_string(transport));
      auto words = sound_script(stateless);
      words.acts = {{std::string(hang)}, {R"({"jsonrpc":"2.0","id":"@ID@","result":{"n":1}})"}};
      scripted_members members;
      members.add("m", transport, words);
      scripted_gateway gateway(members, {});
      wire line(gateway.port());
      auto const session = talk(line, post("/servers/m/mcp", greeting())).session;
      REQUIRE(!session.empty());
      REQUIRE(line.send(post("/servers/m/mcp", act(0), fields_of(session))));
      std::this_thread::sleep_for(200ms);
      wire other(gateway.port());
      other.send("DELETE /servers/m/mcp HTTP/1.1\r\nHost: localhost\r\n" + fields_of(session) +
                 "\r\n");
      CHECK(other.answer().status == 204);
      CHECK(line.answer(3s).status == 404);
      CHECK(gateway.in_flight(2s, 1) <= 1);  // a subscription of the gateway's own may last
      auto const again = talk(line, post("/servers/m/mcp", greeting())).session;
      CHECK(talk(line, post("/servers/m/mcp", act(1), fields_of(again))).body.find("\"n\":1") !=
            std::string::npos);
    }
}

TEST_CASE("a call that waits for another client's is answered on its stream",
          "[gateway][integration][ends]") {
  gateway_process const gateway({odd, "call_time=4000"});
  session_client first(gateway.port(), "odd");
  REQUIRE(first.send(tool_call("hang", "{}")));
  old_client other(gateway.port(), "odd");
  std::this_thread::sleep_for(100ms);
  SECTION("though its request came on a connection that ends") {
    wire line(gateway.port());
    line.send(post(other.messages, tool_call("echo", R"({"text":"waited"})", "7"),
                   "Connection: close\r\n"));
    CHECK(line.answer(6s).status == 202);
    CHECK(other.stream.until("waited", 8s));
  }
  SECTION("though its connection asks for more meanwhile") {
    wire line(gateway.port());
    line.send(post(other.messages, tool_call("echo", R"({"text":"waited"})", "7")));
    line.send(post("/servers/odd/mcp", greeting(), "X-Second: 1\r\n"));
    CHECK(line.answer(6s).status == 202);
    auto const second = line.answer(6s);
    CHECK(second.status == 200);
    CHECK(second.body.find("serverInfo") != std::string::npos);
    CHECK(other.stream.until("waited", 8s));
    line.send(get("/health"));
    CHECK(line.answer(2s).body.find("ok") != std::string::npos);
  }
}

TEST_CASE("clients that leave while they wait take nothing from those who come later",
          "[gateway][integration][ends]") {
  gateway_process const gateway({odd, "call_time=30000"});
  session_client first(gateway.port(), "odd");
  REQUIRE(first.send(tool_call("hang", "{}")));
  session_client second(gateway.port(), "odd");
  std::string const large(14'000'000, 'x');
  for (int i = 0; i < 6; ++i) {
    wire line(gateway.port());
    line.send(post(second.path(), tool_call("echo", fmt::format(R"({{"text":"{}"}})", large)),
                   second.fields()));
    std::this_thread::sleep_for(150ms);
  }
  // It is not known yet whether `echo` speaks: it still has its turn after the other's silence.
  CHECK(seconds_of([&] { CHECK(second.call("echo", R"({"text":"x"})") == "x"); }) > 0.8);
}

TEST_CASE("a member that asks and does not read is not given endless answers",
          "[gateway][integration][ends]") {
  gateway_process const gateway({odd, "member_queue=1000000", "call_time=30000"});
  session_client one(gateway.port(), "odd");
  REQUIRE(one.call("echo", R"({"text":"warm"})") == "warm");
  auto const before = gateway.memory();
  CHECK(one.call("flood", R"({"lines":500000})") == "flooded");
  auto const after = gateway.memory();
  CAPTURE(before, after);
  CHECK(after < before + 8'000);
  CHECK(echoes_soon(one));
}

TEST_CASE("a client's own notifications do not pile up at a member that does not read",
          "[gateway][integration][ends]") {
  gateway_process const gateway({odd, "member_queue=1000000", "call_time=30000"});
  session_client one(gateway.port(), "odd");
  session_client other(gateway.port(), "odd");
  REQUIRE(one.call("echo", R"({"text":"warm"})") == "warm");
  REQUIRE(other.send(tool_call("deaf", R"({"ms":4000})")));
  std::this_thread::sleep_for(100ms);
  auto const before = gateway.memory();
  auto const text = fmt::format(
      R"({{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":1,"progress":1,"message":"{}"}}}})",
      std::string(1'000'000, 'x'));
  for (int i = 0; i < 40; ++i) CHECK(one.exchange(text).status == 202);
  auto const after = gateway.memory();
  CAPTURE(before, after);
  CHECK(after < before + 12'000);
  CHECK(other.line.answer(10s).status == 200);
}

TEST_CASE("members over HTTP cannot make the gateway hold ever more connections",
          "[gateway][integration][ends]") {
  auto words = sound_script(false);
  words.acts = {{R"({"jsonrpc":"2.0","id":"@ID@","result":{"n":1}})"}};
  words.keeps = words.mute = true;
  words.answers.erase("initialize");
  auto sound = sound_script(false);
  sound.acts = words.acts;
  words.answers["initialize"] = sound.answers["initialize"];
  scripted_members members;
  members.add("m", transport::streamable_http, words);
  scripted_gateway gateway(members, {});
  wire line(gateway.port());
  auto const session = talk(line, post("/servers/m/mcp", greeting())).session;
  REQUIRE(!session.empty());
  SECTION("by never ending the streams of answers") {
    for (int i = 0; i < 400; ++i)
      REQUIRE(talk(line, post("/servers/m/mcp", act(0), fields_of(session))).body.find("\"n\":1") !=
              std::string::npos);
    std::this_thread::sleep_for(200ms);
    CHECK(members.connections() < 150);
  }
  SECTION("by never taking notifications") {
    for (int i = 0; i < 400; ++i)
      CHECK(talk(line, post("/servers/m/mcp",
                            R"({"jsonrpc":"2.0","method":"notifications/roots/list_changed"})",
                            fields_of(session)))
                .status == 202);
    std::this_thread::sleep_for(200ms);
    CHECK(members.connections() < 300);
  }
}

TEST_CASE("a connection that its member is about to close takes no call",
          "[gateway][integration][ends]") {
  auto words = sound_script(false);
  words.acts = {{R"({"jsonrpc":"2.0","id":"@ID@","result":{"n":1}})"}};
  words.rests = 2;
  scripted_members members;
  members.add("m", transport::streamable_http, words);
  scripted_gateway gateway(members, {});
  wire line(gateway.port());
  auto const session = talk(line, post("/servers/m/mcp", greeting())).session;
  auto const call = [&] {
    auto const got = talk(line, post("/servers/m/mcp", act(0), fields_of(session)));
    CHECK(got.body.find("\"n\":1") != std::string::npos);
    return members.opened();
  };
  (void)call();
  auto const warm = call();
  CHECK(call() == warm);
  std::this_thread::sleep_for(300ms);
  CHECK(call() == warm);
  std::this_thread::sleep_for(1100ms);
  CHECK(call() == warm + 1);
  CHECK(call() == warm + 1);
}

TEST_CASE("a member that is let go of keeps no connection", "[gateway][integration][ends]") {
  auto words = sound_script(false);
  words.acts = {{R"({"jsonrpc":"2.0","id":"@ID@","result":{"n":1}})"}};
  words.slow = true;
  scripted_members members;
  members.add("m", transport::streamable_http, words);
  scripted_gateway gateway(members, {});
  wire line(gateway.port());
  auto const session = talk(line, post("/servers/m/mcp", greeting())).session;
  CHECK(talk(line, post("/servers/m/mcp", act(0), fields_of(session))).status == 200);
  CHECK(members.connections() > 0);
  line.send("DELETE /servers/m/mcp HTTP/1.1\r\nHost: localhost\r\n" + fields_of(session) + "\r\n");
  CHECK(line.answer().status == 204);
  gateway.server().release("m");  // the member has still to be told that the session is over
  std::this_thread::sleep_for(800ms);
  CHECK(members.connections() == 0);
}

TEST_CASE("the gateway's own session with a member is opened anew when the member lost it",
          "[gateway][integration][ends]") {
  auto words = sound_script(false);
  words.acts = {{std::string(lose), R"({"jsonrpc":"2.0","id":"@ID@","result":{"n":1}})"}};
  for (auto const transport : {transport::streamable_http, transport::sse}) {
    CAPTURE(to_string(transport));
    scripted_members members;
    members.add("m", transport, words);
    scripted_gateway gateway(members, {});
    wire line(gateway.port());
    auto const got = talk(
        line,
        post("/servers/m/mcp",
             R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"act","arguments":)"
             R"({"i":0},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
             R"("io.modelcontextprotocol/clientCapabilities":{}}}})",
             "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: act\r\n"
             "Mcp-Param-I: 0\r\n"));
    CHECK(got.body.find("\"n\":1") != std::string::npos);
  }
}

TEST_CASE("a member's questions that cannot be told apart are bounded",
          "[gateway][integration][ends]") {
  gateway_process const gateway({odd, "call_time=30000", "member_queue=1000000"});
  session_client one(gateway.port(), "odd");
  session_client other(gateway.port(), "odd");
  // Both are known to be silent, so both may run at once.
  for (auto* const who : {&one, &other})
    for (int i = 0; i < 2; ++i) REQUIRE(who->call("deaf", R"({"ms":1})") == "heard again");
  REQUIRE(one.call("question", R"({"lines":0})") == "asked");
  auto const before = gateway.memory();
  REQUIRE(one.send(tool_call("deaf", R"({"ms":300})")));
  REQUIRE(other.send(tool_call("question", R"({"lines":200000})")));
  CHECK(one.line.answer(20s).status == 200);
  CHECK(said(other.line.answer(20s).body) == "asked");
  auto const after = gateway.memory();
  CAPTURE(before, after);
  CHECK(after < before + 16'000);
  CHECK(echoes_soon(one));
}

TEST_CASE("endless heads of chunks and endless trailers are refused",
          "[gateway][integration][ends]") {
  gateway_process const gateway({odd});
  auto const before = gateway.memory();
  std::string const head =
      "POST /servers/odd/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  std::string const piece(60'000, 'e');
  for (auto const& begin :
       {std::string("5;a="), std::string("5\r\nhello\r\n5;a="), std::string("0\r\nX-Trailer: ")}) {
    wire line(gateway.port());
    line.send(head + begin);
    bool taken = true;
    for (int i = 0; i < 400 && taken; ++i) taken = line.send(piece);  // 24 MB
    CAPTURE(begin);
    CHECK((!taken || line.closes(2s)));
    CHECK(gateway.memory() < before + 4'000);
  }
  session_client one(gateway.port(), "odd");
  CHECK(one.call("echo", R"({"text":"x"})") == "x");
}

TEST_CASE("a member that is declared anew with another transport is opened anew",
          "[gateway][integration][ends]") {
  auto first = sound_script(false);
  auto second = first;
  first.acts = {{R"({"jsonrpc":"2.0","id":"@ID@","result":{"n":"first"}})"}};
  second.acts = {{R"({"jsonrpc":"2.0","id":"@ID@","result":{"n":"second"}})"}};
  scripted_members members;
  members.add("a", transport::stdio, first);
  members.add("b", transport::streamable_http, second);
  scripted_gateway gateway(members, {});
  auto const says = [&](std::string const& name, bool modern) {
    wire line(gateway.port());
    auto const path = "/servers/" + name + "/mcp";
    if (!modern) {
      auto const session = talk(line, post(path, greeting())).session;
      return talk(line, post(path, act(0), fields_of(session))).body;
    }
    auto const request = post(
        path,
        R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"act","arguments":{"i":0},)"
        R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
        R"("io.modelcontextprotocol/clientCapabilities":{}}}})",
        "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: act\r\n"
        "Mcp-Param-I: 0\r\n");
    return talk(line, request).body;
  };
  bool const modern = GENERATE(false, true);
  CAPTURE(modern);
  CHECK(says("a", modern).find("first") != std::string::npos);
  CHECK(says("b", modern).find("second") != std::string::npos);
  members.swap_transports("a", "b");
  gateway.server().refresh();
  std::this_thread::sleep_for(300ms);
  CHECK(says("a", modern).find("second") != std::string::npos);
  CHECK(says("b", modern).find("first") != std::string::npos);
}

TEST_CASE("a member's answer that is no message fails its call at once",
          "[gateway][integration][ends]") {
  gateway_process const gateway({odd, "call_time=20000"});
  session_client one(gateway.port(), "odd");
  for (auto const* const line :
       {R"({\"jsonrpc\":\"2.0\",\"id\":ID,\"error\":\"no\"})",
        R"({\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{},\"error\":{}})",
        R"({\"jsonrpc\":\"2.0\",\"id\":ID})", R"({\"id\":ID,\"result\":{}})"}) {
    CAPTURE(line);
    std::string said;
    CHECK(seconds_of([&] {
            said = one.exchange(tool_call("write", fmt::format(R"({{"line":"{}"}})", line))).body;
          }) < 5);
    CHECK(said.find("no JSON-RPC message") != std::string::npos);
  }
}

TEST_CASE("a stateless member that asks by itself is told that it may not",
          "[gateway][integration][ends]") {
  auto words = sound_script(true);
  words.acts = {{R"({"jsonrpc":"2.0","id":77,"method":"sampling/createMessage","params":{}})",
                 R"({"jsonrpc":"2.0","id":"@ID@","result":{"resultType":"complete"}})"}};
  scripted_members members;
  members.add("m", transport::stdio, words);
  scripted_gateway gateway(members, {});
  wire line(gateway.port());
  auto const session = talk(line, post("/servers/m/mcp", greeting())).session;
  CHECK(talk(line, post("/servers/m/mcp", act(0), fields_of(session))).status == 200);
  std::this_thread::sleep_for(200ms);
  bool refused = false;
  for (auto const& text : members.heard("m"))
    if (text.find("\"id\":77") != std::string::npos && text.find("-32601") != std::string::npos)
      refused = true;
  CHECK(refused);
}
