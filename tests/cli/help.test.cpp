// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

#include "program.hpp"

using namespace cli_test;

namespace {

using words = std::vector<std::string>;

words const commands[] = {
    {},
    {"group"},
    {"group", "create"},
    {"group", "list"},
    {"group", "show"},
    {"group", "run"},
    {"group", "move"},
    {"group", "delete"},
    {"group", "rm"},
    {"run"},
    {"list"},
    {"status"},
    {"logs"},
    {"stop"},
    {"start"},
    {"restart"},
    {"rm"},
    {"secret"},
    {"secret", "setup"},
    {"secret", "set"},
    {"secret", "get"},
    {"secret", "list"},
    {"secret", "delete"},
    {"secret", "provider"},
    {"secret", "lock"},
    {"secret", "unlock"},
    {"gateway"},
    {"gateway", "run"},
    {"gateway", "start"},
    {"gateway", "stop"},
    {"gateway", "status"},
    {"gateway", "enable"},
    {"gateway", "disable"},
    {"mcp"},
    {"mcp", "list"},
    {"mcp", "call"},
    {"proxy"},
    {"proxy", "stdio"},
    {"registry"},
    {"registry", "list"},
    {"registry", "show"},
    {"registry", "validate"},
    {"search"},
    {"runtime"},
    {"runtime", "list"},
    {"export"},
    {"version"},
    {"completion"},
};

words with(words of, std::string const& word) {
  of.push_back(word);
  return of;
}

}  // namespace

TEST_CASE("every command explains itself, with an example", "[cli][help]") {
  user u;
  std::string all;
  for (auto const& command : commands) {
    auto const seen = u.run(with(command, "--help"));
    std::string line = "thv-engine";
    for (auto const& word : command) line += " " + word;
    INFO(line);
    CHECK(seen.status == 0);
    CHECK(seen.err.empty());
    CHECK(seen.out.find("\nExample:\n  ") != std::string::npos);
    CHECK(seen.out.find("--debug") != std::string::npos);
    CHECK(u.run(with(command, "-h")).out == seen.out);
    all += "$ " + line + " --help\n" + seen.out + "\n";
  }
  check_golden("help", all);
}

TEST_CASE("a command that has commands prints its help when none is given", "[cli][help]") {
  user u;
  CHECK(u.expect_done({}) == u.expect_done({"--help"}));
  CHECK(u.expect_done({"help"}) == u.expect_done({"--help"}));
  CHECK(u.expect_done({"group"}) == u.expect_done({"group", "--help"}));
  CHECK(u.expect_done({"help", "registry"}) == u.expect_done({"registry", "--help"}));
}
