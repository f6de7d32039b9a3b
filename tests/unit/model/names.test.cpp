// SPDX-License-Identifier: Apache-2.0
#include <thv/model/names.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace std::string_literals;

namespace {

std::string group_problem(std::string_view name) {
  auto const r = thv::validate_group_name(name);
  return r ? "" : r.error().message;
}

std::string workload_problem(std::string_view name) {
  auto const r = thv::validate_workload_name(name);
  return r ? "" : r.error().message;
}

}  // namespace

TEST_CASE("group names are checked in ToolHive's order and words", "[model][unit]") {
  std::string const empty =
      "invalid group name: group name cannot be empty or consist only of whitespace";
  CHECK(group_problem("") == empty);
  CHECK(group_problem(" \t\n") == empty);
  CHECK(group_problem("A\0b"s) == "invalid group name: group name cannot contain null bytes");
  CHECK(group_problem("MyGroup") == "invalid group name: group name must be lowercase");
  CHECK(group_problem("A.b") == "invalid group name: group name must be lowercase");
  CHECK(group_problem("a.b") ==
        "invalid group name: group name can only contain lowercase alphanumeric characters, "
        "underscores, dashes, and spaces: \"a.b\"");
  CHECK(group_problem("a/b").ends_with("and spaces: \"a/b\""));
  CHECK(group_problem("gr\xC3\xBC n").ends_with("and spaces: \"gr\xC3\xBC n\""));
  CHECK(group_problem(" a") ==
        "invalid group name: group name cannot have leading or trailing whitespace: \" a\"");
  CHECK(group_problem("a\n") ==
        "invalid group name: group name cannot have leading or trailing whitespace: \"a\\n\"");
  CHECK(group_problem("a  b") ==
        "invalid group name: group name cannot contain consecutive spaces: \"a  b\"");
  for (auto const* const name : {"default", "-", "_", "__mcp-optimizer__", "my group", "a\tb", "0"})
    CHECK(group_problem(name).empty());
  CHECK(group_problem(std::string(5000, 'a')).empty());
}

TEST_CASE("workload names are letters, digits, dots, dashes and underscores up to 100",
          "[model][unit]") {
  for (auto const* const name : {"a", "Fetch", "a.b_c-d", "9", "a..b"})
    CHECK(workload_problem(name).empty());
  CHECK(workload_problem(std::string(100, 'a')).empty());
  CHECK(workload_problem(std::string(101, 'a')) ==
        "invalid workload name: workload name of 101 characters, the limit is 100");
  CHECK(workload_problem("") == "invalid workload name: workload name cannot be empty");
  CHECK(workload_problem("a\0"s) ==
        "invalid workload name: workload name cannot contain null bytes");
  for (auto const* const name : {"a/b", "../a", "a b", "a:1", "\xC3\xA4"})
    CHECK(workload_problem(name).starts_with(
        "invalid workload name: workload name can only contain letters"));
  CHECK(workload_problem("..") == "invalid workload name: workload name cannot be a path: \"..\"");
}

TEST_CASE("the slug of a human group name is a valid group name", "[model][unit]") {
  std::vector<std::pair<std::string, std::string>> const cases = {
      {"Mobile App Team Toolkit", "mobile-app-team-toolkit"},
      {"mobile-app-team-toolkit", "mobile-app-team-toolkit"},
      {"__mcp-optimizer__", "__mcp-optimizer__"},
      {"data pipeline", "data-pipeline"},
      {"  R&D / Tools!  ", "r-d-tools"},
      {"v2.0", "v2-0"},
      {"Caf\xC3\xA9 team", "caf-team"},
  };
  for (auto const& [name, expected] : cases) {
    CHECK(thv::slug(name) == expected);
    CHECK(group_problem(thv::slug(name)).empty());
    CHECK(thv::slug(thv::slug(name)) == thv::slug(name));
  }
  SECTION("a name without ASCII letters gets a stable name of its own") {
    auto const a = thv::slug("\xE7\xA7\xBB\xE5\x8A\xA8");
    CHECK(a.starts_with("group-"));
    CHECK(a == thv::slug("\xE7\xA7\xBB\xE5\x8A\xA8"));
    CHECK(a != thv::slug("\xE5\x9B\xA2\xE9\x98\x9F"));
    CHECK(group_problem(a).empty());
  }
}

TEST_CASE("a workload without a name is named after its source", "[model][unit]") {
  std::vector<std::pair<std::string, std::string>> const cases = {
      {"ghcr.io/stackloklabs/gofetch/server:1", "gofetch-server"},
      {"ghcr.io/stackloklabs/gofetch/server:1@sha256:0123", "gofetch-server"},
      {"localhost:5000/a/b/c:latest", "b-c"},
      {"nginx:latest", "nginx"},
      {"ghcr.io/fetch:1", "fetch"},
      {"mcp/everything", "mcp-everything"},
      {"my_org/my.server", "my_org-my-server"},
      {"npx://@modelcontextprotocol/server-memory@1.2.3",
       "modelcontextprotocol-server-memory-1-2-3"},
      {"uvx://mcp-server-time", "mcp-server-time"},
      {"npx://../thing", "thing"},
      {"https://api.github.com/mcp", "github"},
      {"https://huggingface.co/mcp", "huggingface"},
      {"http://user:password@mcp.example.com:8080/x", "example"},
      {"http://localhost:3000/mcp", "localhost"},
      {"http://127.0.0.1:3000/mcp", "127-0-0-1"},
      {"http://[::1]:3000/mcp", "1"},
      {"file:///opt/tools/my.server", "my-server"},
      {"", ""},
  };
  for (auto const& [source, name] : cases) {
    INFO(source);
    CHECK(thv::default_workload_name(source) == name);
    if (!name.empty()) CHECK(workload_problem(thv::default_workload_name(source)).empty());
  }
  CHECK(thv::default_workload_name("npx://" + std::string(300, 'x')).size() == 100);
}

TEST_CASE("a registry entry runs under its own name where that is valid", "[model][unit]") {
  CHECK(thv::registry_workload_name("fetch") == "fetch");
  CHECK(thv::registry_workload_name("my.server") == "my.server");
  CHECK(thv::registry_workload_name("io.github.example/weather") == "io-github-example-weather");
  CHECK(thv::registry_workload_name("..") == "");
}

TEST_CASE("any text can be made a workload name", "[model][unit]") {
  CHECK(thv::sanitize_workload_name("my server/1") == "my-server-1");
  CHECK(thv::sanitize_workload_name("fine.name") == "fine.name");
  CHECK(thv::sanitize_workload_name("..") == "--");
  CHECK(thv::sanitize_workload_name(std::string(200, 'a')) == std::string(100, 'a'));
  CHECK(thv::sanitize_workload_name("").empty());
}
