// SPDX-License-Identifier: Apache-2.0
// The seeds' own example, run whole by the program on a real Docker daemon: two containers, and one
// remote server, for whose URL a real one on this machine stands in.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>
#include <boost/json.hpp>
#include <catch2/catch_test_macros.hpp>
#include <thv/net/http.hpp>

#include "program.hpp"

using namespace cli_test;
namespace bj = boost::json;
namespace fs = std::filesystem;

namespace {

std::string const secret = "s3cr3t-value-4711";

std::string docker_host() {
  auto const* host = std::getenv("THV_TEST_DOCKER_HOST");
  if (host == nullptr) FAIL("THV_TEST_DOCKER_HOST is not set: start tests/support/engines/docker");
  return host;
}

std::string read_file(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bj::value engine_get(std::string const& target) {
  auto const where = thv::net::parse_url(docker_host());
  REQUIRE(where);
  thv::net::request request;
  request.target = target;
  auto const answer = thv::net::exchange({}, where->first, request);
  REQUIRE(answer);
  INFO(target << ": " << answer->body);
  REQUIRE(answer->status == 200);
  return bj::parse(answer->body);
}

/// The environment of a container, as `docker inspect` shows it.
std::map<std::string, std::string> environment_of(std::string const& container) {
  std::map<std::string, std::string> values;
  auto const seen = engine_get("/containers/" + container + "/json");
  for (auto const& line : seen.at("Config").at("Env").as_array()) {
    std::string const text(line.as_string());
    values[text.substr(0, text.find('='))] = text.substr(text.find('=') + 1);
  }
  return values;
}

/// A real MCP server over streamable HTTP on loopback.
class local_server {
 public:
  local_server() {
    for (int tries = 0; tries < 20 && port_ == 0; ++tries)
      start(20000 + (::getpid() + tries * 97) % 20000);
    REQUIRE(port_ != 0);
  }
  ~local_server() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/mcp"; }

 private:
  void start(int port) {
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setenv("PORT", std::to_string(port).c_str(), 1);
      ::setenv("TINY_HOST", "127.0.0.1", 1);
      ::execl(TINY_SERVER, TINY_SERVER, "http", nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 100; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) return;
      thv::net::address where;
      where.host = "127.0.0.1";
      where.port = static_cast<std::uint16_t>(port);
      if (thv::net::exchange({}, where, {})) {
        port_ = port;
        return;
      }
    }
  }

  pid_t pid_ = -1;
  int port_ = 0;
};

/// The seed's document with the remote URL replaced: a registry of one's own, as a company keeps.
std::string seed_registry(user const& u, std::string const& remote) {
  auto text = read_file(fs::path(THV_TEST_DATA) / "registry/mobile-app-team-toolkit.json");
  std::string const original = "https://huggingface.co/mcp";
  auto const at = text.find(original);
  REQUIRE(at != std::string::npos);
  text.replace(at, original.size(), remote);
  return u.write("registry.json", text);
}

bool anywhere_below(fs::path const& folder, std::string const& text) {
  for (auto const& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && read_file(entry.path()).find(text) != std::string::npos)
      return true;
  return false;
}

bool in_any_argument(std::string const& text) {
  for (auto const& entry : fs::directory_iterator("/proc"))
    if (read_file(entry.path() / "cmdline").find(text) != std::string::npos) return true;
  return false;
}

/// A user whose engine is the tests' daemon.
class docker_user : public user {
 public:
  docker_user() {
    set("DOCKER_HOST", docker_host());
    set("THV_SECRET_user", secret);
  }
};

}  // namespace

TEST_CASE("the seeds' mobile-app-team-toolkit runs whole", "[docker][cli]") {
  docker_user u;
  local_server const huggingface;
  auto const registry = seed_registry(u, huggingface.url());
  std::vector<std::string> const command{"group",
                                         "run",
                                         "mobile-app-team-toolkit",
                                         "--registry",
                                         registry,
                                         "--env",
                                         "fetch.DEBUG=true",
                                         "--secret",
                                         "user,target=internal-company-server.USER_ID"};

  auto dry = command;
  dry.push_back("--dry-run");
  auto const planned = u.run(dry);
  CHECK(planned.status == 0);
  CHECK(planned.out.find("deploy image ghcr.io/stackloklabs/gofetch/server:0.0.6 on docker") !=
        std::string::npos);
  CHECK((planned.out + planned.err).find(secret) == std::string::npos);

  auto const done = u.run(command);
  INFO(done.out << done.err);
  REQUIRE(done.status == 0);
  CHECK(done.out.find("Group 'mobile-app-team-toolkit' is ready: 3 members.") != std::string::npos);
  CHECK((done.out + done.err).find(secret) == std::string::npos);

  auto const fetch = environment_of("fetch");
  auto const internal = environment_of("internal-company-server");
  CHECK(fetch.at("DEBUG") == "true");
  CHECK_FALSE(fetch.contains("USER_ID"));
  CHECK_FALSE(fetch.contains("TEAM_ID"));
  CHECK(internal.at("USER_ID") == secret);
  CHECK(internal.at("TEAM_ID") == "mobile-app-team");
  CHECK_FALSE(internal.contains("DEBUG"));

  for (auto const* name : {"fetch", "internal-company-server"}) {
    auto seen = engine_get(std::string("/containers/") + name + "/json");
    CHECK(seen.at("Config").at("Labels").at("toolhive") == "true");
    CHECK(seen.at("Config").at("Labels").at("thv.group") == "mobile-app-team-toolkit");
    seen.as_object()["Config"].as_object().erase("Env");
    CHECK(bj::serialize(seen).find(secret) == std::string::npos);
  }
  CHECK_FALSE(anywhere_below(u.home(), secret));
  CHECK_FALSE(in_any_argument(secret));
  CHECK(u.expect_done({"logs", "internal-company-server"}).find(secret) == std::string::npos);

  auto const listed = u.json({"list", "--group", "mobile-app-team-toolkit"}).as_array();
  REQUIRE(listed.size() == 3);
  for (auto const& member : listed) CHECK(member.at("status") == "running");

  auto const again = u.run(command);
  CHECK(again.status == 0);
  CHECK(again.out.find("Nothing to change") != std::string::npos);

  SECTION("a rotated secret replaces one member, and its failure brings the old one back") {
    auto const before = engine_get("/containers/internal-company-server/json").at("Id");
    u.set("THV_SECRET_user", "another-value-0815");
    auto broken = read_file(registry);
    std::string const image = "ghcr.io/internal/internal/server:0.0.6";
    broken.replace(broken.find(image), image.size(), "mcp/tiny:1");
    u.write("registry.json", broken);
    auto const failed = u.run([&] {
      auto c = command;
      c.insert(c.end(), {"--env", "internal-company-server.TINY_EXIT_AFTER_MS=1"});
      return c;
    }());
    INFO(failed.err);
    CHECK(failed.status == 1);
    CHECK((failed.out + failed.err).find("another-value-0815") == std::string::npos);
    auto const after = engine_get("/containers/internal-company-server/json");
    CHECK(after.at("Id") == before);
    CHECK(after.at("State").at("Running") == true);
    CHECK(environment_of("internal-company-server").at("USER_ID") == secret);

    seed_registry(u, huggingface.url());
    auto const rotated = u.run(command);
    INFO(rotated.err);
    CHECK(rotated.status == 0);
    CHECK(environment_of("internal-company-server").at("USER_ID") == "another-value-0815");
    CHECK(engine_get("/containers/json?all=true").as_array().size() == 2);
  }
  SECTION("a container made by hand is never touched, and its name is refused") {
    CHECK(u.expect_done({"group", "delete", "mobile-app-team-toolkit", "--yes"}).find(secret) ==
          std::string::npos);
    docker_user other;
    auto const theirs = other.run(
        {"run", "--name", "fetch", "--runtime", "docker", "--transport", "stdio", "mcp/tiny:1"});
    INFO(theirs.err);
    REQUIRE(theirs.status == 0);
    auto const id = engine_get("/containers/fetch/json").at("Id");
    auto const refused = u.run(command);
    CHECK(refused.status == 1);
    CHECK(refused.err.find("the name 'fetch' is taken on runtime 'docker'") != std::string::npos);
    CHECK(engine_get("/containers/fetch/json").at("Id") == id);
    CHECK(other.run({"rm", "fetch"}).status == 0);
  }
  SECTION("a lost store is made again from the labels") {
    for (auto const* name : {"state.db", "state.db-wal", "state.db-shm"})
      fs::remove(u.home() / "state/thv-engine" / name);
    auto const created = u.run({"group", "create", "later"});
    auto const moved = u.run({"group", "move", "fetch", "--to", "later"});
    INFO(created.err << moved.err);
    CHECK((created.err + moved.err).find("rebuilt") != std::string::npos);
    CHECK(moved.status == 0);
    CHECK(u.json({"list", "--all"}).as_array().size() == 3);
  }
  CHECK(u.run({"rm", "--all"}).status == 0);
  CHECK(engine_get("/containers/json?all=true").as_array().empty());
}

TEST_CASE("a container whose file with a secret is gone is made anew with the value",
          "[docker][cli]") {
  docker_user u;
  auto const value_in = [](std::string const& container) {
    auto const seen = engine_get("/containers/" + container + "/json");
    CHECK(bj::serialize(seen).find(secret) == std::string::npos);
    auto const pid = std::to_string(seen.at("State").at("Pid").as_int64());
    return read_file("/proc/" + pid + "/root/run/secrets/USER_FILE");
  };
  auto const ran = u.run({"run", "--name", "keeper", "--runtime", "docker", "--transport", "stdio",
                          "--secret", "user,target=USER_FILE,as=file", "mcp/tiny:1"});
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  CHECK(environment_of("keeper").at("USER_FILE") == "/run/secrets/USER_FILE");
  CHECK(value_in("keeper") == secret);
  auto const before = engine_get("/containers/keeper/json");
  std::string const source(before.at("HostConfig").at("Mounts").at(0).at("Source").as_string());
  CHECK(read_file(source) == secret);

  fs::remove_all(fs::path(source).parent_path());  // as a reboot does
  CHECK(u.run({"stop", "keeper"}).status == 0);
  auto const started = u.run({"start", "keeper"});
  INFO(started.err);
  CHECK(started.status == 0);
  CHECK(engine_get("/containers/keeper/json").at("Id") != before.at("Id"));
  CHECK(value_in("keeper") == secret);
  CHECK_FALSE(anywhere_below(u.home(), secret));
  CHECK(u.run({"rm", "keeper"}).status == 0);
  CHECK(engine_get("/containers/json?all=true").as_array().empty());
}

TEST_CASE("a daemon that is gone is said, and --forget lets go of what it held", "[docker][cli]") {
  docker_user u;
  auto const ran = u.run({"run", "--name", "lonely", "--group", "away", "--runtime", "docker",
                          "--transport", "stdio", "mcp/tiny:1"});
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  u.set("DOCKER_HOST", "unix:///nowhere/docker.sock");
  auto const listed = u.json({"list", "--all"}).as_array();
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].at("status") == "unknown");
  auto const refused = u.run({"group", "delete", "away", "--yes"});
  CHECK(refused.status == 1);
  CHECK(refused.err.find("does not answer") != std::string::npos);
  CHECK(refused.err.find("--forget") != std::string::npos);
  CHECK(u.run({"group", "delete", "away", "--forget", "--yes"}).status == 0);
  CHECK(u.json({"list", "--all"}).as_array().empty());
  auto const where = thv::net::parse_url(docker_host());
  thv::net::request remove;
  remove.method = "DELETE";
  remove.target = "/containers/lonely?force=true";
  CHECK(thv::net::exchange({}, where->first, remove)->status == 204);
}
