// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "program.hpp"

using namespace cli_test;

namespace {

/// A member that never becomes ready.
std::string const hanging =
    R"("env_vars": [{"name": "TINY_HANG", "description": "d", "default": "1"}])";

}  // namespace

TEST_CASE("Ctrl-C undoes what was begun and ends with 130", "[cli][interrupt]") {
  user u;
  auto const registry = u.write_registry({{"good", ""}, {"slow", hanging}});
  running command({"group", "run", "tools", "--registry", registry}, u.variables(), THV_PROGRAM,
                  u.home().string());
  REQUIRE(command.wait_for_error("good: ready"));
  command.signal(SIGINT);
  auto const seen = command.wait();
  INFO(seen.err);
  CHECK(seen.status == 130);
  CHECK(seen.err.find("Interrupted: undoing") != std::string::npos);
  CHECK(seen.err.find("everything is as it was before") != std::string::npos);
  CHECK(u.json({"list", "--all"}).as_array().empty());
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\n");
}

TEST_CASE("Ctrl-C in a restart leaves running what ran", "[cli][interrupt]") {
  user u;
  auto const hang = u.home() / "hang";
  auto const program = u.write("member", "#!/bin/sh\n[ -e '" + hang.string() +
                                             "' ] && exec sleep 1000\nexec '" TINY_SERVER "'\n");
  REQUIRE(chmod(program.c_str(), 0700) == 0);
  u.expect_done({"run", "--name", "one", program});
  u.expect_done({"gateway", "stop"});
  u.write("hang", "");
  running command({"restart", "one"}, u.variables(), THV_PROGRAM, u.home().string());
  REQUIRE(command.wait_for_error("one: starting"));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  command.signal(SIGINT);
  auto const seen = command.wait();
  INFO(seen.err);
  CHECK(seen.status == 130);
  CHECK(seen.err.find("restart was interrupted; everything is as it was before") !=
        std::string::npos);
  CHECK(u.json({"status", "one"}).at("status") == "running");
}

TEST_CASE("a second Ctrl-C ends at once, and the next command repairs", "[cli][interrupt]") {
  user u;
  auto const registry = u.write_registry(
      {{"stubborn", R"("env_vars": [{"name": "TINY_HANG", "description": "d", "default": "1"},
                      {"name": "TINY_IGNORE_TERM", "description": "d", "default": "1"}])"}});
  running command({"group", "run", "tools", "--registry", registry}, u.variables(), THV_PROGRAM,
                  u.home().string());
  REQUIRE(command.wait_for_error("stubborn: deploying"));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  command.signal(SIGINT);
  REQUIRE(command.wait_for_error("Interrupted: undoing"));
  command.signal(SIGTERM);
  CHECK(command.wait().status == 130);
  CHECK(u.run({"list"}).err.find("Warning: an interrupted 'group run'") != std::string::npos);
  CHECK(u.run({"rm", "--all"}).status == 0);
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\n");
}

TEST_CASE("Ctrl-C ends the following of a log with 130", "[cli][interrupt]") {
  user u;
  u.expect_done(
      {"run", "--name", "web", "--transport", "streamable-http", TINY_SERVER, "--", "http"});
  running command({"logs", "web", "--follow"}, u.variables(), THV_PROGRAM, u.home().string());
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  command.signal(SIGINT);
  auto const seen = command.wait();
  CHECK(seen.status == 130);
  CHECK(seen.out.starts_with("tiny: listening on port "));
  CHECK(u.json({"status", "web"}).at("status") == "running");
}

TEST_CASE("what a killed command left is reported, and repaired by the next", "[cli][interrupt]") {
  user u;
  auto const registry = u.write_registry({{"good", ""}, {"slow", hanging}});
  {
    running command({"group", "run", "tools", "--registry", registry}, u.variables(), THV_PROGRAM,
                    u.home().string());
    REQUIRE(command.wait_for_error("good: ready"));
    command.signal(SIGKILL);
    CHECK(command.wait().status == 128 + SIGKILL);
  }
  auto const read = u.run({"group", "list"});
  CHECK(read.status == 0);
  CHECK(read.err.find("Warning: an interrupted 'group run'") != std::string::npos);
  auto const repaired = u.run({"rm", "--all"});
  INFO(repaired.err);
  CHECK(repaired.status == 0);
  CHECK(u.run({"group", "list"}).err.empty());
  CHECK(u.json({"list", "--all"}).as_array().empty());
}
