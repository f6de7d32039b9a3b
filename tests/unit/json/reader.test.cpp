// SPDX-License-Identifier: Apache-2.0
#include <thv/json/reader.hpp>

#include <optional>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <catch2/catch_test_macros.hpp>
#include <thv/json/canonical.hpp>

namespace json = thv::json;

TEST_CASE("a reader knows where it is", "[json][unit]") {
  auto const value = boost::json::parse(R"({"a/b":[{"~":1}]})");
  json::reader const root(value, "f.json");
  CHECK(root.pointer().empty());
  CHECK(root.where() == "f.json");
  auto const list = root.find("a/b");
  REQUIRE(list);
  auto const item = list->element(0);
  auto const inner = item.find("~");
  REQUIRE(inner);
  CHECK(inner->pointer() == "/a~1b/0/~0");
  CHECK(inner->where() == "f.json: /a~1b/0/~0");
  CHECK(thv::to_string(item.fail_at("x/y", "missing")) == "f.json: /a~1b/0/x~1y: missing");
}

TEST_CASE("absent and null members leave the variable alone", "[json][unit]") {
  auto const value = boost::json::parse(R"({"null":null})");
  json::reader const r(value, "f");
  std::string text = "kept";
  CHECK(r.read("absent", text));
  CHECK(r.read("null", text));
  CHECK(text == "kept");
  CHECK_FALSE(r.has("null"));
  CHECK_FALSE(json::reader(boost::json::value(5), "f").has("a"));
}

TEST_CASE("each type is read or refused by name", "[json][unit]") {
  auto const value = boost::json::parse(
      R"({"s":"x","b":true,"i":-3,"big":18446744073709551615,"l":["a","b"],"m":{"k":"v"},"d":0.5})");
  json::reader const r(value, "f");
  auto const problem = [](thv::result<void> const& outcome) {
    REQUIRE_FALSE(outcome);
    return thv::to_string(outcome.error());
  };
  std::string s;
  bool b = false;
  std::int64_t i = 0;
  std::optional<std::string> o;
  std::vector<std::string> l;
  std::map<std::string, std::string> m;
  CHECK(r.read("s", s));
  CHECK(r.read("b", b));
  CHECK(r.read("i", i));
  CHECK(r.read("s", o));
  CHECK(r.read("l", l));
  CHECK(r.read("m", m));
  CHECK(s == "x");
  CHECK(b);
  CHECK(i == -3);
  CHECK(o == "x");
  CHECK(l == std::vector<std::string>{"a", "b"});
  CHECK(m.at("k") == "v");
  CHECK(problem(r.read("b", s)) == "f: /b: not a string but true or false");
  CHECK(problem(r.read("s", b)) == "f: /s: not true or false but a string");
  CHECK(problem(r.read("s", i)) == "f: /s: not a number but a string");
  CHECK(problem(r.read("d", i)) == "f: /d: not a whole number of 64 bits");
  CHECK(problem(r.read("big", i)) == "f: /big: not a whole number of 64 bits");
  CHECK(problem(r.read("m", l)) == "f: /m: not an array but an object");
  CHECK(problem(r.read("l", m)) == "f: /l: not an object but an array");
}

TEST_CASE("canonical text sorts keys at every level", "[json][unit]") {
  CHECK(json::canonical(boost::json::parse(R"({"b":[{"d":1,"c":"\"\n"}],"a":null,"":1.5})")) ==
        R"({"":1.5E0,"a":null,"b":[{"c":"\"\n","d":1}]})");
  CHECK(json::canonical(boost::json::parse("[]")) == "[]");
}
