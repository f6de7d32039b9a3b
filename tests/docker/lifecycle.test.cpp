// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <mutex>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "docker/engine.hpp"

using namespace thv::test;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using thv::errc;
using thv::transport;
using thv::workload_state;

TEST_CASE("The engine says who it is", "[docker]") {
  rig docker;
  auto const f = good(docker->identify(within(5s)));
  CHECK(f.engine == "Docker");
  CHECK_THAT(f.version, ContainsSubstring("(API 1."));
  CHECK(f.runs == std::vector{thv::source_kind::image});
  CHECK(f.enforces_mounts);
  CHECK_FALSE(f.enforces_outbound_rules);
  CHECK_FALSE(f.bare_host);
}

TEST_CASE("An engine that is not there is told at once, with what to do", "[docker]") {
  rig docker(table{{"endpoint", "unix:///nonexistent/docker.sock"}});
  auto const start = std::chrono::steady_clock::now();
  auto const f = docker->identify(within(60s));
  CHECK(std::chrono::steady_clock::now() - start < 500ms);
  REQUIRE_FALSE(f);
  CHECK(f.error().code == errc::unavailable);
  CHECK_THAT(f.error().message, ContainsSubstring("no such file or directory"));
  CHECK_THAT(f.error().hint, ContainsSubstring("DOCKER_HOST"));
}

TEST_CASE("A stdio member lives, is spoken to, stopped, started and removed", "[docker]") {
  rig docker;
  auto spec = docker.tiny("stdio");
  spec.environment = {{"TEAM_ID", "blue"}, {"TOKEN", "s3cret"}};
  spec.secret_names = {"gh,target=TOKEN"};
  auto const made = good(docker->deploy(within(30s), spec));
  CHECK(made.state == workload_state::running);
  CHECK(made.workload == spec.name);
  CHECK(made.store == docker.store());
  CHECK(made.pid > 0);
  CHECK(made.secret_names == spec.secret_names);
  {
    auto const s = good(docker->attach(within(5s), made.id));
    CHECK(s.frames == thv::plugin::stream::framing::docker);
    CHECK_FALSE(s.dirty);
    CHECK_THAT(converse(s, initialize), ContainsSubstring("\"serverInfo\""));
    auto const env =
        converse(s, R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"get-env",)"
                    R"("arguments":{}}})");
    CHECK_THAT(env, ContainsSubstring("blue") && ContainsSubstring("s3cret") &&
                        ContainsSubstring("MCP_TRANSPORT"));
    auto const second = docker->attach(within(5s), made.id);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == errc::conflict);
    ::close(s.read_fd);
  }
  {
    auto const s = good(docker->attach(within(5s), made.id));
    CHECK_FALSE(s.dirty);
    CHECK_THAT(converse(s, R"({"jsonrpc":"2.0","id":3,"method":"tools/list"})"),
               ContainsSubstring("\"tools\""));
    ::close(s.read_fd);
  }
  auto const labels = boost::json::serialize(outsider().inspect(made.id).at("Config").at("Labels"));
  CHECK_THAT(labels, ContainsSubstring("gh,target=TOKEN") && !ContainsSubstring("s3cret"));

  good(docker->stop(within(20s), made.id));
  auto const stopped = good(docker->inspect(within(5s), made.id));
  CHECK(stopped.state == workload_state::stopped);
  CHECK(stopped.exit_code);
  good(docker->stop(within(20s), made.id));
  CHECK(docker->attach(within(5s), made.id).error().code == errc::exited);

  auto const again = good(docker->start(within(20s), made.id));
  CHECK(again.state == workload_state::running);
  CHECK(again.session_key != made.session_key);
  good(docker->start(within(20s), made.id));

  auto const all = good(docker->list(within(20s)));
  auto const mine = std::count_if(all.begin(), all.end(),
                                  [&](auto const& i) { return i.store == docker.store(); });
  CHECK(mine == 1);

  good(docker->remove(within(20s), made.id));
  good(docker->remove(within(20s), made.id));
  good(docker->stop(within(20s), made.id));
  CHECK(docker->inspect(within(5s), made.id).error().code == errc::not_found);
  CHECK(docker->start(within(5s), made.id).error().code == errc::not_found);
}

TEST_CASE("Whoever was attached and killed leaves a mark until the next or a restart", "[docker]") {
  rig docker;
  auto const made = good(docker->deploy(within(30s), docker.tiny("dirty")));
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  auto const child = ::fork();
  if (child == 0) {
    auto const s = docker->attach(within(5s), made.id);
    [[maybe_unused]] auto const told = ::write(ready[1], s ? "y" : "n", 1);
    for (;;) ::pause();
  }
  char said = 0;
  REQUIRE(::read(ready[0], &said, 1) == 1);
  CHECK(said == 'y');
  CHECK(docker->attach(within(5s), made.id).error().code == errc::conflict);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  SECTION("seen by the next") {
    {
      auto const s = good(docker->attach(within(5s), made.id));
      CHECK(s.dirty);
      ::close(s.read_fd);
    }
    auto const s = good(docker->attach(within(5s), made.id));
    CHECK_FALSE(s.dirty);
    ::close(s.read_fd);
  }
  SECTION("gone after a restart") {
    good(docker->stop(within(20s), made.id));
    good(docker->start(within(20s), made.id));
    auto const s = good(docker->attach(within(5s), made.id));
    CHECK_FALSE(s.dirty);
    ::close(s.read_fd);
  }
}

TEST_CASE("An HTTP member answers at its published port", "[docker]") {
  rig docker;
  auto spec = docker.tiny("http", transport::streamable_http);
  SECTION("at the port its image exposes") {}
  SECTION("at a port the user names") {
    spec.target_port = 4711;
  }
  SECTION("at a port of the host's own network") {
    spec.permissions.network.mode = "host";
  }
  auto const made = good(docker->deploy(within(30s), spec));
  CHECK(made.port != 0);
  auto const where = good(docker->where(within(5s), made.id));
  CHECK(where.url == "http://127.0.0.1:" + std::to_string(made.port) + "/mcp");
  CHECK_THAT(initialize_at(where.url), ContainsSubstring("\"serverInfo\""));
  CHECK(docker->attach(within(5s), made.id).error().code == errc::unsupported);
  good(docker->stop(within(20s), made.id));
  CHECK(docker->where(within(5s), made.id).error().code == errc::exited);
}

TEST_CASE("An SSE member's URL ends in /sse", "[docker]") {
  rig docker;
  auto const made = good(docker->deploy(within(30s), docker.tiny("sse", transport::sse)));
  CHECK_THAT(good(docker->where(within(5s), made.id)).url, Catch::Matchers::EndsWith("/sse"));
}

TEST_CASE("A member is confined as its permission profile says", "[docker]") {
  rig docker;
  auto spec = docker.tiny("confined");
  spec.permissions.read = {"/etc/hostname:/host/hostname"};
  spec.permissions.write = {"/tmp:/host/tmp"};
  spec.permissions.network.mode = "none";
  auto const made = good(docker->deploy(within(30s), spec));
  auto const status = [&] {
    std::ifstream file("/proc/" + std::to_string(made.pid) + "/status");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  CHECK_THAT(status,
             ContainsSubstring("CapBnd:\t0000000000000000") && ContainsSubstring("NoNewPrivs:\t1"));
  auto const mounts = [&] {
    std::ifstream file("/proc/" + std::to_string(made.pid) + "/mountinfo");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }();
  CHECK_THAT(mounts, ContainsSubstring(" /host/hostname ro"));
  CHECK_THAT(mounts, ContainsSubstring(" /host/tmp rw"));
  CHECK(outsider().inspect(made.id).at("HostConfig").at("NetworkMode") == "none");
}

TEST_CASE("A member that ends early is seen at once, with its status and log", "[docker]") {
  rig docker;
  auto spec = docker.tiny("short");
  spec.environment = {{"TINY_EXIT_AFTER_MS", "50"}, {"TINY_EXIT_CODE", "3"}, {"TINY_GARBAGE", "1"}};
  auto const made = good(docker->deploy(within(30s), spec));
  thv::plugin::instance seen;
  bool coded = false;
  CHECK(eventually(
      [&] {
        seen = good(docker->inspect(within(5s), made.id));
        if (seen.state == workload_state::running) return false;
        coded = seen.exit_code == 3;
        return coded && seen.state == workload_state::error;
      },
      5s));
  CHECK_THAT(seen.message, ContainsSubstring("exited with status 3, restarted"));
  std::string log;
  good(docker->logs(within(5s), made.id, {.tail = 5}, [&](std::string_view piece) {
    log += piece;
    return true;
  }));
  CHECK_FALSE(log.empty());
}

TEST_CASE("Logs are followed until the member ends", "[docker]") {
  rig docker;
  auto spec = docker.tiny("log", transport::streamable_http);
  spec.source = thv::parse_source("ghcr.io/stackloklabs/gofetch/server:0.0.6");
  spec.arguments = {};
  auto const made = good(docker->deploy(within(30s), spec));
  std::promise<std::string> all;
  std::jthread const follower([&] {
    std::string text;
    auto const done =
        docker->logs(within(60s), made.id, {.follow = true}, [&](std::string_view piece) {
          text += piece;
          return true;
        });
    all.set_value(done ? text : to_string(done.error()));
  });
  CHECK_FALSE(initialize_at(good(docker->where(within(5s), made.id)).url).empty());
  auto followed = all.get_future();
  CHECK(followed.wait_for(100ms) == std::future_status::timeout);
  good(docker->stop(within(20s), made.id));
  REQUIRE(followed.wait_for(5s) == std::future_status::ready);
  auto const text = followed.get();
  CHECK_THAT(text, ContainsSubstring("listening on port"));
  std::string last;
  good(docker->logs(within(5s), made.id, {.tail = 1}, [&](std::string_view piece) {
    last += piece;
    return true;
  }));
  CHECK(std::count(last.begin(), last.end(), '\n') == 1);
  CHECK_THAT(text, Catch::Matchers::EndsWith(last));
}

TEST_CASE("The log of a stdio member holds what it says to people", "[docker]") {
  rig docker;
  auto spec = docker.tiny("quiet");
  spec.source = thv::parse_source("mcp/everything:2026.8.31");
  auto const made = good(docker->deploy(within(30s), spec));
  auto const s = good(docker->attach(within(5s), made.id));
  CHECK_THAT(converse(s, initialize), ContainsSubstring("serverInfo"));
  ::close(s.read_fd);
  auto const read = [&](thv::plugin::log_options options) {
    std::string text;
    std::stop_source enough;
    std::jthread const timer([&] {
      std::this_thread::sleep_for(500ms);
      enough.request_stop();
    });
    auto const done = docker->logs(within(10s, enough.get_token()), made.id, options,
                                   [&](std::string_view piece) {
                                     text += piece;
                                     return true;
                                   });
    CHECK((done || done.error().code == errc::cancelled));
    return text;
  };
  auto const whole = read({});
  CHECK_THAT(whole, ContainsSubstring("Starting") && !ContainsSubstring("jsonrpc"));
  CHECK_THAT(whole, Catch::Matchers::EndsWith(read({.tail = 1})));
  CHECK_THAT(whole, Catch::Matchers::EndsWith(read({.follow = true, .tail = 1})));
  CHECK(read({.follow = true}) == whole);
}

TEST_CASE("State changes are watched", "[docker]") {
  rig docker;
  std::stop_source enough;
  std::mutex mutex;
  std::vector<thv::plugin::event> seen;
  std::promise<bool> ended;
  std::jthread const watcher([&] {
    auto const done = docker->watch(within(60s, enough.get_token()), [&](auto const& e) {
      std::lock_guard const lock(mutex);
      if (e.workload == docker.name("watched")) seen.push_back(e);
      return true;
    });
    ended.set_value(static_cast<bool>(done));
  });
  auto spec = docker.tiny("watched");
  auto const made = good(docker->deploy(within(30s), spec));
  // The stream has begun once it tells something; until then a start may be missed.
  REQUIRE(eventually([&] {
    good(docker->stop(within(20s), made.id));
    good(docker->start(within(20s), made.id));
    std::lock_guard const lock(mutex);
    return !seen.empty();
  }));
  good(docker->remove(within(20s), made.id));
  CHECK(eventually([&] {
    std::lock_guard const lock(mutex);
    return !seen.empty() && seen.back().kind == "remove";
  }));
  enough.request_stop();
  auto end = ended.get_future();
  REQUIRE(end.wait_for(1s) == std::future_status::ready);
  CHECK(end.get());
  auto const died =
      std::find_if(seen.begin(), seen.end(), [](auto const& e) { return e.kind == "die"; });
  REQUIRE(died != seen.end());
  CHECK(died->exit_code);
  CHECK(died->id == made.id);
}
