// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>

#include <filesystem>

#include <boost/json/parse.hpp>

#include "program.hpp"

using namespace cli_test;

namespace {

std::string state_of(user const& u, std::string const& name) {
  return std::string(u.json({"status", name}).at("status").as_string());
}

}  // namespace

TEST_CASE("a server is run, listed, stopped, started, restarted and removed", "[cli][lifecycle]") {
  user u;
  auto const ran = u.expect_done({"run", "--name", "small", TINY_SERVER, "--label", "team=a"});
  CHECK(normalized(ran, u) ==
        "'small' is ready on process: 3 tools (echo, get-env, pid).\n"
        "It is served at http://127.0.0.1:PORT/servers/small/mcp\n");

  CHECK(
      normalized(u.expect_done({"list"}), u) ==
      "NAME   PACKAGE   STATUS   URL   PORT   GROUP   CREATED\n"
      "small   file://TINY   running   http://127.0.0.1:PORT/servers/small/mcp   PORT   default   "
      "TIME\n");
  CHECK(u.expect_done({"ls", "--label", "team=b"}) == "No MCP servers found\n");
  CHECK(u.expect_done({"ls", "--label", "team=a"}).find("small") != std::string::npos);

  auto const listed = u.json({"list"}).as_array();
  REQUIRE(listed.size() == 1);
  auto const& entry = listed[0].as_object();
  CHECK(entry.at("name") == "small");
  CHECK(entry.at("transport_type") == "stdio");
  CHECK(entry.at("status") == "running");
  CHECK(entry.at("group") == "default");
  CHECK(entry.at("runtime") == "process");
  CHECK(entry.at("ready") == true);
  CHECK(entry.at("tools").as_array().size() == 3);
  CHECK(entry.at("labels").at("team") == "a");
  CHECK(entry.at("started_at") != "0001-01-01T00:00:00Z");

  auto const status = u.expect_done({"status", "small"});
  CHECK(status.find("Name:        small\n") != std::string::npos);
  CHECK(status.find("Ready:       yes\n") != std::string::npos);
  CHECK(status.find("Tools:       3 (echo, get-env, pid)\n") != std::string::npos);

  CHECK(u.expect_done({"stop", "small"}).empty());
  CHECK(state_of(u, "small") == "stopped");
  CHECK(u.expect_done({"list"}) == "No MCP servers found\n");
  CHECK(u.expect_done({"list", "--all"}).find("small") != std::string::npos);
  CHECK(u.expect_done({"stop", "small"}) == "one or more workloads are not running\n");
  CHECK(u.expect_done({"stop", "--all"}) == "No running MCP servers found\n");

  CHECK(u.expect_done({"start", "small"}).empty());
  CHECK(state_of(u, "small") == "running");
  CHECK(u.expect_done({"restart", "--all"}) == "Restart summary: 1 succeeded, 0 failed\n");
  CHECK(state_of(u, "small") == "running");

  CHECK(u.expect_done({"rm", "small"}).empty());
  CHECK(u.json({"list", "--all"}).as_array().empty());
  CHECK(u.expect_done({"rm", "--all"}) == "No running workloads to delete\n");
  CHECK(u.expect_done({"rm", "--group", "default"}) == "No workloads found in group 'default'\n");
}

TEST_CASE("stopping a name that nobody has is no error", "[cli][lifecycle]") {
  user u;
  auto const seen = u.run({"stop", "nosuch"});
  CHECK(seen.status == 0);
  CHECK(seen.err == "Warning: workload 'nosuch' does not exist\n");
}

TEST_CASE("logs are what the server wrote", "[cli][lifecycle]") {
  user u;
  u.expect_done(
      {"run", "--name", "web", "--transport", "streamable-http", TINY_SERVER, "--", "http"});
  auto const status = u.json({"status", "web"});
  auto const port = status.at("port").as_int64();
  auto const endpoint = std::string(status.at("endpoint").as_string());
  auto const own_port = endpoint.substr(0, endpoint.rfind('/')).substr(endpoint.rfind(':') + 1);
  CHECK(u.expect_done({"logs", "web"}) == "tiny: listening on port " + own_port + "\n");
  CHECK(u.expect_done({"logs", "web", "--tail", "1"}).find("listening") != std::string::npos);

  auto const configured = u.expect_done({"list", "--format", "mcpservers"});
  CHECK(configured.find("\"url\": \"http://127.0.0.1:" + std::to_string(port) +
                        "/servers/web/mcp\"") != std::string::npos);
  CHECK(configured.find("\"type\": \"streamable-http\"") != std::string::npos);
}

TEST_CASE("an exported configuration runs again as it was", "[cli][lifecycle]") {
  user u;
  u.set("THV_SECRET_key", "s3cret-value");
  u.expect_done({"run", "--name", "small", "--env", "A=b=c", "--secret", "key,target=KEY",
                 "--group", "mine", TINY_SERVER});
  auto const path = (u.home() / "out/small.json").string();
  CHECK(normalized(u.expect_done({"export", "small", path}), u) ==
        "Successfully exported run configuration for 'small' to 'HOME/out/small.json'\n");
  struct stat file {};
  REQUIRE(stat(path.c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
  auto const text = u.expect_done({"export", "small", "-"});
  CHECK(text.find("s3cret-value") == std::string::npos);
  check_golden("export", normalized(text, u));

  u.expect_done({"rm", "small"});
  u.expect_done({"run", "--from-config", path});
  CHECK(u.expect_done({"export", "small", "-"}) == text);
}

TEST_CASE("a damaged database is reported, then set aside and rebuilt", "[cli][lifecycle]") {
  user u;
  u.expect_done({"run", "--name", "small", "--group", "mine", TINY_SERVER});
  auto const state = u.home() / "state/thv-engine";
  for (auto const* name : {"state.db-wal", "state.db-shm"}) std::filesystem::remove(state / name);
  u.write("state/thv-engine/state.db", "this is no database");

  auto const read = u.run({"list"});
  CHECK(read.status == 1);
  CHECK(read.err.find("state.db") != std::string::npos);

  auto const repaired = u.run({"group", "create", "other"});
  INFO(repaired.err);
  CHECK(repaired.status == 0);
  CHECK(repaired.err.find("set aside as state.db.corrupt-") != std::string::npos);
  CHECK(repaired.err.find("rebuilt from the marks on what runs: 1 workload in 1 group") !=
        std::string::npos);
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\nmine\nother\n");
  CHECK(u.json({"status", "small"}).at("status") == "running");
  CHECK(u.run({"restart", "small"}).status == 0);
  // The gateway serves what the new database holds.
  auto const members = u.json({"gateway", "status"}).at("members").as_array();
  REQUIRE(members.size() == 1);
  CHECK(members[0].at("name") == "small");
}

TEST_CASE("a restart that fails says who is stopped now", "[cli][lifecycle]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  std::filesystem::copy_file(TINY_SERVER, u.home() / "server");
  u.expect_done({"run", "--name", "two", (u.home() / "server").string()});
  u.expect_done({"gateway", "stop"});  // it would try again by itself
  u.write("other", "#!/bin/sh\necho no luck >&2\nexit 3\n");
  REQUIRE(chmod((u.home() / "other").c_str(), 0700) == 0);
  std::filesystem::rename(u.home() / "other", u.home() / "server");

  SECTION("alone") {
    auto const seen = u.run({"restart", "two"});
    CHECK(seen.status == 4);
    CHECK(seen.err.find("as it was before") == std::string::npos);
    CHECK(seen.err.find("thv-engine: restart failed: 1 member failed; two ran before and is "
                        "stopped now\nHint: 'thv-engine start two' tries again\n") !=
          std::string::npos);
    CHECK(state_of(u, "two") == "stopped");
    // Starting what does not run leaves it as it was.
    auto const again = u.run({"start", "two"});
    CHECK(again.status == 1);
    CHECK(again.err.find("everything is as it was before") != std::string::npos);
  }
  SECTION("among others") {
    auto const seen = u.run({"restart", "--all"});
    CHECK(seen.status == 3);
    CHECK(seen.err.find("restart is partly done: 1 member failed, the rest was kept; two ran "
                        "before and is stopped now\n") != std::string::npos);
    CHECK(seen.out == "Restart summary: 1 succeeded, 1 failed\n");
  }
  SECTION("for programs") {
    auto const seen = u.run({"restart", "two", "--format", "json"});
    CHECK(seen.status == 4);
    auto const report = boost::json::parse(seen.out);
    CHECK(report.at("status") == "rollback_incomplete");
    auto const& member = report.at("members").at(0);
    CHECK(member.at("outcome") == "failed");
    CHECK(member.at("left") == "stopped");
  }
}
