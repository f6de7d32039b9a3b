// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/message.hpp>

#include <string>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace thv::gateway;

namespace {

message_fault fault_of(std::string_view text) {
  message_scanner scanner;
  message found;
  return scanner.scan(text, found);
}

}  // namespace

TEST_CASE("a request is taken apart where it stands", "[gateway][unit]") {
  message_scanner scanner;
  message m;
  std::string const text =
      R"({"jsonrpc":"2.0","id":"a1","method":"tools/call","params":{"name":"echo",)"
      R"("arguments":{"id":7,"method":"x"},"_meta":{"progressToken":12}}})";
  REQUIRE(scanner.scan(text, m) == message_fault::none);
  CHECK(m.kind == message_kind::request);
  CHECK(m.id == "\"a1\"");
  CHECK(m.method == "tools/call");
  CHECK(m.name == "echo");
  CHECK(m.progress_token == "12");
  CHECK_FALSE(m.reserved_meta);
  CHECK(m.id.data() > text.data());
  std::string out;
  append_with(out, m.text, {m.progress_token, "99"}, {m.id, "5"});
  CHECK(out == R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo",)"
               R"("arguments":{"id":7,"method":"x"},"_meta":{"progressToken":99}}})");
}

TEST_CASE("every kind of message is told apart", "[gateway][unit]") {
  message_scanner scanner;
  message m;
  REQUIRE(scanner.scan(R"({"jsonrpc":"2.0","method":"notifications/initialized"})", m) ==
          message_fault::none);
  CHECK(m.kind == message_kind::notification);
  REQUIRE(scanner.scan(R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required"}})", m) ==
          message_fault::none);
  CHECK(m.kind == message_kind::response);
  CHECK(m.result_type == "input_required");
  REQUIRE(scanner.scan(R"({"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":""}})", m) ==
          message_fault::none);
  CHECK(m.kind == message_kind::error_response);
  CHECK(m.id.empty());
}

TEST_CASE("a member's own request with a small id is no answer", "[gateway][unit]") {
  message_scanner scanner;
  message m;
  REQUIRE(scanner.scan(R"({"jsonrpc":"2.0","id":0,"method":"roots/list"})", m) ==
          message_fault::none);
  CHECK(m.kind == message_kind::request);
}

TEST_CASE("escaped ids keep their spelling and escaped keys are read", "[gateway][unit]") {
  message_scanner scanner;
  message m;
  REQUIRE(scanner.scan(R"({"jsonrpc":"2.0","id":"\u0061b\"c\\","method":"ping"})", m) ==
          message_fault::none);
  CHECK(m.id == R"("\u0061b\"c\\")");
  REQUIRE(scanner.scan(R"({"jsonrpc":"2.0","\u0069d":4,"method":"tools\/call"})", m) ==
          message_fault::none);
  CHECK(m.kind == message_kind::request);
  CHECK(m.id == "4");
  CHECK(m.method == "tools/call");
}

TEST_CASE("keys that route may stand only once", "[gateway][unit]") {
  auto const text = GENERATE(
      R"({"jsonrpc":"2.0","id":1,"id":2,"method":"ping"})",
      R"({"jsonrpc":"2.0","id":1,"\u0069d":2,"method":"ping"})",
      R"({"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"})",
      R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"x","name":"y"}})",
      R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"_meta":{},"_meta":{}}})",
      R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"_meta":{"progressToken":1,"progressToken":2}}})");
  CHECK(fault_of(text) == message_fault::duplicate);
}

TEST_CASE("what is no message is refused", "[gateway][unit]") {
  CHECK(fault_of("") == message_fault::syntax);
  CHECK(fault_of("{") == message_fault::syntax);
  CHECK(fault_of(R"({"jsonrpc":"2.0","id":1,"method":"a"} x)") == message_fault::syntax);
  CHECK(fault_of(R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"a":tru}})") ==
        message_fault::syntax);
  CHECK(fault_of("[]") == message_fault::batch);
  CHECK(fault_of(R"([{"jsonrpc":"2.0","id":1,"method":"a"}])") == message_fault::batch);
  auto const text = GENERATE(
      R"(1)", R"("x")", R"({})", R"({"jsonrpc":"1.0","id":1,"method":"a"})",
      R"({"id":1,"method":"a"})", R"({"jsonrpc":"2.0","id":{},"method":"a"})",
      R"({"jsonrpc":"2.0","id":true,"method":"a"})", R"({"jsonrpc":"2.0","id":null,"method":"a"})",
      R"({"jsonrpc":"2.0","id":1,"method":7})",
      R"({"jsonrpc":"2.0","id":1,"method":"a","params":[]})",
      R"({"jsonrpc":"2.0","id":1,"result":{},"error":{}})", R"({"jsonrpc":"2.0","result":{}})",
      R"({"jsonrpc":"2.0","id":1,"method":"a","result":{}})");
  CHECK(fault_of(text) == message_fault::invalid);
}

TEST_CASE("a number that no double holds is refused, and whose it is stays known",
          "[gateway][unit]") {
  message_scanner scanner;
  message in;
  auto const* const number = R"({"jsonrpc":"2.0","id":7,"error":{"code":-3e2002,"message":"m"}})";
  CHECK(scanner.scan(number, in) == message_fault::range);
  CHECK(in.kind == message_kind::error_response);
  CHECK(in.id == "7");
  CHECK(fault_of(R"({"jsonrpc":"2.0","id":1e400,"method":"a"})") == message_fault::range);
  CHECK(fault_of(R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"x":-0e2003}})") ==
        message_fault::range);
  CHECK(fault_of(R"({"jsonrpc":"2.0","\u0069d":1,"method":"a","params":{"x":1e400}})") ==
        message_fault::range);
  CHECK(fault_of(R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"x":)" + std::string(310, '9') +
                 "}}") == message_fault::range);
  CHECK(fault_of(R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1.7e308,"y":1e-999}})") ==
        message_fault::none);
}

TEST_CASE("of what is no message it stays known what it was to answer", "[gateway][unit]") {
  for (auto const* const text :
       {R"({"jsonrpc":"2.0","id":7,"error":"no"})", R"({"jsonrpc":"2.0","id":7})",
        R"({"id":7,"result":{}})", R"({"jsonrpc":"2.0","id":7,"result":{},"error":{}})",
        R"({"jsonrpc":"2.0","\u0069d":7,"error":5})"}) {
    message_scanner scanner;
    message in;
    CAPTURE(text);
    CHECK(scanner.scan(text, in) == message_fault::invalid);
    CHECK(in.id == "7");
    CHECK(in.method.empty());
  }
}

TEST_CASE("deep nesting ends in a fault, not in a crash", "[gateway][unit]") {
  std::string text = R"({"jsonrpc":"2.0","id":1,"method":"a","params":{"x":)";
  CHECK(fault_of(text + std::string(100'000, '[')) == message_fault::syntax);
  CHECK(fault_of(text + std::string(400, '[') + std::string(400, ']') + "}}") ==
        message_fault::none);
}

TEST_CASE("keys of the protocol's own are seen in _meta alone", "[gateway][unit]") {
  message_scanner scanner;
  message m;
  REQUIRE(scanner.scan(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":)"
                       R"({"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}})",
                       m) == message_fault::none);
  CHECK(m.reserved_meta);
  CHECK(m.revision == "2026-07-28");
  REQUIRE(scanner.scan(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":)"
                       R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"x"}}}})",
                       m) == message_fault::none);
  CHECK_FALSE(m.reserved_meta);
  CHECK(m.revision.empty());
}

TEST_CASE("white space around and inside is fine", "[gateway][unit]") {
  message_scanner scanner;
  message m;
  std::string text = " {\n \"jsonrpc\" : \"2.0\",\r\n\t\"id\" : 3 , \"method\":\"ping\" }\n";
  REQUIRE(scanner.scan(text, m) == message_fault::none);
  CHECK(m.id == "3");
  make_one_line(text.data(), text.data() + text.size());
  CHECK(text.find_first_of("\r\n") == std::string::npos);
  CHECK(scanner.scan(text, m) == message_fault::none);
}
