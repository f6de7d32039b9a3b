// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include <fmt/format.h>

#include "program.hpp"

using namespace cli_test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

bool eventually(std::function<bool()> const& holds, std::chrono::milliseconds time = 10s) {
  for (auto const end = std::chrono::steady_clock::now() + time;
       std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(20ms))
    if (holds()) return true;
  return holds();
}

boost::json::object gateway_status(user const& u) {
  return u.json({"gateway", "status"}).as_object();
}

std::string gateway_state(user const& u) {
  return std::string(gateway_status(u).at("status").as_string());
}

pid_t gateway_pid(user const& u) {
  return static_cast<pid_t>(gateway_status(u).at("pid").as_int64());
}

std::int64_t gateway_port(user const& u) {
  return gateway_status(u).at("port").as_int64();
}

/// The process of a small server, from itself.
std::string pid_of(user const& u, std::string const& name) {
  return u.expect_done({"mcp", "call", name, "pid"});
}

std::string state_of(user const& u, std::string const& name) {
  return std::string(u.json({"status", name}).at("status").as_string());
}

void kill_gateway(user const& u) {
  auto const pid = gateway_pid(u);
  REQUIRE(kill(pid, SIGKILL) == 0);
  REQUIRE(eventually([&] { return gateway_state(u) != "running"; }));
}

unsigned mode_of(fs::path const& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 0777;
}

std::string read_file(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("the first server that runs starts the gateway, which serves it", "[cli][gateway]") {
  user u;
  CHECK(gateway_state(u) == "down");
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  u.expect_done(
      {"run", "--name", "web", "--transport", "streamable-http", TINY_SERVER, "--", "http"});
  CHECK(gateway_state(u) == "running");
  CHECK(u.expect_done({"mcp", "call", "one", "echo", "--arg", "message=hello"}) == "Echo: hello\n");
  CHECK(u.expect_done({"mcp", "call", "web", "echo", "--json", R"({"message": "hi"})"}) ==
        "Echo: hi\n");
  auto const members = gateway_status(u).at("members").as_array();
  REQUIRE(members.size() == 2);
  CHECK(members[0].at("state") == "ready");

  auto const state = u.home() / "state/thv-engine";
  for (auto const* name : {"gateway.sock", "gateway.json", "gateway.log", "gateway.lock"})
    CHECK(mode_of(state / name) == 0600);
  auto const log = u.expect_done({"logs", "--gateway"});
  CHECK(log.find("info    serving at http://127.0.0.1:") != std::string::npos);
  CHECK(log.find("one: ready") != std::string::npos);
  CHECK(u.expect_done({"logs", "--gateway", "--tail", "1"}).size() < log.size());
}

TEST_CASE("one that the user stopped stays stopped until gateway start", "[cli][gateway]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  CHECK(u.expect_done({"gateway", "stop"}) == "The gateway is stopped.\n");
  CHECK(u.expect_done({"gateway", "stop"}) == "The gateway did not run.\n");
  auto const ran = u.run({"run", "--name", "two", TINY_SERVER});
  CHECK(ran.status == 0);
  CHECK(ran.out == "'two' is ready on process: 3 tools (echo, get-env, pid).\n");
  CHECK(ran.err.find("Note: the gateway was stopped") != std::string::npos);
  CHECK(gateway_state(u) == "stopped");
  auto const listed = u.run({"list"});
  CHECK(listed.out.find("gateway down") != std::string::npos);
  CHECK(listed.err == "Note: the gateway was stopped; 'thv-engine gateway start' starts it\n");
  auto const asked = u.run({"mcp", "list", "one"});
  CHECK(asked.status == 1);
  CHECK(asked.err == "thv-engine: the gateway was stopped\nHint: thv-engine gateway start\n");

  CHECK(normalized(u.expect_done({"gateway", "start"}), u) ==
        "The gateway serves at http://127.0.0.1:PORT\n");
  CHECK(normalized(u.expect_done({"gateway", "start"}), u) ==
        "The gateway serves already at http://127.0.0.1:PORT\n");
  CHECK(u.expect_done({"mcp", "list", "two"}).find("echo") != std::string::npos);
}

TEST_CASE("a killed gateway is said to be down, and comes back where it was with the next change",
          "[cli][gateway]") {
  user u;
  // Who initialised it a second time would wait a second time.
  u.expect_done({"run", "--name", "one", "--env", "TINY_DELAY_MS=4000", TINY_SERVER});
  auto const before = pid_of(u, "one");
  auto const port = gateway_port(u);
  kill_gateway(u);
  auto const listed = u.run({"list"});
  CHECK(listed.out.find("gateway down") != std::string::npos);
  CHECK(listed.err.find("the gateway does not run") != std::string::npos);
  CHECK(u.json({"list"}).as_array().at(0).at("gateway") == "down");
  CHECK(gateway_state(u) == "down");

  u.expect_done({"run", "--name", "two", TINY_SERVER});
  CHECK(gateway_port(u) == port);
  auto const begun = std::chrono::steady_clock::now();
  CHECK(pid_of(u, "one") == before);
  CHECK(std::chrono::steady_clock::now() - begun < 3s);
}

TEST_CASE("a gateway that hangs is ended by gateway stop", "[cli][gateway]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  auto const before = pid_of(u, "one");
  auto const gateway = gateway_pid(u);
  REQUIRE(kill(gateway, SIGSTOP) == 0);
  CHECK(gateway_state(u) == "down");
  u.expect_done({"gateway", "stop"});
  CHECK(eventually([&] { return kill(gateway, 0) != 0; }));
  u.expect_done({"gateway", "start"});
  CHECK(pid_of(u, "one") == before);
}

TEST_CASE("a port that was taken is remembered", "[cli][gateway]") {
  user first;
  user second;
  for (auto const* u : {&first, &second})
    u->write("config/thv-engine/config.toml", "[gateway]\nlisten = \"127.0.0.1:47483\"\n");
  first.expect_done({"gateway", "start"});
  second.expect_done({"gateway", "start"});
  auto const port = gateway_port(second);
  CHECK(port != gateway_port(first));
  first.expect_done({"gateway", "stop"});
  second.expect_done({"gateway", "stop"});
  second.expect_done({"gateway", "start"});
  CHECK(gateway_port(second) == port);
}

TEST_CASE("commands start, restart and replace members that the gateway is attached to",
          "[cli][gateway]") {
  user u;
  auto const registry = u.write_registry({{"alpha", ""}, {"beta", ""}});
  u.expect_done({"group", "run", "tools", "--registry", registry});
  auto const before = pid_of(u, "alpha");
  u.expect_done({"restart", "--group", "tools"});
  auto const after = pid_of(u, "alpha");
  CHECK(after != before);
  u.expect_done({"stop", "alpha"});
  auto const stopped = u.run({"mcp", "call", "alpha", "pid"});
  CHECK(stopped.status == 1);
  CHECK(stopped.err.find("stopped") != std::string::npos);
  u.expect_done({"start", "alpha"});
  u.expect_done({"group", "run", "tools", "--registry", registry, "--env", "alpha.A=b"});
  auto const asked = u.run({"mcp", "call", "alpha", "get-env", "--arg", "name=A"});
  INFO(asked.err << read_file(u.home() / "state/thv-engine/gateway.log"));
  CHECK(asked.out == "b\n");
  u.expect_done({"rm", "alpha"});
  CHECK(u.run({"mcp", "list", "alpha"}).err.find("does not exist") != std::string::npos);
  CHECK(gateway_status(u).at("members").as_array().size() == 1);
}

TEST_CASE("a member that does not come up fails its command, with the gateway there or not",
          "[cli][gateway]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  fs::copy_file(TINY_SERVER, u.home() / "server");
  u.expect_done({"run", "--name", "two", (u.home() / "server").string()});
  u.expect_done({"stop", "two"});
  // From now on it ends as it starts.
  u.write("other", "#!/bin/sh\necho no luck >&2\nexit 3\n");
  REQUIRE(chmod((u.home() / "other").c_str(), 0700) == 0);
  fs::rename(u.home() / "other", u.home() / "server");
  auto const begun = std::chrono::steady_clock::now();
  auto const seen = u.run({"start", "two"});
  INFO(seen.err);
  CHECK(seen.status == 1);
  CHECK(seen.err.find("ended with exit status 3 before it was ready") != std::string::npos);
  CHECK(seen.err.find("  | no luck") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - begun < 5s);
  CHECK(state_of(u, "two") == "stopped");
}

TEST_CASE("a process member that crashed is started again", "[cli][gateway]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  u.expect_done(
      {"run", "--name", "web", "--transport", "streamable-http", TINY_SERVER, "--", "http"});
  for (auto const* name : {"one", "web"}) {
    auto const before = pid_of(u, name);
    REQUIRE(kill(static_cast<pid_t>(std::stol(before)), SIGKILL) == 0);
    std::string said;
    bool const back = eventually([&] {
      auto const seen = u.run({"mcp", "call", name, "pid"});
      said = seen.out + seen.err;
      return seen.status == 0 && seen.out != before;
    });
    INFO(said << read_file(u.home() / "state/thv-engine/gateway.log"));
    REQUIRE(back);
    CHECK(state_of(u, name) == "running");
    CHECK(eventually([&] { return u.json({"status", name}).at("ready") == true; }));
  }
}

TEST_CASE("a crashed member comes back with its secret, which only the gateway's memory holds",
          "[cli][gateway]") {
  user u;
  u.set("THV_SECRET_key", "s3cret-value");
  u.expect_done({"run", "--name", "one", "--secret", "key,target=KEY", TINY_SERVER});
  u.set("THV_SECRET_key", "");
  auto const before = pid_of(u, "one");
  REQUIRE(kill(static_cast<pid_t>(std::stol(before)), SIGKILL) == 0);
  REQUIRE(eventually([&] {
    auto const seen = u.run({"mcp", "call", "one", "pid"});
    return seen.status == 0 && seen.out != before;
  }));
  CHECK(u.expect_done({"mcp", "call", "one", "get-env", "--arg", "name=KEY"}) == "s3cret-value\n");
  CHECK(u.json({"list", "--all"}).as_array().size() == 1);
}

TEST_CASE("the gateway's memory holds any bytes of a secret, and hands them over",
          "[cli][gateway]") {
  user u;
  std::string const value = "s3cret-gr\xfc\xdf";
  u.set("THV_SECRET_key", value);
  u.expect_done({"run", "--name", "one", "--secret", "key,target=KEY", TINY_SERVER});
  u.set("THV_SECRET_key", "");
  auto const has_it = [&](std::string const& pid) {
    return read_file("/proc/" + pid.substr(0, pid.find('\n')) + "/environ")
               .find("KEY=" + value + '\0') != std::string::npos;
  };
  auto before = pid_of(u, "one");
  CHECK(has_it(before));
  auto const comes_back = [&] {
    REQUIRE(kill(static_cast<pid_t>(std::stol(before)), SIGKILL) == 0);
    std::string now;
    bool const back = eventually([&] {
      auto const seen = u.run({"mcp", "call", "one", "pid"});
      now = seen.out;
      return seen.status == 0 && seen.out != before;
    });
    INFO(read_file(u.home() / "state/thv-engine/gateway.log"));
    REQUIRE(back);
    before = now;
    CHECK(has_it(now));
  };
  comes_back();

  // One of another program file takes over what it holds.
  fs::create_directories(u.home() / "new/bin");
  auto const copy = (u.home() / "new/bin/thv-engine").string();
  fs::copy_file(THV_PROGRAM, copy);
  fs::create_directory_symlink(fs::path(THV_PROGRAM).parent_path().parent_path() / "lib",
                               u.home() / "new/lib");
  auto const first = gateway_pid(u);
  auto const seen = u.run_program(copy, {"gateway", "start"});
  INFO(seen.err);
  REQUIRE(seen.status == 0);
  CHECK(gateway_pid(u) != first);
  comes_back();
}

TEST_CASE("after a reboot members of groups with autostart return, others do not",
          "[cli][gateway]") {
  user u;
  u.write("config/thv-engine/config.toml", "[groups.back]\nautostart = true\n");
  u.expect_done({"run", "--name", "one", "--group", "back", TINY_SERVER});
  u.expect_done({"run", "--name", "two", "--group", "away", TINY_SERVER});
  std::vector<pid_t> pids;
  for (auto const* name : {"one", "two"})
    pids.push_back(static_cast<pid_t>(std::stol(pid_of(u, name))));
  u.expect_done({"gateway", "stop"});
  for (auto const pid : pids) REQUIRE(kill(pid, SIGKILL) == 0);
  // As if the machine had been started since.
  auto const processes = u.home() / "state/thv-engine/runtimes/process";
  for (auto const& instance : fs::directory_iterator(processes)) {
    auto const record = instance.path() / "record.json";
    if (!fs::exists(record)) continue;
    auto text = read_file(record);
    auto const at = text.find("\"started_at\":");
    REQUIRE(at != std::string::npos);
    auto const end = text.find_first_of(",}\n", at);
    text.replace(at, end - at, "\"started_at\": 1000");
    std::ofstream(record, std::ios::binary) << text;
  }
  u.expect_done({"gateway", "start"});
  REQUIRE(eventually([&] { return state_of(u, "one") == "running"; }));
  CHECK(std::stol(pid_of(u, "one")) != pids[0]);
  auto const away = u.run({"mcp", "call", "two", "pid"});
  CHECK(away.status == 1);
  CHECK(away.err.find("does not run since the machine was restarted") != std::string::npos);
  CHECK(state_of(u, "two") != "running");
}

TEST_CASE("an on-demand server sleeps when nobody asks, and its tools are listed meanwhile",
          "[cli][gateway]") {
  user u;
  u.expect_done({"run", "--name", "one", "--idle-timeout", "1s", TINY_SERVER});
  auto const before = pid_of(u, "one");
  REQUIRE(eventually([&] { return state_of(u, "one") == "stopped"; }));
  auto const view = u.json({"status", "one"});
  CHECK(view.at("status_context") == "sleeps until its first request");
  CHECK(view.at("on_demand") == true);
  CHECK(u.json({"list"}).as_array().size() == 1);
  CHECK(u.expect_done({"mcp", "list", "one"}).find("get-env") != std::string::npos);
  CHECK(state_of(u, "one") == "stopped");
  CHECK(pid_of(u, "one") != before);
  u.expect_done({"stop", "one"});
  CHECK(u.run({"mcp", "call", "one", "pid"}).status == 1);
}

TEST_CASE("secrets reach the gateway's memory and nothing else", "[cli][gateway]") {
  user u;
  u.set("THV_SECRET_key", "Bearer s3cret-value");
  u.expect_done({"run", "--name", "web", "--transport", "streamable-http", "--env",
                 "TINY_TOKEN=s3cret-value", TINY_SERVER, "--", "http"});
  auto const endpoint = std::string(u.json({"status", "web"}).at("endpoint").as_string());
  u.expect_done(
      {"run", "--name", "far", "--remote-forward-headers-secret", "Authorization=key", endpoint});
  u.expect_done({"rm", "web", "--dry-run"});
  u.set("THV_SECRET_key", "");
  CHECK(u.expect_done({"mcp", "list", "far"}).find("echo") != std::string::npos);

  // A new gateway does not have it, until a command brings it.
  kill_gateway(u);
  u.expect_done({"gateway", "start"});
  auto const without = u.run({"mcp", "list", "far"});
  CHECK(without.status == 1);
  CHECK(without.err.find("waiting for secret key") != std::string::npos);
  u.set("THV_SECRET_key", "Bearer s3cret-value");
  u.expect_done({"start", "far"});
  CHECK(u.expect_done({"mcp", "list", "far"}).find("echo") != std::string::npos);

  auto const environment = read_file(fmt::format("/proc/{}/environ", gateway_pid(u)));
  CHECK(environment.find("s3cret-value") == std::string::npos);
  auto const found = u.run_program(
      "/bin/grep", {"-r", "-l", "-a", "Bearer s3cret", (u.home() / "state").string()});
  CHECK(found.out.empty());
}

TEST_CASE("a gateway of a program that was replaced hands over, its members untouched",
          "[cli][gateway]") {
  user u;
  u.set("THV_SECRET_key", "Bearer s3cret-value");
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  u.expect_done({"run", "--name", "web", "--transport", "streamable-http", "--env",
                 "TINY_TOKEN=s3cret-value", TINY_SERVER, "--", "http"});
  auto const endpoint = std::string(u.json({"status", "web"}).at("endpoint").as_string());
  u.expect_done(
      {"run", "--name", "far", "--remote-forward-headers-secret", "Authorization=key", endpoint});
  auto const member = pid_of(u, "one");
  auto const gateway = gateway_pid(u);
  auto const port = gateway_port(u);
  fs::create_directories(u.home() / "new/bin");
  fs::copy_file(THV_PROGRAM, u.home() / "new/bin/thv-engine");
  fs::create_directory_symlink(fs::path(THV_PROGRAM).parent_path().parent_path() / "lib",
                               u.home() / "new/lib");
  u.set("THV_SECRET_key", "");
  auto const started =
      u.run_program((u.home() / "new/bin/thv-engine").string(), {"gateway", "start"});
  INFO(started.err);
  CHECK(started.status == 0);
  CHECK(gateway_pid(u) != gateway);
  CHECK(gateway_port(u) == port);
  CHECK(pid_of(u, "one") == member);
  CHECK(u.expect_done({"mcp", "list", "far"}).find("echo") != std::string::npos);
}

TEST_CASE("gateway run serves in the foreground until it is told to end", "[cli][gateway]") {
  user u;
  u.write("config/thv-engine/config.toml", "[gateway]\nlog_format = \"json\"\n");
  running gateway({"gateway", "run"}, u.variables(), THV_PROGRAM, u.home().string());
  REQUIRE(gateway.wait_for_error("serving at"));
  CHECK(gateway_state(u) == "running");
  auto const second = u.run({"gateway", "run"});
  CHECK(second.status == 1);
  CHECK(second.err.find("a gateway of this state folder runs already (pid ") != std::string::npos);
  gateway.signal(SIGTERM);
  auto const ended = gateway.wait();
  CHECK(ended.status == 0);
  CHECK(ended.err.find(R"("level":"info","message":"serving at http://)") != std::string::npos);
  CHECK(read_file(u.home() / "state/thv-engine/gateway.log") == ended.err);
  CHECK(gateway_state(u) == "down");
}

TEST_CASE("with a token only its holders are served", "[cli][gateway]") {
  user u;
  auto const token = u.write("token", "0123456789abcdef0123456789abcdef\n");
  auto const config = [&](std::string const& file) {
    return fmt::format("[gateway]\ntoken_file = \"{}\"\n", file);
  };
  u.write("config/thv-engine/config.toml", config(token));
  auto const readable = u.run({"run", "--name", "one", TINY_SERVER});
  CHECK(readable.status == 0);
  CHECK(readable.err.find("other users may read the token") != std::string::npos);
  REQUIRE(chmod(token.c_str(), 0600) == 0);
  u.expect_done({"gateway", "start"});
  CHECK(u.expect_done({"mcp", "list", "one"}).find("echo") != std::string::npos);

  auto const other = u.write("other", "ffffffffffffffffffffffffffffffff");
  REQUIRE(chmod(other.c_str(), 0600) == 0);
  u.set("THV_CONFIG", u.write("other.toml", config(other)));
  auto const refused = u.run({"mcp", "list", "one"});
  CHECK(refused.status == 1);
  CHECK(refused.err.find("HTTP status 401") != std::string::npos);
}

TEST_CASE("what keeps the gateway from starting is told by who starts it", "[cli][gateway]") {
  user u;
  u.write("config/thv-engine/config.toml", "[gateway]\nlisten = \"0.0.0.0:47999\"\n");
  auto const seen = u.run({"gateway", "start"});
  CHECK(seen.status == 1);
  INFO(seen.err);
  CHECK(seen.err.find("token") != std::string::npos);
  CHECK(gateway_state(u) == "down");
  auto const ran = u.run({"run", "--name", "one", TINY_SERVER});
  CHECK(ran.status == 0);
  CHECK(ran.err.find("Warning: the gateway: ") != std::string::npos);
}

TEST_CASE("many commands at once start one gateway", "[cli][gateway]") {
  user u;
  std::vector<std::unique_ptr<running>> commands;
  for (int i = 0; i < 6; ++i)
    commands.push_back(std::make_unique<running>(
        std::vector<std::string>{"run", "--name", fmt::format("s{}", i), "--group",
                                 fmt::format("g{}", i), TINY_SERVER},
        u.variables(), THV_PROGRAM, u.home().string()));
  for (auto& command : commands) {
    auto const ended = command->wait();
    INFO(ended.err);
    CHECK(ended.status == 0);
    CHECK(ended.out.find("It is served at http://") != std::string::npos);
  }
  for (int i = 0; i < 6; ++i) CHECK(std::stol(pid_of(u, fmt::format("s{}", i))) > 0);
  auto const log = read_file(u.home() / "state/thv-engine/gateway.log");
  CHECK(log.find("serving at") == log.rfind("serving at"));
}
