// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/translate.hpp>

#include <string>

#include <catch2/catch_test_macros.hpp>

using namespace thv::gateway;

namespace {

/// The same JSON, whatever its order and white space.
bool same(std::string_view a, std::string_view b) {
  return parsed(a) == parsed(b) && !parsed(a).is_null();
}

}  // namespace

TEST_CASE("a session's request gets what a stateless member needs", "[gateway][unit]") {
  std::string const text =
      R"({"jsonrpc":"2.0","id":"mine","method":"tools/call","params":{"name":"t","arguments":)"
      R"({"a":1},"_meta":{"progressToken":"p","mine":2,"io.modelcontextprotocol/clientInfo":"lie",)"
      R"("com.example.mcp/kept":3}}})";
  envelope from{R"({"name":"c","version":"1"})", R"({"sampling":{},"tasks":{}})", "info"};
  CHECK(same(stateless_request(text, "77", "78", from),
             R"({"jsonrpc":"2.0","id":77,"method":"tools/call","params":{"name":"t","arguments":)"
             R"({"a":1},"_meta":{"progressToken":78,"mine":2,"com.example.mcp/kept":3,)"
             R"("io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
             R"("io.modelcontextprotocol/clientCapabilities":{"sampling":{}},)"
             R"("io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},)"
             R"("io.modelcontextprotocol/logLevel":"info"}}})"));
  CHECK(same(stateless_request(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})", "5", "", {}),
             R"({"jsonrpc":"2.0","id":5,"method":"tools/list","params":{"_meta":{)"
             R"("io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
             R"("io.modelcontextprotocol/clientCapabilities":{}}}})"));
}

TEST_CASE("another round bears the answers and the state as it was", "[gateway][unit]") {
  std::string const text =
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}})";
  auto const retry =
      parsed(stateless_retry(text, "2", "", {}, R"({"k":{"action":"accept"}})", "opaque \" state"));
  REQUIRE(member_at(retry, {"params", "requestState"}));
  CHECK(*member_at(retry, {"params", "requestState"}) == "opaque \" state");
  CHECK(*member_at(retry, {"params", "inputResponses", "k", "action"}) == "accept");
  CHECK_FALSE(
      member_at(parsed(stateless_retry(text, "2", "", {}, "{}", "")), {"params", "requestState"}));
}

TEST_CASE("a stateless request loses what only its era has", "[gateway][unit]") {
  std::string const text =
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","inputResponses":{},)"
      R"("requestState":"s","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
      R"("dev.mcp/x":1,"io.modelcontextprotocol/related-task":{"taskId":"7"}}}})";
  CHECK(same(legacy_request(text, "9", ""),
             R"({"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"t",)"
             R"("_meta":{"io.modelcontextprotocol/related-task":{"taskId":"7"}}}})"));
}

TEST_CASE("answers cross from one era to the other", "[gateway][unit]") {
  CHECK(same(stateless_answer(
                 R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","execution":{}}]}})",
                 "\"c\"", "tools/list", R"({"name":"s","version":"1"})"),
             R"({"jsonrpc":"2.0","id":"c","result":{"resultType":"complete","ttlMs":0,)"
             R"("cacheScope":"private","tools":[{"name":"a"}],"_meta":{)"
             R"("io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}}})"));
  CHECK(same(stateless_answer(R"({"jsonrpc":"2.0","id":1,"result":{"content":[]}})", "2",
                              "tools/call", ""),
             R"({"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","content":[]}})"));
  CHECK(same(
      stateless_answer(
          R"({"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"m","data":{"uri":"u"}}})",
          "3", "resources/read", ""),
      R"({"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"m","data":{"uri":"u"}}})"));
  CHECK(same(
      legacy_answer(
          R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","ttlMs":5,)"
          R"("cacheScope":"public","contents":[],"_meta":{"io.modelcontextprotocol/serverInfo":{}}}})",
          "\"c\"", "resources/read"),
      R"({"jsonrpc":"2.0","id":"c","result":{"contents":[]}})"));
}

TEST_CASE("structured content that is no object is wrapped for sessions", "[gateway][unit]") {
  CHECK(same(legacy_answer(R"({"jsonrpc":"2.0","id":1,"result":{"structuredContent":[1,2]}})", "1",
                           "tools/call"),
             R"({"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"result":[1,2]},)"
             R"("content":[{"type":"text","text":"[1,2]"}]}})"));
  std::string const with =
      R"({"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"a":1},"content":[]}})";
  CHECK(same(legacy_answer(with, "1", "tools/call"), with));
}

TEST_CASE("a greeting is made from what a member of either era said", "[gateway][unit]") {
  std::string const discovered =
      R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},)"
      R"("extensions":{"x":{}},"tasks":{}},"instructions":"do","ttlMs":0,"cacheScope":"private",)"
      R"("_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}})";
  std::string const initialized =
      R"({"protocolVersion":"2025-06-18","capabilities":{"tools":{},"tasks":{}},)"
      R"("serverInfo":{"name":"s","version":"1"},"instructions":"do"})";
  std::string const wanted = R"({"protocolVersion":"2025-03-26","capabilities":{"tools":{}},)"
                             R"("serverInfo":{"name":"s","version":"1"},"instructions":"do"})";
  CHECK(same(initialize_result(discovered, "2025-03-26", true), wanted));
  CHECK(same(initialize_result(initialized, "2025-03-26", true), wanted));
  for (auto const* const unknown : {"2026-07-28", "1999-01-01", ""})
    CHECK(*member_at(parsed(initialize_result(discovered, unknown, true)), {"protocolVersion"}) ==
          boost::json::string_view(newest_legacy.data(), newest_legacy.size()));
  auto const found = parsed(discover_result(initialized));
  CHECK(*member_at(found, {"supportedVersions"}) == boost::json::array{"2026-07-28"});
  CHECK(*member_at(found, {"_meta", "io.modelcontextprotocol/serverInfo", "name"}) == "s");
  CHECK_FALSE(member_at(found, {"capabilities", "tasks"}));
  CHECK(*member_at(found, {"ttlMs"}) == 0);
  CHECK(same(server_info(discovered), server_info(initialized)));
  CHECK(server_info("{}").empty());
}

TEST_CASE("only the protocol's own keys of _meta stay behind", "[gateway][unit]") {
  auto const cleaned = parsed(without_reserved_meta(
      R"({"params":{"_meta":{"io.modelcontextprotocol/a":1,"dev.mcp/b":2,"com.mcp.tools/c":3,)"
      R"("com.example.mcp/d":4,"mcp/e":5,"modelcontextprotocol":6,"traceparent":"t"}}})"));
  CHECK(*member_at(cleaned, {"params", "_meta"}) ==
        parsed(R"({"com.example.mcp/d":4,"mcp/e":5,"modelcontextprotocol":6,"traceparent":"t"})"));
  CHECK(without_reserved_meta("no JSON") == "no JSON");
  CHECK(same(tagged_notification("notifications/resources/updated", "a:b\"", "\"listen:0\""),
             R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{)"
             R"("uri":"a:b\"","_meta":{"io.modelcontextprotocol/subscriptionId":"listen:0"}}})"));
}

TEST_CASE("the revisions with sessions are known by name", "[gateway][unit]") {
  for (auto const* const one : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"})
    CHECK(is_legacy_revision(one));
  for (auto const* const other : {"2026-07-28", "", "2025-11-2", "2025-11-25 "})
    CHECK_FALSE(is_legacy_revision(other));
}
