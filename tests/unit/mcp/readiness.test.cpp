// SPDX-License-Identifier: Apache-2.0
#include <thv/mcp/readiness.hpp>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch_test_macros.hpp>
#include <thv/version.hpp>

using namespace thv::mcp;
namespace json = boost::json;

namespace {

rpc_message message(std::string_view text) {
  return parse_messages(text).value().at(0);
}

json::object sent(outgoing_message const& out) {
  return json::parse(out.text).as_object();
}

rpc_message answer(outgoing_message const& out, std::string_view result) {
  return message(fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{}}})",
                             sent(out).at("id").as_int64(), result));
}

rpc_message refuse(outgoing_message const& out, int code, std::string_view data = "null") {
  return message(fmt::format(
      R"({{"jsonrpc":"2.0","id":{},"error":{{"code":{},"message":"its words","data":{}}}}})",
      sent(out).at("id").as_int64(), code, data));
}

constexpr std::string_view with_tools =
    R"({"protocolVersion":"2025-06-18","capabilities":{"tools":{}},
        "serverInfo":{"name":"s","version":"3"}})";
constexpr std::string_view discovered =
    R"({"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"resultType":"complete",
        "_meta":{"io.modelcontextprotocol/serverInfo":{"name":"m","version":"1"}}})";

/// An exchange that has asked for the tools; `out` is that request.
struct listing {
  readiness_exchange exchange{{41}};
  outgoing_message out;

  listing() {
    auto first = exchange.start();
    out = exchange.feed(answer(first.send.at(0), with_tools)).send.at(1);
  }
};

}  // namespace

TEST_CASE("a server is initialised and its tools are listed", "[mcp][unit]") {
  readiness_exchange exchange({41});
  auto step = exchange.start();
  REQUIRE(step.send.size() == 1);
  auto const hello = sent(step.send[0]);
  CHECK(hello.at("method") == "initialize");
  CHECK(hello.at("id") == 41);
  CHECK(hello.at("params").at("protocolVersion") == "2025-11-25");
  CHECK(hello.at("params").at("clientInfo") ==
        json::value{{"name", "thv-engine"}, {"version", thv::version()}});
  CHECK(hello.at("params").at("capabilities") ==
        json::parse(R"({"roots":{"listChanged":true},"sampling":{},"elicitation":{}})"));
  CHECK(step.send[0].protocol_version.empty());
  CHECK(exchange.awaits() == "initialize");

  step = exchange.feed(answer(step.send[0], with_tools));
  REQUIRE(step.send.size() == 2);
  CHECK(sent(step.send[0]).at("method") == "notifications/initialized");
  CHECK_FALSE(step.send[0].wants_answer);
  CHECK(sent(step.send[1]).at("method") == "tools/list");
  CHECK(sent(step.send[1]).at("id") == 42);
  CHECK(step.send[1].protocol_version == "2025-06-18");
  CHECK_FALSE(step.send[1].stateless);

  step = exchange.feed(answer(step.send[1], R"({"tools":[{"name":"a"},{"name":"b"}]})"));
  REQUIRE(step.outcome);
  auto const& found = step.outcome->value();
  CHECK(found.protocol_version == "2025-06-18");
  CHECK(found.server_name == "s");
  CHECK(found.server_version == "3");
  CHECK(found.tools == std::vector<std::string>{"a", "b"});
  CHECK(json::parse(found.initialize_result) ==
        json::parse(json::string_view(with_tools.data(), with_tools.size())));
}

TEST_CASE("a server without tools is ready with none", "[mcp][unit]") {
  readiness_exchange exchange({1});
  auto step = exchange.start();
  step = exchange.feed(
      answer(step.send[0], R"({"protocolVersion":"2025-11-25","capabilities":{"prompts":{}}})"));
  REQUIRE(step.outcome);
  CHECK(step.outcome->value().tools.empty());
  REQUIRE(step.send.size() == 1);
  CHECK(step.send[0].method == "notifications/initialized");
}

TEST_CASE("the pages of a list are followed by their cursors", "[mcp][unit]") {
  listing l;
  auto step = l.exchange.feed(answer(l.out, R"({"tools":[{"name":"a"}],"nextCursor":"p2"})"));
  REQUIRE(step.send.size() == 1);
  CHECK(sent(step.send[0]).at("params").at("cursor") == "p2");
  SECTION("to the end") {
    step = l.exchange.feed(answer(step.send[0], R"({"tools":[{"name":"b"}]})"));
    CHECK(step.outcome->value().tools == std::vector<std::string>{"a", "b"});
  }
  SECTION("but not in a circle") {
    step = l.exchange.feed(answer(step.send[0], R"({"tools":[],"nextCursor":"p2"})"));
    REQUIRE(step.outcome);
    CHECK(step.outcome->error().message.find("same cursor twice") != std::string::npos);
  }
  SECTION("nor for ever") {
    int pages = 1;
    while (!step.outcome && pages < 2000)
      step = l.exchange.feed(
          answer(step.send.at(0), fmt::format(R"({{"tools":[],"nextCursor":"n{}"}})", ++pages)));
    REQUIRE(step.outcome);
    CHECK(pages == 1000);
    CHECK(step.outcome->error().message.find("1000 pages") != std::string::npos);
  }
}

TEST_CASE("a list that changed while it was read is read again", "[mcp][unit]") {
  listing l;
  auto const changed = message(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
  CHECK(l.exchange.feed(changed).send.empty());
  auto step = l.exchange.feed(answer(l.out, R"({"tools":[{"name":"a"}]})"));
  REQUIRE(step.send.size() == 1);
  step = l.exchange.feed(answer(step.send[0], R"({"tools":[{"name":"a"},{"name":"b"}]})"));
  CHECK(step.outcome->value().tools == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a list that always changes is taken as it is in the end", "[mcp][unit]") {
  listing l;
  readiness_step step{{l.out}, {}};
  int rounds = 0;
  while (!step.outcome && rounds < 10) {
    (void)l.exchange.feed(
        message(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})"));
    step = l.exchange.feed(answer(step.send.at(0), R"({"tools":[]})"));
    ++rounds;
  }
  CHECK(rounds == 3);
}

TEST_CASE("requests of the server are answered at any time", "[mcp][unit]") {
  readiness_exchange exchange({1});
  auto const hello = exchange.start();
  auto const reply = [&](std::string_view method) {
    auto const step = exchange.feed(
        message(fmt::format(R"({{"jsonrpc":"2.0","id":"q","method":"{}"}})", method)));
    REQUIRE(step.send.size() == 1);
    CHECK(step.send[0].method.empty());
    CHECK_FALSE(step.send[0].wants_answer);
    CHECK(sent(step.send[0]).at("id") == "q");
    return sent(step.send[0]);
  };
  CHECK(reply("ping").at("result") == json::object());
  CHECK(reply("roots/list").at("result") == json::parse(R"({"roots":[]})"));
  CHECK(reply("sampling/createMessage").at("error").at("code") == rpc_code::method_not_found);
  CHECK(exchange.feed(answer(hello.send[0], with_tools)).send.size() == 2);
}

TEST_CASE("answers to requests of others are not ours", "[mcp][unit]") {
  listing l;
  for (std::string_view other : {R"({"jsonrpc":"2.0","id":3,"result":{"tools":[{"name":"x"}]}})",
                                 R"({"jsonrpc":"2.0","id":"42","result":{"tools":[{"name":"x"}]}})",
                                 R"({"jsonrpc":"2.0","id":3,"error":{"code":1,"message":"m"}})"}) {
    auto const step = l.exchange.feed(message(other));
    CHECK(step.send.empty());
    CHECK_FALSE(step.outcome);
  }
  CHECK(l.exchange.feed(answer(l.out, R"({"tools":[]})")).outcome);
}

TEST_CASE("an error without an id is ours unless the stream was left dirty", "[mcp][unit]") {
  auto const stray =
      message(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}})");
  for (bool const dirty : {false, true}) {
    readiness_exchange exchange({1, true, dirty});
    (void)exchange.start();
    CHECK(exchange.feed(stray).outcome.has_value() == !dirty);
  }
}

TEST_CASE("a server of the stateless revision is discovered", "[mcp][unit]") {
  for (int const code : {-32601, -32602, -32022, -32020, -32000}) {
    readiness_exchange exchange({7});
    auto step = exchange.start();
    step = exchange.feed(refuse(step.send[0], code));
    REQUIRE(step.send.size() == 1);
    CHECK(exchange.awaits() == "server/discover");
    auto const ask = sent(step.send[0]);
    CHECK(ask.at("method") == "server/discover");
    auto const& metadata = ask.at("params").at("_meta").as_object();
    CHECK(metadata.at("io.modelcontextprotocol/protocolVersion") == "2026-07-28");
    CHECK(metadata.at("io.modelcontextprotocol/clientInfo").at("name") == "thv-engine");
    CHECK(metadata.at("io.modelcontextprotocol/clientCapabilities").as_object().size() == 3);
    CHECK(step.send[0].stateless);
    CHECK(step.send[0].protocol_version == "2026-07-28");

    step = exchange.feed(answer(step.send[0], discovered));
    REQUIRE(step.send.size() == 1);
    CHECK(sent(step.send[0]).at("params").as_object().contains("_meta"));
    step =
        exchange.feed(answer(step.send[0], R"({"resultType":"complete","tools":[{"name":"t"}]})"));
    auto const& found = step.outcome.value().value();
    CHECK(found.protocol_version == "2026-07-28");
    CHECK(found.server_name == "m");
    CHECK(found.tools == std::vector<std::string>{"t"});
  }
}

TEST_CASE("a server that refuses both is shown with its answer to initialize", "[mcp][unit]") {
  readiness_exchange exchange({7});
  auto step = exchange.start();
  step = exchange.feed(refuse(step.send[0], -32603));
  step = exchange.feed(refuse(step.send[0], -32601));
  REQUIRE(step.outcome);
  CHECK(step.outcome->error() == thv::error{thv::errc::engine,
                                            "the server refused initialize (code -32603)", "", "",
                                            "its words"});
}

TEST_CASE("revisions that are not ours are named", "[mcp][unit]") {
  readiness_exchange exchange({7});
  auto step = exchange.start();
  SECTION("by initialize") {
    step = exchange.feed(
        answer(step.send[0], R"({"protocolVersion":"2031-01-01","capabilities":{}})"));
    CHECK(step.outcome.value().error().message.find("'2031-01-01'") != std::string::npos);
  }
  SECTION("by server/discover") {
    step = exchange.feed(refuse(step.send[0], -32022));
    step = exchange.feed(answer(step.send[0], R"({"supportedVersions":["2031-01-01","x"]})"));
    CHECK(step.outcome.value().error().message.find("'2031-01-01, x'") != std::string::npos);
  }
  SECTION("by a refusal") {
    step = exchange.feed(refuse(step.send[0], -32022));
    step = exchange.feed(refuse(step.send[0], -32022, R"({"supported":["2031-01-01"]})"));
    CHECK(step.outcome.value().error().message.find("'2031-01-01'") != std::string::npos);
  }
  CHECK(step.outcome->error().hint.find("2025-11-25") != std::string::npos);
}

TEST_CASE("an initialised server is asked for its tools alone", "[mcp][unit]") {
  readiness_exchange exchange({900, true});
  auto step = exchange.start();
  REQUIRE(step.send.size() == 1);
  CHECK(sent(step.send[0]).at("method") == "tools/list");
  CHECK(sent(step.send[0]).at("id") == 900);
  SECTION("and answers") {
    step = exchange.feed(answer(step.send[0], R"({"tools":[{"name":"a"}]})"));
    CHECK(step.outcome.value().value().tools == std::vector<std::string>{"a"});
    CHECK(step.outcome->value().initialize_result.empty());
  }
  SECTION("and has none") {
    step = exchange.feed(refuse(step.send[0], -32601));
    CHECK(step.outcome.value().value().tools.empty());
  }
  SECTION("and is one of the stateless revision") {
    step = exchange.feed(refuse(step.send[0], -32022));
    REQUIRE(step.send.size() == 1);
    CHECK(sent(step.send[0]).at("params").as_object().contains("_meta"));
    step = exchange.feed(answer(step.send[0], R"({"tools":[{"name":"t"}]})"));
    CHECK(step.outcome.value().value().protocol_version == "2026-07-28");
  }
  SECTION("and fails") {
    step = exchange.feed(refuse(step.send[0], -32603));
    CHECK(step.outcome.value().error().engine_message == "its words");
  }
}

TEST_CASE("results of a wrong shape are refused in words", "[mcp][unit]") {
  for (std::string_view result :
       {"1", "{}", R"({"tools":{}})", R"({"tools":[1]})", R"({"tools":[{}]})",
        R"({"tools":[{"name":7}]})", R"({"tools":[],"resultType":"input_required"})"}) {
    listing l;
    auto const step = l.exchange.feed(answer(l.out, result));
    INFO(result);
    REQUIRE(step.outcome);
    CHECK(step.outcome->error().code == thv::errc::engine);
    CHECK(step.outcome->error().message.find("tools/list") != std::string::npos);
  }
  readiness_exchange exchange({1});
  auto const hello = exchange.start();
  CHECK(exchange.feed(answer(hello.send[0], "{}")).outcome.value().error().message ==
        "the server's result of initialize has no protocolVersion");
}
