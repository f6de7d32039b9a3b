// SPDX-License-Identifier: Apache-2.0
#include <thv/registry/validate.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

namespace registry = thv::registry;

namespace {

std::vector<std::string> lines(std::vector<registry::finding> const& findings) {
  std::vector<std::string> out;
  for (auto const& f : findings)
    out.push_back((f.severity == registry::severity::error ? "error " : "warning ") +
                  registry::to_string(f));
  return out;
}

std::string test_file(std::string const& name) {
  std::ifstream file(std::string(THV_TEST_DATA) + "/registry/" + name, std::ios::binary);
  REQUIRE(file);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

TEST_CASE("validate reports every error and every warning of a document", "[registry][unit]") {
  CHECK(lines(registry::validate(test_file("broken.json"), "broken.json")) ==
        std::vector<std::string>{
            "error broken.json: /servers/no-image/image: missing",
            "error broken.json: /servers/wrong-type/args: not an array but a string",
            "error broken.json: /remote_servers/no-image/url: missing",
            "error broken.json: /groups/0/servers/1: duplicate server name \"twice\"",
            "error broken.json: /groups/0/servers/2/transport: unknown transport \"websocket\"",
            "error broken.json: /groups/1/name: missing",
            "warning broken.json: /servers/no-image/tier: missing",
            "warning broken.json: /groups/2: no servers",
        });
}

TEST_CASE("a document that is no JSON has one finding", "[registry][unit]") {
  CHECK(lines(registry::validate("{\n  \"servers\": {,}\n}", "r.json")) ==
        std::vector<std::string>{"error r.json:2:15: not valid JSON: syntax error"});
}

TEST_CASE("a document in order has no findings", "[registry][unit]") {
  CHECK(lines(registry::validate(test_file("valid.json"), "valid.json")).empty());
}
