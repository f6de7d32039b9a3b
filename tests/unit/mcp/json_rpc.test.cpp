// SPDX-License-Identifier: Apache-2.0
#include <thv/mcp/json_rpc.hpp>

#include <boost/json/parse.hpp>
#include <catch2/catch_test_macros.hpp>

using namespace thv::mcp;
namespace json = boost::json;
using kind = rpc_message::kind;

TEST_CASE("every kind of message is told apart", "[mcp][unit]") {
  auto const one = [](std::string_view text) { return parse_messages(text).value().at(0); };
  auto const request = one(R"({"jsonrpc":"2.0","id":"a","method":"ping","params":{"x":1}})");
  CHECK(request.is == kind::request);
  CHECK(request.id == "a");
  CHECK(request.method == "ping");
  CHECK(request.params.at("x") == 1);
  CHECK(one(R"({"jsonrpc":"2.0","method":"n"})").is == kind::notification);
  auto const response = one(R"({"jsonrpc":"2.0","id":4,"result":{"ok":true}})");
  CHECK(response.is == kind::response);
  CHECK(response.result.at("ok") == true);
  auto const refusal =
      one(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"no","data":[1]}})");
  CHECK(refusal.is == kind::error_response);
  CHECK(refusal.id.is_null());
  CHECK(refusal.error.code == rpc_code::method_not_found);
  CHECK(refusal.error.message == "no");
  CHECK(refusal.error.data.is_array());
}

TEST_CASE("an error's code may be written as a fraction, and be absurd", "[mcp][unit]") {
  auto const code = [](std::string const& number) {
    return parse_messages(R"({"jsonrpc":"2.0","id":1,"error":{"message":"no","code":)" + number +
                          "}}")
        .value()
        .at(0)
        .error.code;
  };
  CHECK(code("-32601.0") == -32601);
  for (auto const* const absurd : {"1e300", "-1e300", "1e400"}) CHECK(code(absurd) == 0);
}

TEST_CASE("a batch is several messages", "[mcp][unit]") {
  auto const batch =
      parse_messages(R"([{"jsonrpc":"2.0","method":"n"},{"jsonrpc":"2.0","id":1,"result":{}}])");
  REQUIRE(batch);
  CHECK(batch->size() == 2);
}

TEST_CASE("what is no JSON-RPC is refused with a reason", "[mcp][unit]") {
  for (std::string_view text :
       {"", "Server ready", "[]", "1", "{}", R"({"jsonrpc":"1.0","id":1,"result":{}})",
        R"({"jsonrpc":"2.0","id":1})", R"({"jsonrpc":"2.0","result":{}})",
        R"({"jsonrpc":"2.0","id":1,"error":"x"})", R"({"jsonrpc":"2.0","method":1})",
        R"({"jsonrpc":"2.0","method":"x"} trailing)",
        "{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}"}) {
    auto const outcome = parse_messages(text);
    INFO(text);
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().code == thv::errc::engine);
    CHECK(outcome.error().message.find("Server ready") == std::string::npos);
  }
}

TEST_CASE("schemas may nest deeply, but not without end", "[mcp][unit]") {
  auto const nested = [](int depth) {
    return R"({"jsonrpc":"2.0","id":1,"result":)" + std::string(depth, '[') +
           std::string(depth, ']') + "}";
  };
  CHECK(parse_messages(nested(200)));
  CHECK_FALSE(parse_messages(nested(100'000)));
}

TEST_CASE("messages of ours are single lines that read back", "[mcp][unit]") {
  for (auto const& text :
       {request_text(5, "initialize", json::object{{"a", "x\ny"}}),
        request_text(6, "ping", nullptr), notification_text("notifications/initialized"),
        response_text("id", {{"roots", json::array()}}),
        error_text(3, rpc_code::method_not_found, "no\nsuch")}) {
    CHECK(text.find('\n') == std::string::npos);
    CHECK(parse_messages(text));
  }
  CHECK_FALSE(json::parse(request_text(6, "ping", nullptr)).as_object().contains("params"));
}

TEST_CASE("quotes are short, cut between characters and without control characters",
          "[mcp][unit]") {
  CHECK(quoted("a\tb\x1b[31m") == "a b [31m");
  CHECK(quoted("äää", 3) == "ä…");
  CHECK(quoted("äää", 4) == "ää…");
  CHECK(quoted(std::string(300, 'x')) == std::string(200, 'x') + "…");
  CHECK(quoted("\x80\x80", 1) == "…");
}
