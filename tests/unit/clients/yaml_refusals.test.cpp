// SPDX-License-Identifier: Apache-2.0
// YAML that is left alone: the error says where, what was expected and what to do.
#include <thv/clients/edit.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace thv;
using namespace thv::clients;

namespace {

error refused(std::string const& client, std::string const& text) {
  auto const done = edit(**find_kind(client), text, {{{"n", "http://h/mcp", {}}}, {}}, {});
  REQUIRE_FALSE(done);
  return done.error();
}

bool says(std::string const& text, std::string const& what) {
  return text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("an empty item of a YAML list is refused with its place", "[clients][unit]") {
  auto const e = refused("continue", "mcpServers:\n  - name: a\n    url: http://x\n  -\n");
  CHECK(e.code == errc::unsupported);
  CHECK(e.where == "4:3");
  CHECK(says(e.message, "an item of 'mcpServers' is empty; expected a map"));
  CHECK(says(e.hint, "change that by hand"));
  CHECK(says(e.hint, "thv-engine client show continue"));
  CHECK(refused("continue", "mcpServers:\n  -\n  - name: a\n    url: http://x\n").where == "2:3");
}

TEST_CASE("a line of YAML that begins with % is refused with its place", "[clients][unit]") {
  for (auto const* const client : {"continue", "goose"}) {
    auto const e = refused(client, "name: x\n# more\n%note: y\n");
    CHECK(e.code == errc::invalid_argument);
    CHECK(e.where == "3:1");
    CHECK(says(e.message, "no directive ('%' at the beginning of a line) is expected here"));
    CHECK(says(e.hint, "indent that line or put its text in quotes"));
  }
}

TEST_CASE("YAML that is nested too deep is refused with its place", "[clients][unit]") {
  auto const e =
      refused("goose", "a: 1\nb: " + std::string(150, '[') + std::string(150, ']') + "\n");
  CHECK(e.code == errc::invalid_argument);
  CHECK(e.where == "2:103");
  CHECK(says(e.message, "nested in more than 100 levels"));
}
