// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/engine_backend.hpp>

#include <catch2/catch_test_macros.hpp>

#include <fstream>
#include <sstream>

#include <support/fake_runtime.hpp>
#include <thv/store/memory_store.hpp>

using namespace thv;
using gateway::attachment;

namespace {

/// A runtime in memory whose members can be attached to, with or without a supervisor of its own.
class attachable : public thv::testing::fake_runtime {
 public:
  explicit attachable(bool bare) : bare_(bare) {}

  result<plugin::fingerprint> identify(plugin::call const& c) noexcept override {
    auto who = fake_runtime::identify(c);
    if (who) who->bare_host = bare_;
    if (who) who->secret_files = true;
    return who;
  }
  result<plugin::stream> attach(plugin::call const&, std::string const&) noexcept override {
    if (attached) return fail(errc::conflict, "somebody is attached");
    return plugin::stream{};
  }
  result<plugin::endpoint> where(plugin::call const&, std::string const&) noexcept override {
    plugin::endpoint e;
    e.url = "http://127.0.0.1:1/mcp";
    return e;
  }

  bool attached = false;

 private:
  bool bare_;
};

struct bench {
  using backend_type = gateway::engine_backend<static_runtimes, store::memory_store>;

  static_runtimes runtimes;
  attachable* local = nullptr;
  attachable* docker = nullptr;
  store::memory_store store;
  std::map<std::string, std::string> secrets;
  bool autostart = false;
  std::optional<basic_engine<static_runtimes, store::memory_store>> engine;
  std::optional<backend_type> backend;

  explicit bench(std::int64_t booted_at = 0) {
    local = add("local", true);
    docker = add("docker", false);
    auto const secret = [this](std::string const& name, std::string const&) -> result<std::string> {
      if (auto const found = secrets.find(name); found != secrets.end()) return found->second;
      return fail(errc::not_found, "no value for secret '" + name + "'");
    };
    engine_options options;
    options.probe = [](plugin::call const&, plugin::runtime& runtime, plugin::instance const& one,
                       run_config const&, bool initialised) {
      return static_cast<attachable&>(runtime).probe(one, initialised);
    };
    engine.emplace(runtimes, store, secret, options);
    backend.emplace(*engine, runtimes, store, secret,
                    gateway::engine_backend_options{
                        [this](std::string const&) { return autostart; }, booted_at});
  }

  attachable* add(std::string const& name, bool bare) {
    auto made = std::make_unique<attachable>(bare);
    auto* raw = made.get();
    REQUIRE(runtimes.add(name, std::move(made)));
    return raw;
  }

  void run(std::string const& name, std::string const& runtime = "local",
           std::function<void(run_config&)> const& change = {}) {
    run_config c;
    c.name = name;
    c.image = "npx://server";
    c.transport = transport::stdio;
    c.runtime = runtime;
    if (change) change(c);
    auto const report = engine->run({c});
    REQUIRE(report);
    REQUIRE(report->status == plan::completion::done);
  }

  store::workload_record record(std::string const& name) {
    auto found = store.workload(name);
    REQUIRE(found);
    REQUIRE(*found);
    return **found;
  }

  /// Its process ends by itself, as long ago as `uptime` allows.
  void crash(attachable& where, std::string const& name, std::int64_t started_at) {
    auto seen = where.inspect({}, record(name).instance);
    REQUIRE(seen);
    seen->state = workload_state::stopped;
    seen->message = "exited with status 1";
    seen->started_at = started_at;
    where.put(*seen);
  }

  result<attachment> open(std::string const& name) {
    return backend->open({std::chrono::steady_clock::now() + std::chrono::seconds(5), {}, {}},
                         name);
  }
};

std::int64_t now_milliseconds() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

template <class T>
std::string sentence(result<T> const& r) {
  return r ? "no error" : to_string(r.error());
}

}  // namespace

TEST_CASE("members are what the store holds, with what their last start said", "[gateway][unit]") {
  bench b;
  b.run("one");
  b.run("two", "docker", [](run_config& c) {
    c.on_demand = true;
    c.idle_timeout_ms = 5000;
    c.transport = transport::streamable_http;
  });
  auto const all = b.backend->members();
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK(all->at(0).name == "one");
  CHECK(all->at(0).streams);
  CHECK(all->at(0).known.session_key == b.record("one").session_key);
  CHECK_FALSE(all->at(1).streams);
  CHECK(all->at(1).on_demand);
  CHECK(all->at(1).idle_timeout == std::chrono::seconds(5));
}

TEST_CASE("a running member is attached to, and what it says is kept for its start only",
          "[gateway][unit]") {
  bench b;
  b.run("one");
  auto const way = b.open("one");
  INFO(sentence(way));
  REQUIRE(way);
  CHECK(way->stream);
  CHECK(way->session_key == b.record("one").session_key);

  gateway::catalogue const said{way->session_key,
                                "2025-06-18",
                                R"({"protocolVersion":"2025-06-18"})",
                                {{"tools/list", R"({"tools":[{"name":"x"},{"name":"y"}]})"}}};
  REQUIRE(b.backend->keep("one", said));
  CHECK(b.record("one").tools == std::vector<std::string>{"x", "y"});
  CHECK(b.backend->members()->at(0).known == said);

  auto late = said;
  late.session_key = "an earlier start";
  late.revision = "old";
  REQUIRE(b.backend->keep("one", late));
  CHECK(b.backend->members()->at(0).known == said);
  CHECK_FALSE(b.backend->keep("nobody", said));
}

TEST_CASE("while somebody else is attached the answer is: try again", "[gateway][unit]") {
  bench b;
  b.run("one");
  b.local->attached = true;
  auto const way = b.open("one");
  REQUIRE_FALSE(way);
  CHECK(way.error().code == errc::conflict);
}

TEST_CASE("a stopped or unknown member is refused in words for the client", "[gateway][unit]") {
  bench b;
  b.run("one");
  REQUIRE(b.engine->stop({{"one"}, {}, false}));
  auto const way = b.open("one");
  REQUIRE_FALSE(way);
  CHECK(way.error().code == errc::unavailable);
  CHECK(way.error().message == "'one' is stopped");
  CHECK(way.error().hint == "thv-engine start one");
  CHECK(b.open("nobody").error().code == errc::not_found);
}

TEST_CASE("a process member that ended is started again after its pause", "[gateway][unit]") {
  bench b;
  b.run("one");
  auto const before = b.record("one").session_key;
  b.crash(*b.local, "one", now_milliseconds());
  auto const at_once = b.open("one");
  REQUIRE_FALSE(at_once);
  CHECK(to_string(at_once.error()) ==
        "'one' ended (exited with status 1); it is started again in 1 s");
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));
  auto const way = b.open("one");
  INFO(sentence(way));
  REQUIRE(way);
  CHECK(way->session_key != before);
  CHECK(b.record("one").session_key == way->session_key);
}

TEST_CASE("what a command has stopped for a moment is not taken for a crash", "[gateway][unit]") {
  bench b;
  b.run("one");
  b.crash(*b.local, "one", now_milliseconds());
  store::operation_record restart;
  restart.kind = "restart";
  store::intent_record intent;
  intent.kind = store::intent_kind::start;
  intent.workload = "one";
  auto const crashed = b.store.begin(restart, {}, {intent});
  REQUIRE(crashed);
  CHECK(b.open("one").error().code == errc::unavailable);
  REQUIRE(b.store.end(*crashed, {}));

  // The first process of this machine runs as long as this test does.
  std::ifstream stat("/proc/1/stat");
  std::string const text(std::istreambuf_iterator<char>(stat), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  restart.owner = {1, std::stoll(field), store::this_process().boot_id};
  REQUIRE(store::is_alive(restart.owner));
  REQUIRE(b.store.begin(restart, {}, {intent}));
  CHECK(b.open("one").error().code == errc::conflict);
}

TEST_CASE("a container that ended is left to its daemon", "[gateway][unit]") {
  bench b;
  b.run("one", "docker");
  b.crash(*b.docker, "one", now_milliseconds());
  auto const calls = b.docker->calls().size();
  auto const way = b.open("one");
  REQUIRE_FALSE(way);
  CHECK(way.error().message == "'one' does not run (exited with status 1)");
  CHECK_FALSE(b.backend->tend({}, {}));
  CHECK(b.docker->calls().size() == calls);
}

TEST_CASE("after a reboot only members of groups with autostart return", "[gateway][unit]") {
  auto const booted = now_milliseconds() - 1000;
  bench b(booted);
  b.run("one");
  b.crash(*b.local, "one", booted - 60'000);
  auto const way = b.open("one");
  REQUIRE_FALSE(way);
  CHECK(way.error().message == "'one' does not run since the machine was restarted");
  CHECK(way.error().hint.find("[groups.default]") != std::string::npos);

  std::vector<std::string> started;
  auto const note = [&](std::string const& name, std::optional<error> const& failure) {
    if (!failure) started.push_back(name);
  };
  CHECK_FALSE(b.backend->tend({}, note));
  CHECK(started.empty());
  b.autostart = true;
  CHECK_FALSE(b.backend->tend({}, note));
  CHECK(started == std::vector<std::string>{"one"});
}

TEST_CASE("a member that ended waits for a secret, and starts when it can be had",
          "[gateway][unit]") {
  bench b(now_milliseconds() - 1000);
  b.autostart = true;
  b.secrets["token"] = "t-123456";
  b.run("one", "local", [](run_config& c) { c.secrets = {"token,target=TOKEN"}; });
  b.run("two");
  b.secrets.clear();
  b.crash(*b.local, "one", now_milliseconds() - 100'000);
  b.crash(*b.local, "two", now_milliseconds() - 100'000);
  std::vector<std::string> started;
  std::vector<std::string> failures;
  auto const note = [&](std::string const& name, std::optional<error> const& failure) {
    failure ? failures.push_back(to_string(*failure)) : started.push_back(name);
  };
  CHECK_FALSE(b.backend->tend({}, note));
  CHECK(started == std::vector<std::string>{"two"});
  CHECK(failures == std::vector<std::string>{"'one' is waiting for secret token"});
  CHECK(b.backend->waiting_for_secrets() == std::map<std::string, std::string>{{"one", "token"}});
  auto const way = b.open("one");
  REQUIRE_FALSE(way);
  CHECK(way.error().code == errc::unavailable);
  CHECK(way.error().message == "'one' is waiting for secret token");
  CHECK_FALSE(b.backend->tend({}, note));
  CHECK(failures.size() == 1);

  SECTION("the secret comes") {
    b.secrets["token"] = "t-123456";
    CHECK_FALSE(b.backend->tend({}, note));
    CHECK(started == std::vector<std::string>{"two", "one"});
    CHECK(b.backend->waiting_for_secrets().empty());
    CHECK(b.open("one"));
  }
  SECTION("it is stopped: it waits for nothing") {
    REQUIRE(b.engine->stop({{"one"}, {}, false}));
    CHECK_FALSE(b.backend->tend({}, note));
    CHECK(b.backend->waiting_for_secrets().empty());
  }
}

TEST_CASE("a container whose secrets lay in memory is started after a reboot", "[gateway][unit]") {
  auto const booted = now_milliseconds() - 1000;
  bench b(booted);
  b.autostart = true;
  b.secrets["token"] = "t-123456";
  b.run("one", "docker", [](run_config& c) { c.secrets = {"token,target=TOKEN,as=file"}; });
  b.run("two", "docker");
  std::vector<std::string> started;
  auto const note = [&](std::string const& name, std::optional<error> const& failure) {
    if (!failure) started.push_back(name);
  };
  b.crash(*b.docker, "one", now_milliseconds());
  b.crash(*b.docker, "two", booted - 60'000);
  CHECK_FALSE(b.backend->tend({}, note));
  CHECK(started.empty());
  b.crash(*b.docker, "one", booted - 60'000);
  CHECK_FALSE(b.backend->tend({}, note));
  CHECK(started == std::vector<std::string>{"one"});
}

TEST_CASE("a member that cannot be started says why and is tried less and less often",
          "[gateway][unit]") {
  bench b;
  b.run("one", "local", [](run_config& c) { c.on_demand = true; });
  REQUIRE(b.backend->sleep({}, "one"));
  b.local->fail_on("start", "one");
  auto const way = b.open("one");
  REQUIRE_FALSE(way);
  CHECK(to_string(way.error()) ==
        "'one' could not be started: start failed as told: words of the engine");
  auto const next = b.open("one");
  REQUIRE_FALSE(next);
  CHECK(next.error().message.find("is started again in") != std::string::npos);
}

TEST_CASE("an on-demand member sleeps and is woken by the next who opens it", "[gateway][unit]") {
  bench b;
  b.run("one", "local", [](run_config& c) { c.on_demand = true; });
  b.run("two");
  REQUIRE(b.backend->sleep({}, "one"));
  REQUIRE(b.backend->sleep({}, "two"));
  CHECK(b.local->running().size() == 1);  // only who is on demand sleeps
  CHECK(b.record("one").wanted_running);
  auto const view = b.engine->status("one");
  REQUIRE(view);
  CHECK(view->sleeps());
  CHECK(view->state_context == "sleeps until its first request");

  auto const way = b.open("one");
  INFO(sentence(way));
  REQUIRE(way);
  CHECK(b.local->running().size() == 2);
}

TEST_CASE("a remote member's headers come with its secrets, or the error says which is missing",
          "[gateway][unit]") {
  bench b;
  b.secrets["key"] = "Bearer abc";
  b.run("one", "docker", [](run_config& c) {
    c.transport = transport::streamable_http;
    c.plaintext_headers = {{"X-Plain", "1"}};
    c.secret_headers = {{"Authorization", "key"}};
  });
  auto const way = b.open("one");
  INFO(sentence(way));
  REQUIRE(way);
  REQUIRE(way->endpoint);
  CHECK(way->endpoint->headers ==
        std::map<std::string, std::string>{{"X-Plain", "1"}, {"Authorization", "Bearer abc"}});
  b.secrets.clear();
  auto const without = b.open("one");
  REQUIRE_FALSE(without);
  CHECK(without.error().code == errc::unavailable);
  CHECK(without.error().message == "'one' is waiting for secret key");
  CHECK(b.backend->waiting_for_secrets().size() == 1);
  b.secrets["key"] = "Bearer abc";
  CHECK(b.open("one"));
  CHECK(b.backend->waiting_for_secrets().empty());
}
