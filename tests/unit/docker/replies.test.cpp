// SPDX-License-Identifier: Apache-2.0
#include "docker/protocol.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using Catch::Matchers::ContainsSubstring;
using thv::errc;
using thv::workload_state;
using thv::docker::parse_container;
using thv::docker::parse_event;
using thv::docker::parse_message;
using thv::docker::parse_time;

namespace {

constexpr std::int64_t started = 1795818759805;  // 2026-11-27T22:32:39.805Z
constexpr std::int64_t later = started + 3'600'000;

/// A reply of Docker 20.10 with some state, shortened to what matters.
std::string inspected(std::string const& state, int restarts = 0,
                      std::string const& ports = R"({"8080/tcp":null})") {
  return R"({"Id":"fbe16aab7c2f","Created":"2026-11-27T22:32:39.022910793Z","State":)" + state +
         R"(,"Name":"/fetch","RestartCount":)" + std::to_string(restarts) +
         R"(,"HostConfig":{"NetworkMode":"default","PortBindings":{"8080/tcp":[{"HostIp":"127.0.0.1",
"HostPort":"0"}]}},"Config":{"Image":"mcp/tiny:1","OpenStdin":true,"Labels":{"toolhive":"true",
"toolhive-name":"fetch","toolhive-transport":"streamable-http","toolhive-port":"8080",
"thv.group":"team","thv.store":"s1","thv.config-hash":"h1","thv.deploy":"n0",
"thv.secrets":"[\"gh,target=TOKEN\"]","team":"blue"}},"NetworkSettings":{"Ports":)" +
         ports + "}}";
}

constexpr char running[] =
    R"({"Status":"running","Running":true,"Restarting":false,"OOMKilled":false,"Pid":3708,
"ExitCode":0,"Error":"","StartedAt":"2026-11-27T22:32:39.805686309Z",
"FinishedAt":"0001-01-01T00:00:00Z"})";

std::string state(std::string const& status, int exit_code = 0, std::string const& error = "",
                  bool out_of_memory = false) {
  return R"({"Status":")" + status + R"(","Running":)" +
         (status == "restarting" ? "true" : "false") + R"(,"Pid":0,"ExitCode":)" +
         std::to_string(exit_code) + R"(,"Error":")" + error + R"(","OOMKilled":)" +
         (out_of_memory ? "true" : "false") + R"(,"StartedAt":"0001-01-01T00:00:00Z"})";
}

thv::docker::container parsed(std::string const& body, std::int64_t now = later) {
  auto c = parse_container(body, now);
  INFO((c ? "" : to_string(c.error())));
  REQUIRE(c);
  return *c;
}

}  // namespace

TEST_CASE("A running container becomes an instance", "[docker]") {
  auto const c = parsed(inspected(
      running, 0, R"({"9001/tcp":null,"8080/tcp":[{"HostIp":"127.0.0.1","HostPort":"49153"}]})"));
  auto const& i = c.instance;
  CHECK(i.id == "fbe16aab7c2f");
  CHECK(i.workload == "fetch");
  CHECK(i.group == "team");
  CHECK(i.store == "s1");
  CHECK(i.config_hash == "h1");
  CHECK(i.state == workload_state::running);
  CHECK_FALSE(i.exit_code);
  CHECK(i.message.empty());
  CHECK(i.created_at == 1795818759022);
  CHECK(i.started_at == started);
  CHECK(i.session_key == "fbe16aab7c2f@2026-11-27T22:32:39.805686309Z");
  CHECK(i.pid == 3708);
  CHECK(i.transport == thv::transport::streamable_http);
  CHECK(i.port == 49153);
  CHECK(i.package == "mcp/tiny:1");
  CHECK(i.labels.at("team") == "blue");
  CHECK(i.secret_names == std::vector<std::string>{"gh,target=TOKEN"});
  CHECK(i.notes.empty());
  CHECK(c.name == "fetch");
  CHECK(c.nonce == "n0");
  CHECK(c.running);
  CHECK(c.host_ip == "127.0.0.1");
}

TEST_CASE("Docker's states become ours", "[docker]") {
  auto const of = [](std::string const& s, int restarts = 0) {
    return parsed(inspected(s, restarts)).instance;
  };
  CHECK(of(state("created")).state == workload_state::starting);
  CHECK(of(state("paused")).state == workload_state::stopped);
  CHECK(of(state("removing")).state == workload_state::removing);
  CHECK(of(state("something new")).state == workload_state::unknown);
  CHECK(of(state("dead", 1)).state == workload_state::stopped);

  auto const exited = of(state("exited", 137));
  CHECK(exited.state == workload_state::stopped);
  CHECK(exited.exit_code == 137);
  CHECK(exited.message == "exited with status 137");
  CHECK(of(state("exited", 137, "", true)).message ==
        "killed for want of memory, exited with status 137");

  auto const failed = of(state("created", 127, "exec: not found"));
  CHECK(failed.state == workload_state::error);
  CHECK(failed.exit_code == 127);
  CHECK(failed.message == "exec: not found");
}

TEST_CASE("A container that the engine restarts is seen to fail", "[docker]") {
  auto const restarting = parsed(inspected(state("restarting", 3), 2)).instance;
  CHECK(restarting.state == workload_state::error);
  CHECK(restarting.exit_code == 3);
  CHECK(restarting.message == "exited with status 3, restarted 2 times");
  auto const again = parsed(inspected(running, 1), started + 500).instance;
  CHECK(again.state == workload_state::error);
  CHECK(again.message == "restarted 1 time");
  auto const settled = parsed(inspected(running, 1), later).instance;
  CHECK(settled.state == workload_state::running);
  CHECK(settled.message == "restarted 1 time");
}

TEST_CASE("A failing health check and an open port are told", "[docker]") {
  std::string sick = running;
  sick.insert(sick.size() - 1, R"(,"Health":{"Status":"unhealthy"})");
  CHECK(parsed(inspected(sick)).instance.state == workload_state::unhealthy);
  auto const open =
      parsed(inspected(running, 0, R"({"8080/tcp":[{"HostIp":"0.0.0.0","HostPort":"49153"}]})"));
  CHECK(open.instance.notes.size() == 1);
}

TEST_CASE("A container of somebody else has no store", "[docker]") {
  auto const c = parsed(R"({"Id":"a","Name":"/other","State":{"Status":"running"},
"Config":{"Image":"x","Labels":null}})");
  CHECK(c.instance.store.empty());
  CHECK(c.instance.workload == "other");
  CHECK(c.instance.labels.empty());
}

TEST_CASE("Replies that are none are errors", "[docker]") {
  for (auto const* body : {"", "null", "[]", "{}", R"({"Id":7})", "<html>", R"({"Id":"a")"}) {
    INFO(body);
    auto const c = parse_container(body, 0);
    REQUIRE_FALSE(c);
    CHECK(c.error().code == errc::engine);
  }
  CHECK_FALSE(thv::docker::parse_created(R"({"Warnings":[]})"));
  CHECK(*thv::docker::parse_created(R"({"Id":"a1","Warnings":[]})") == "a1");
  CHECK_FALSE(thv::docker::parse_ids("{}"));
  CHECK_FALSE(thv::docker::parse_nonces("{}"));
  CHECK_FALSE(thv::docker::parse_version("{}"));
  CHECK_FALSE(thv::docker::parse_exposed_ports("x"));
}

TEST_CASE("The marks of deploys are read from a list of containers", "[docker]") {
  auto const found = thv::docker::parse_nonces(
      R"([{"Id":"a","Labels":{"thv.deploy":"11"}},{"Id":"b","Labels":{}},{"Id":"c"},)"
      R"({"Id":"d","Labels":{"thv.deploy":"22"}},{"Id":"e","Labels":{"thv.deploy":7}}])");
  REQUIRE(found);
  CHECK(*found == std::set<std::string>{"11", "22"});
}

TEST_CASE("The engine's words are taken from where it puts them", "[docker]") {
  CHECK(parse_message(R"({"message":"No such container: nope"})") == "No such container: nope");
  CHECK(parse_message("client version 1.10 is too old\n") == "client version 1.10 is too old");
  CHECK(parse_message(R"({"cause":"podman says"})") == "podman says");
  CHECK(parse_message("") == "");
}

TEST_CASE("The version to speak is the newest that both know", "[docker]") {
  using thv::docker::negotiate;
  auto const v = thv::docker::parse_version(
      R"({"Components":[{"Name":"Engine"}],"Version":"20.10.24","ApiVersion":"1.41",
"MinAPIVersion":"1.12"})");
  REQUIRE(v);
  CHECK(v->engine == "Docker");
  CHECK(v->version == "20.10.24");
  CHECK(*negotiate(*v) == "1.41");
  CHECK(*negotiate({"Docker", "29", "1.52", "1.44"}) == "1.44");
  CHECK(*negotiate({"Docker", "31", "1.60", "1.50"}) == "1.50");
  auto const old = negotiate({"Docker", "18", "1.38", "1.12"});
  REQUIRE_FALSE(old);
  CHECK(old.error().code == errc::unsupported);
  auto const podman = thv::docker::parse_version(
      R"({"Components":[{"Name":"Podman Engine"}],"Version":"4.3.1","ApiVersion":"1.41"})");
  REQUIRE(podman);
  CHECK(podman->engine == "Podman");
}

TEST_CASE("Events of containers are told in our words", "[docker]") {
  auto const line = [](std::string const& action, std::string const& more = "") {
    return R"({"status":"die","id":"a1","from":"mcp/tiny:1","Type":"container","Action":")" +
           action + R"(","Actor":{"ID":"a1","Attributes":{"image":"x","name":"fetch",
"toolhive-name":"fetch")" +
           more + R"(}},"scope":"local","time":1795818760,"timeNano":1795818760123456789})";
  };
  auto const die = parse_event(line("die", R"(,"exitCode":"137")"));
  REQUIRE(die);
  CHECK(die->kind == "die");
  CHECK(die->exit_code == 137);
  CHECK(die->id == "a1");
  CHECK(die->workload == "fetch");
  CHECK(die->time == 1795818760123);
  CHECK(parse_event(line("destroy"))->kind == "remove");
  CHECK(parse_event(line("start"))->kind == "start");
  CHECK(parse_event(line("stop"))->kind == "stop");
  CHECK_FALSE(parse_event(line("create")));
  CHECK_FALSE(parse_event(line("exec_start: sh")));
  CHECK_FALSE(parse_event("not json"));
}

TEST_CASE("Times of the engine are read to the millisecond", "[docker]") {
  CHECK(parse_time("1970-01-01T00:00:01Z") == 1000);
  CHECK(parse_time("2026-11-27T22:32:39.805686309Z") == started);
  CHECK(parse_time("2026-11-27T22:32:39.8Z") == started - 5);
  for (auto const* none : {"0001-01-01T00:00:00Z", "", "yesterday", "2026-11-27", "2026-11-27T22Z"})
    CHECK(parse_time(none) == 0);
}

TEST_CASE("A pull is told in megabytes, its failure in the engine's words", "[docker]") {
  thv::docker::pull_progress p("img:1");
  CHECK(p.feed(R"({"status":"Pulling from mcp/tiny","id":"1"})") == "pulling img:1");
  CHECK(p.feed(R"({"status":"Downloading","progressDetail":{"current":10000000,
"total":40000000},"id":"a"})") == "pulling img:1: 10 of 40 MB");
  CHECK(p.feed(R"({"status":"Downloading","progressDetail":{"current":5000000,
"total":10000000},"id":"b"})") == "pulling img:1: 15 of 50 MB");
  CHECK_FALSE(p.feed(R"({"status":"Downloading","progressDetail":{"current":5000001,
"total":10000000},"id":"b"})"));
  CHECK(p.feed(R"({"status":"Download complete","progressDetail":{},"id":"a"})") ==
        "pulling img:1: 45 of 50 MB");
  p.feed(R"({"status":"Download complete","id":"b"})");
  CHECK(p.feed(R"({"status":"Extracting","progressDetail":{"current":1,"total":2},"id":"a"})") ==
        "pulling img:1: unpacking");
  CHECK(p.failure().empty());
  p.feed(R"({"errorDetail":{"message":"no space left on device"},"error":"short"})");
  CHECK(p.failure() == "no space left on device");
  CHECK_FALSE(p.feed("garbage"));
}
