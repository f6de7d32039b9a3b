// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <filesystem>

#include <fmt/format.h>

#include "program.hpp"

using namespace cli_test;

namespace {

/// What bash would offer for a command line, one a line.
std::string completed(user const& u, std::vector<std::string> const& words) {
  std::string quoted;
  for (auto const& word : words) quoted += fmt::format(" '{}'", word);
  auto const script = fmt::format(
      "source <('{0}' completion bash) && COMP_WORDS=('{0}'{1}) && COMP_CWORD={2} && _thv_engine "
      "&& printf '%s\\n' \"${{COMPREPLY[@]}}\"",
      THV_PROGRAM, quoted, words.size());
  auto const seen = u.run_program("/bin/bash", {"-c", script});
  INFO(seen.err);
  CHECK(seen.err.empty());
  return seen.out;
}

}  // namespace

TEST_CASE("bash completes commands, flags, values and names", "[cli][completion]") {
  user u;
  u.expect_done({"group", "create", "data-pipeline"});
  u.expect_done({"run", "--name", "small", TINY_SERVER});
  CHECK(completed(u, {"gro"}) == "group\n");
  CHECK(completed(u, {"group", ""}) == "create\nlist\nshow\nrun\nmove\ndelete\nrm\n");
  CHECK(completed(u, {"group", "delete", ""}) == "data-pipeline\ndefault\n");
  CHECK(completed(u, {"stop", "s"}) == "small\n");
  CHECK(completed(u, {"list", "--for"}) == "--format\n");
  CHECK(completed(u, {"list", "--format", ""}) == "json\ntext\nmcpservers\n");
  CHECK(completed(u, {"list", "--group", "da"}) == "data-pipeline\n");
  CHECK(completed(u, {"completion", ""}) == "bash\nzsh\nfish\n");
  CHECK(completed(u, {"run", "--runtime", "proc"}) == "process\n");
}

TEST_CASE("the scripts are what their shells accept", "[cli][completion]") {
  user u;
  for (std::string const shell : {"bash", "zsh", "fish"}) {
    auto const script = u.expect_done({"completion", shell});
    CHECK(script.find("thv-engine") != std::string::npos);
    auto const path = u.write("script." + shell, script);
    for (std::string const folder : {"/bin/", "/usr/bin/"})
      if (std::filesystem::exists(folder + shell))
        CHECK(u.run_program(folder + shell, {"-n", path}).status == 0);
  }
}
