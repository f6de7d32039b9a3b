// SPDX-License-Identifier: Apache-2.0
#include <atomic>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "docker/engine.hpp"

using namespace thv::test;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using thv::errc;
using thv::transport;
using thv::workload_state;

namespace {

/// How many containers a store has, whatever their state.
std::size_t count(rig& docker) {
  std::size_t n = 0;
  for (auto const& i : good(docker->list(within(30s)))) n += i.store == docker.store();
  return n;
}

/// A container that thv-engine did not make.
class stranger {
 public:
  explicit stranger(std::string name, boost::json::object labels = {}) : name_(std::move(name)) {
    auto const made =
        engine_.ask("POST", "/containers/create?name=" + name_,
                    {{"Image", "mcp/tiny:1"}, {"Cmd", {"http"}}, {"Labels", std::move(labels)}});
    REQUIRE(made.status == 201);
    id_ = boost::json::parse(made.body).at("Id").as_string().c_str();
    REQUIRE(engine_.ask("POST", "/containers/" + id_ + "/start").status == 204);
    before_ = state();
  }
  stranger(stranger const&) = delete;
  stranger& operator=(stranger const&) = delete;
  ~stranger() { engine_.ask("DELETE", "/containers/" + id_ + "?force=1&v=1"); }

  [[nodiscard]] std::string const& id() const { return id_; }
  [[nodiscard]] bool untouched() const { return state() == before_; }

 private:
  [[nodiscard]] std::string state() const {
    auto const found = engine_.inspect(id_);
    return boost::json::serialize(found.at("State")) + boost::json::serialize(found.at("Name"));
  }

  outsider engine_;
  std::string name_;
  std::string id_;
  std::string before_;
};

}  // namespace

TEST_CASE("Containers of others are never touched", "[docker]") {
  rig docker;
  rig other;
  std::string whose;
  auto const check = [&](std::string const& id, auto untouched) {
    for (auto const& e : {docker->stop(within(5s), id), docker->remove(within(5s), id)}) {
      REQUIRE_FALSE(e);
      CHECK(e.error().code == errc::conflict);
      CHECK_THAT(e.error().message, ContainsSubstring(whose));
    }
    CHECK(docker->start(within(5s), id).error().code == errc::conflict);
    CHECK(docker->attach(within(5s), id).error().code == errc::conflict);
    auto replacing = docker.tiny("a");
    replacing.replaces = id;
    CHECK(docker->deploy(within(30s), replacing).error().code == errc::conflict);
    auto named = docker.tiny("a");
    named.name = docker.name("foreign");
    auto const taken = docker->deploy(within(30s), named);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code == errc::conflict);
    CHECK_THAT(taken.error().message, ContainsSubstring(id.substr(0, 12)) &&
                                          ContainsSubstring("mcp/tiny:1") &&
                                          ContainsSubstring(whose));
    CHECK_FALSE(taken.error().hint.empty());
    CHECK(untouched());
    CHECK(count(docker) == 0);
  };
  SECTION("of somebody without labels") {
    whose = "was not made by thv-engine";
    stranger const foreign(docker.name("foreign"));
    check(foreign.id(), [&] { return foreign.untouched(); });
  }
  SECTION("of ToolHive") {
    whose = "was made by ToolHive";
    stranger const foreign(docker.name("foreign"), {{"toolhive", "true"}});
    check(foreign.id(), [&] { return foreign.untouched(); });
  }
  SECTION("of another store") {
    whose = "store " + other.store();
    auto spec = other.tiny("x");
    spec.name = docker.name("foreign");
    auto const made = good(other->deploy(within(30s), spec));
    check(made.id, [&] {
      auto const now = good(other->inspect(within(5s), made.id));
      return now.session_key == made.session_key && now.state == workload_state::running;
    });
  }
}

TEST_CASE("What cannot start leaves nothing behind and says why", "[docker]") {
  rig docker;
  auto spec = docker.tiny("bad");
  spec.environment = {{"TOKEN", "nope-secret"}};
  spec.secret_names = {"t,target=TOKEN"};
  thv::error e;
  SECTION("an image that is not there") {
    spec.source = thv::parse_source("mcp/no-such-image:1");
    e = docker->deploy(within(30s), spec).error();
    CHECK(e.code == errc::not_found);
    CHECK_THAT(e.message, ContainsSubstring("mcp/no-such-image:1"));
  }
  SECTION("a mount without a source") {
    spec.permissions.read = {"/nonexistent/folder:/data"};
    e = docker->deploy(within(30s), spec).error();
    CHECK(e.code == errc::invalid_argument);
    CHECK_THAT(e.engine_message, ContainsSubstring("/nonexistent/folder"));
  }
  SECTION("a network that is not there, in the engine's words without the secret") {
    spec.permissions.network.mode = "nope-secret";
    e = docker->deploy(within(30s), spec).error();
    CHECK(e.code == errc::engine);
    CHECK(e.engine_message == "network … not found");
  }
  SECTION("a program that is not there") {
    spec.mounts = {{.source = "/etc", .target = "/tiny/x"}};
    e = docker->deploy(within(30s), spec).error();
    CHECK(e.code == errc::engine);
    CHECK_FALSE(e.engine_message.empty());
  }
  SECTION("a package") {
    spec.source = thv::parse_source("npx://server");
    e = docker->deploy(within(30s), spec).error();
    CHECK(e.code == errc::unsupported);
  }
  SECTION("HTTP without a network") {
    spec.transport = transport::sse;
    spec.permissions.network.mode = "none";
    e = docker->deploy(within(30s), spec).error();
    CHECK(e.code == errc::invalid_argument);
  }
  SECTION("a call that is cancelled") {
    std::stop_source stop;
    stop.request_stop();
    e = docker->deploy(within(30s, stop.get_token()), spec).error();
    CHECK(e.code == errc::cancelled);
  }
  SECTION("a call without time") {
    e = docker->deploy(within(0ms), spec).error();
    CHECK(e.code == errc::timeout);
  }
  CHECK_THAT(e.message + e.engine_message + e.hint, !ContainsSubstring("nope-secret"));
  CHECK(count(docker) == 0);
}

TEST_CASE("A deploy that is stopped anywhere leaves nothing behind", "[docker]") {
  rig docker;
  int undone = 0;
  for (int ms = 0; ms < 400; ms += 40) {
    std::stop_source stop;
    std::jthread const stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(ms));
      stop.request_stop();
    });
    auto const made = docker->deploy(within(30s, stop.get_token()), docker.tiny("stopped"));
    if (made) {
      good(docker->remove(within(20s), made->id));
    } else {
      CHECK(made.error().code == errc::cancelled);
      ++undone;
    }
    CHECK(count(docker) == 0);
  }
  CHECK(undone > 0);
}

TEST_CASE("A port that is taken is a conflict in the engine's words", "[docker]") {
  rig docker;
  auto first = docker.tiny("first", transport::streamable_http);
  auto const made = good(docker->deploy(within(30s), first));
  auto second = docker.tiny("second", transport::streamable_http);
  second.publish = {std::to_string(made.port) + ":3001"};
  auto const taken = docker->deploy(within(30s), second);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == errc::conflict);
  CHECK_THAT(taken.error().engine_message, ContainsSubstring(std::to_string(made.port)));
  CHECK(count(docker) == 1);
  CHECK(good(docker->inspect(within(5s), made.id)).state == workload_state::running);
}

TEST_CASE("A replaced member is kept until it is removed or brought back", "[docker]") {
  rig docker;
  auto const old = good(docker->deploy(within(30s), docker.tiny("m")));
  auto spec = docker.tiny("m");
  spec.config_hash = "other";
  spec.replaces = old.id;
  auto const fresh = good(docker->deploy(within(30s), spec));
  CHECK(fresh.id != old.id);
  CHECK(fresh.config_hash == "other");
  auto const aside = good(docker->inspect(within(5s), old.id));
  CHECK(aside.state == workload_state::stopped);
  CHECK(aside.workload == old.workload);
  CHECK_THAT(outsider().name_of(old.id), StartsWith(old.workload + "-thv-previous-"));
  SECTION("removed") {
    good(docker->remove(within(20s), old.id));
    CHECK(good(docker->inspect(within(5s), fresh.id)).state == workload_state::running);
    CHECK(count(docker) == 1);
  }
  SECTION("brought back") {
    CHECK(docker->start(within(20s), old.id).error().code == errc::conflict);
    good(docker->remove(within(20s), fresh.id));
    auto const back = good(docker->start(within(20s), old.id));
    CHECK(back.state == workload_state::running);
    CHECK(outsider().name_of(old.id) == old.workload);
  }
}

TEST_CASE("A replacement that fails leaves the member as it was", "[docker]") {
  rig docker;
  auto first = docker.tiny("m", transport::streamable_http);
  auto const old = good(docker->deploy(within(30s), first));
  bool const running = GENERATE(true, false);
  if (!running) good(docker->stop(within(20s), old.id));
  auto spec = first;
  spec.replaces = old.id;
  bool restarted = false;
  SECTION("when it cannot be created") {
    spec.source = thv::parse_source("mcp/no-such-image:1");
    CHECK(docker->deploy(within(30s), spec).error().code == errc::not_found);
  }
  SECTION("when it cannot be started") {
    spec.permissions.network.mode = "nope-net";
    restarted = true;
    CHECK(docker->deploy(within(30s), spec).error().code == errc::engine);
  }
  auto const now = good(docker->inspect(within(5s), old.id));
  CHECK((now.state == workload_state::running) == running);
  if (!restarted && running) CHECK(now.session_key == old.session_key);
  CHECK(outsider().name_of(old.id) == old.workload);
  CHECK(count(docker) == 1);
  if (running)
    CHECK_THAT(initialize_at(good(docker->where(within(5s), old.id)).url),
               ContainsSubstring("serverInfo"));
}

TEST_CASE("Of many deploys of one name one wins and the others say whose it is", "[docker]") {
  rig docker;
  std::atomic<int> won = 0;
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 6; ++t)
      threads.emplace_back([&] {
        auto const made = docker->deploy(within(60s), docker.tiny("same"));
        if (made) ++won;
        if (!made && made.error().code == errc::conflict) ++refused;
      });
  }
  CHECK(won == 1);
  CHECK(refused == 5);
  CHECK(count(docker) == 1);
}

TEST_CASE("Many members are deployed and removed at once", "[docker]") {
  rig docker;
  std::atomic<int> good_ones = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 6; ++t)
      threads.emplace_back([&, t] {
        auto const made =
            docker->deploy(within(60s), docker.tiny(std::to_string(t), transport::streamable_http));
        if (!made || initialize_at(docker->where(within(5s), made->id).value().url).empty()) return;
        if (docker->remove(within(60s), made->id)) ++good_ones;
      });
  }
  CHECK(good_ones == 6);
  CHECK(count(docker) == 0);
}
