// SPDX-License-Identifier: Apache-2.0
#include <thv/json/parse.hpp>

#include <string>
#include <string_view>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch_test_macros.hpp>

namespace {

std::string problem(std::string_view text, thv::json::limits const& l = {}) {
  auto const r = thv::json::parse(text, "a.json", l);
  REQUIRE_FALSE(r);
  return thv::to_string(r.error());
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

TEST_CASE("a document gives the value that plain Boost.JSON gives", "[json][unit]") {
  for (std::string_view const text :
       {R"({"a":[1,-2,18446744073709551615,1.5e3,true,false,null,"x\n\u00e9"],"b":{}})", "[]", "5",
        "\"s\"", " { } \n"}) {
    auto const r = thv::json::parse(text, "a.json");
    REQUIRE(r);
    CHECK(*r == boost::json::parse(text));
  }
}

TEST_CASE("keys and strings longer than the parser's buffer are whole", "[json][unit]") {
  auto const long_text = std::string(100'000, 'k') + "\\n" + std::string(5'000, 'v');
  auto const text = "{\"" + long_text + "\":\"" + long_text + "\"}";
  auto const r = thv::json::parse(text, "a.json");
  REQUIRE(r);
  CHECK(*r == boost::json::parse(text));
}

TEST_CASE("a byte order mark is skipped", "[json][unit]") {
  CHECK(thv::json::parse("\xEF\xBB\xBF{}", "a.json"));
}

TEST_CASE("bad syntax is shown with line and column", "[json][unit]") {
  CHECK(problem("{\n  \"a\": 1,\n  oops\n}") == "a.json:3:3: not valid JSON: syntax error");
  CHECK(problem("{\"a\": }") == "a.json:1:7: not valid JSON: syntax error");
  CHECK(problem("{\"a\": 1,}") == "a.json:1:9: not valid JSON: syntax error");
  CHECK(problem("") == "a.json:1:1: not valid JSON: incomplete JSON");
  CHECK(problem("{\"a\": [1, 2").starts_with("a.json:1:12: not valid JSON: incomplete"));
  CHECK(problem("{} {}") == "a.json:1:4: not valid JSON: extra data");
  CHECK(problem("\"\xff\"").starts_with("a.json:1:"));
  CHECK(problem("{\"a\": 1} // comment").starts_with("a.json:1:10: not valid JSON"));
}

TEST_CASE("deep nesting is an error, however deep", "[json][unit]") {
  CHECK(thv::json::parse(nested(128), "a.json"));
  CHECK(problem(nested(129)) == "a.json:1:129: nested deeper than 128 levels");
  CHECK(problem(nested(10'000)) == "a.json:1:129: nested deeper than 128 levels");
  CHECK(problem(std::string(10'000'000, '[')) == "a.json:1:129: nested deeper than 128 levels");
  std::string objects;
  for (int i = 0; i < 10'000; ++i) objects += "{\"a\":";
  CHECK(problem(objects).ends_with("nested deeper than 128 levels"));
}

TEST_CASE("a document over the limits is refused", "[json][unit]") {
  CHECK(problem("[1,2,3]", {.bytes = 6}) == "a.json: document of 7 bytes, the limit is 6");
  CHECK(problem(std::string((std::size_t(64) << 20) + 1, ' ')) ==
        "a.json: document of 67108865 bytes, the limit is 67108864");
  CHECK(thv::json::parse("[1,2,3]", "a.json", {.values = 4}));
  CHECK(problem("[1,2,3]", {.values = 3}).ends_with("more than 3 values"));
}

TEST_CASE("a key that stands twice in an object is an error at its pointer", "[json][unit]") {
  CHECK(problem(R"({"a":1,"b":2,"a":3})") == "a.json: /a: duplicate key");
  CHECK(problem(R"({"x":[0,{"a/b":{"c":1,"d":{},"c":[]}}]})") ==
        "a.json: /x/1/a~1b/c: duplicate key");
  CHECK(problem(R"([{"a":1},{"a":1,"\u0061":2}])") == "a.json: /1/a: duplicate key");
  CHECK(problem(R"({"":1,"":2})") == "a.json: /: duplicate key");
  SECTION("also where the dropped value had members of its own") {
    CHECK(problem(R"({"a":{"b":1,"c":{"d":2}},"a":{}})") == "a.json: /a: duplicate key");
  }
  SECTION("the same key in different objects is none") {
    CHECK(thv::json::parse(R"({"a":{"a":{"a":[{"a":1},{"a":1}]}}})", "a.json"));
  }
  SECTION("among many keys") {
    std::string text = "{";
    for (int i = 0; i < 10'000; ++i) text += "\"k" + std::to_string(i) + "\":" + "{\"v\":1},";
    CHECK(problem(text + "\"k5000\":0}") == "a.json: /k5000: duplicate key");
    CHECK(thv::json::parse(text + "\"last\":0}", "a.json"));
  }
}
