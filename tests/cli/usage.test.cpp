// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "program.hpp"

using namespace cli_test;

namespace {

using words = std::vector<std::string>;

std::string shown(words const& arguments, outcome const& seen, user const& u) {
  return fmt::format("$ thv-engine {}\n{}{}[{}]\n\n", fmt::join(arguments, " "),
                     normalized(seen.out, u), normalized(seen.err, u), seen.status);
}

}  // namespace

TEST_CASE("a wrong command line ends with 2 and says what is meant", "[cli][usage]") {
  user u;
  words const lines[] = {
      {"lst"},
      {"lsit"},
      {"group", "lisst"},
      {"group", "frobnicate"},
      {"--bogus"},
      {"list", "--grup", "x"},
      {"list", "-x"},
      {"list", "extra"},
      {"group", "create"},
      {"group", "create", "a", "b"},
      {"group", "move", "w"},
      {"group", "run", "x", "--timeout", "soon"},
      {"group", "run", "x", "--parallel", "0"},
      {"group", "run", "x", "--as"},
      {"list", "--format", "yaml"},
      {"list", "--label", "nolabel"},
      {"stop"},
      {"stop", "a", "--all"},
      {"stop", "--all", "--group", "g"},
      {"start"},
      {"start", "a", "--all"},
      {"rm"},
      {"run"},
      {"run", "--from-config", "f", "--name", "x"},
      {"run", "npx://p", "--env", "NOVALUE"},
      {"run", "npx://p", "--env", "=v"},
      {"run", "npx://p", "--secret", "name"},
      {"run", "npx://p", "--transport", "carrier-pigeon"},
      {"run", "npx://p", "--target-port", "80"},
      {"run", "npx://p", "--volume", "nothing"},
      {"run", "npx://p", "--publish", "80"},
      {"run", "npx://p", "--remote-forward-headers", "A=b"},
      {"run", "https://localhost/mcp", "--remote-forward-headers", "Host=b"},
      {"run", "https://localhost/mcp", "--env", "A=b"},
      {"run", "npx://p", "--idle-timeout", "soon"},
      {"run", "https://localhost/mcp", "--on-demand"},
      {"run", "--from-config", "f", "--on-demand"},
      {"logs", "x", "--tail", "many"},
      {"logs"},
      {"logs", "x", "--gateway"},
      {"gateway", "strat"},
      {"gateway", "start", "x"},
      {"mcp", "call", "x"},
      {"mcp", "list", "x", "y", "z"},
      {"proxy", "stdio"},
      {"export", "x"},
      {"completion", "tcsh"},
  };
  std::string all;
  for (auto const& line : lines) {
    auto const seen = u.run(line);
    INFO(shown(line, seen, u));
    CHECK(seen.status == 2);
    CHECK(seen.out.empty());
    CHECK(seen.err.starts_with("thv-engine: "));
    all += shown(line, seen, u);
  }
  check_golden("usage", all);
}

TEST_CASE("a command that cannot be done ends with 1 and leaves nothing", "[cli][errors]") {
  user u;
  words const lines[] = {
      {"group", "create", "Upper"},
      {"group", "create", "default"},
      {"group", "delete", "default"},
      {"group", "rm", "default", "--yes"},
      {"group", "delete", "nosuch"},
      {"group", "show", "nosuch"},
      {"group", "list", "nosuch"},
      {"list", "--group", "nosuch"},
      {"group", "move", "nosuch", "--to", "default"},
      {"group", "run", "nosuch"},
      {"rm", "nosuch"},
      {"rm", "--group", "nosuch"},
      {"start", "nosuch"},
      {"restart", "nosuch"},
      {"stop", "--group", "nosuch"},
      {"status", "nosuch"},
      {"logs", "nosuch"},
      {"export", "nosuch", "-"},
      {"run", "./nosuch"},
      {"run", "./", "--name", "x"},
      {"run", "go://example"},
      {"run", "npx://p", "--group", "Upper"},
      {"run", "npx://p", "--runtime", "nosuch"},
      {"run", "ghcr.io/org/server:1", "--runtime", "process"},
      {"run", "npx://p", "--secret", "absent,target=KEY"},
      {"run", "npx://p", "--volume", "/nosuch:/data"},
      {"run", "npx://p", "--permission-profile", "./nosuch.json"},
      {"run", "--from-config", "nosuch.json"},
      {"registry", "list"},
      {"registry", "list", "--registry", "nosuch.json"},
      {"registry", "validate", "nosuch.json"},
      {"list", "--config", "nosuch.toml"},
  };
  std::string all;
  for (auto const& line : lines) {
    auto const seen = u.run(line);
    INFO(shown(line, seen, u));
    CHECK(seen.status == 1);
    CHECK(seen.out.empty());
    all += shown(line, seen, u);
  }
  check_golden("errors", all);
  CHECK(u.expect_done({"list", "--all"}) == "No MCP servers found\n");
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\n");
}

TEST_CASE("a mistake in the configuration is told with its place", "[cli][errors]") {
  user u;
  u.write("config/thv-engine/config.toml", "[deploy]\nparalel = 3\n");
  auto const seen = u.run({"list"});
  CHECK(seen.status == 1);
  CHECK(normalized(seen.err, u).find("HOME/config/thv-engine/config.toml:2:1") !=
        std::string::npos);
  CHECK(seen.err.find("parallel") != std::string::npos);
}

TEST_CASE("a result that cannot be written is an error", "[cli][errors]") {
  user u;
  auto const seen = u.run_program("/bin/sh", {"-c", std::string(THV_PROGRAM) + " list >/dev/full"});
  CHECK(seen.status == 1);
  CHECK(seen.err.find("could not be written") != std::string::npos);
}
