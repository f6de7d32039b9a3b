// SPDX-License-Identifier: Apache-2.0
#include <thv/engine.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <support/fake_runtime.hpp>
#include <thv/plan/plan_text.hpp>
#include <thv/registry/read.hpp>
#include <thv/store/memory_store.hpp>

using namespace thv;

namespace {

/// An engine over two runtimes in memory: `docker` runs images and npx packages, `spare` is the
/// same under another name.
struct bench {
  static_runtimes runtimes;
  thv::testing::fake_runtime* docker = nullptr;
  thv::testing::fake_runtime* spare = nullptr;
  store::memory_store store;
  std::map<std::string, std::string> secrets{{"user", "u-123456"}};
  std::optional<basic_engine<static_runtimes, store::memory_store>> engine;

  explicit bench(engine_options options = {}) {
    docker = add("docker");
    spare = add("spare");
    options.probe = [](plugin::call const&, plugin::runtime& runtime, plugin::instance const& one,
                       run_config const&, bool initialised) {
      return static_cast<thv::testing::fake_runtime&>(runtime).probe(one, initialised);
    };
    engine.emplace(
        runtimes, store,
        [this](std::string const& name, std::string const&) -> result<std::string> {
          if (auto const found = secrets.find(name); found != secrets.end()) return found->second;
          return fail(errc::not_found, "no value for secret '" + name + "'");
        },
        std::move(options));
  }

  thv::testing::fake_runtime* add(std::string name) {
    auto made = std::make_unique<thv::testing::fake_runtime>();
    auto* raw = made.get();
    REQUIRE(runtimes.add(std::move(name), std::move(made)));
    return raw;
  }

  static group_run_request request(std::vector<std::string> env = {},
                                   std::vector<std::string> secret = {}) {
    auto const document = registry::read(R"({"groups": [{"name": "Mobile App", "servers": {
      "fetch": {"image": "ghcr.io/x/fetch:1", "transport": "stdio"},
      "internal": {"image": "ghcr.io/x/internal:1", "transport": "stdio", "env_vars": [
        {"name": "TEAM_ID", "required": true, "default": "mobile"},
        {"name": "USER_ID", "required": true, "secret": true}]}}}]})",
                                         "registry.json", {});
    REQUIRE(document);
    group_run_request r;
    r.group = document->groups.at(0);
    r.origin = "registry.json";
    registry::target_flags flags;
    flags.env = std::move(env);
    flags.secrets = std::move(secret);
    auto t = registry::parse_targets(flags, registry::member_names(r.group));
    REQUIRE(t);
    r.targets = *std::move(t);
    return r;
  }

  static group_run_request full_request() {
    return request({"fetch.DEBUG=true"}, {"user,target=internal.USER_ID"});
  }
};

std::string sentence(result<plan::report> const& r) {
  return r ? "no error" : to_string(r.error());
}

}  // namespace

TEST_CASE("A registry group runs as its slug, with values in the right member only",
          "[engine][unit]") {
  bench b;
  auto const done = b.engine->group_run(bench::full_request());
  REQUIRE(done);
  CHECK(done->status == plan::completion::done);
  auto const group = b.engine->show_group("mobile-app");
  REQUIRE(group);
  CHECK(group->record.title == "Mobile App");
  REQUIRE(group->members.size() == 2);
  CHECK(group->members[0].ready);
  CHECK(b.docker->spec_of("fetch").environment ==
        std::map<std::string, std::string>{{"DEBUG", "true"}});
  CHECK(b.docker->spec_of("internal").environment ==
        std::map<std::string, std::string>{{"TEAM_ID", "mobile"}, {"USER_ID", "u-123456"}});
  auto const record = *b.store.workload("internal");
  CHECK(canonical_text(record->config).find("u-123456") == std::string::npos);

  SECTION("and a second time nothing changes") {
    auto const again = b.engine->group_run(bench::full_request());
    REQUIRE(again);
    CHECK(plan::to_string(again->planned) ==
          "Plan for group run mobile-app: nothing to change\n"
          "  = fetch     unchanged\n"
          "  = internal  unchanged\n");
  }
  SECTION("and a dropped --env and a rotated secret are seen") {
    b.secrets["user"] = "u-654321";
    auto request = bench::request({}, {"user,target=internal.USER_ID"});
    auto const again = b.engine->group_run(request, {.dry_run = true});
    REQUIRE(again);
    CHECK(plan::to_string(again->planned) ==
          "Plan for group run mobile-app: 2 steps\n"
          "  ~ fetch     replace by image ghcr.io/x/fetch:1 on docker (env DEBUG dropped)\n"
          "  ~ internal  replace by image ghcr.io/x/internal:1 on docker (secret user rotated)\n");
    CHECK(b.docker->spec_of("fetch").environment.contains("DEBUG"));
  }
  SECTION("and beside it under another name") {
    auto request = bench::full_request();
    request.as = "staging";
    CHECK(sentence(b.engine->group_run(request)).find("already exists in group 'mobile-app'") !=
          std::string::npos);
    request.prefix = "staging-";
    auto const beside = b.engine->group_run(request);
    REQUIRE(beside);
    CHECK(beside->status == plan::completion::done);
    CHECK(b.engine->list("staging")->size() == 2);
    CHECK(b.engine->list("mobile-app")->size() == 2);
  }
  SECTION("and moves and deletions are seen by the next run") {
    REQUIRE(b.engine->move({{"fetch"}, "mobile-app", "mine"}));
    auto const again = b.engine->group_run(bench::full_request());
    REQUIRE(again);
    CHECK(again->planned.empty());
    CHECK(again->planned.notes.at(0).text ==
          "was moved to group 'mine' and stays there; --reclaim takes it back");
    auto request = bench::full_request();
    request.reclaim = true;
    auto const back = b.engine->group_run(request);
    REQUIRE(back);
    CHECK((*b.store.workload("fetch"))->group == "mobile-app");
  }
  SECTION("and is deleted with all members") {
    auto const gone = b.engine->delete_group({"mobile-app"});
    REQUIRE(gone);
    CHECK(gone->status == plan::completion::done);
    CHECK(b.docker->count() == 0);
    CHECK_FALSE(*b.store.group("mobile-app"));
  }
  SECTION("and is deleted while its members go to default") {
    delete_group_request request{"mobile-app"};
    request.keep_workloads = true;
    auto const gone = b.engine->delete_group(request);
    REQUIRE(gone);
    CHECK(gone->status == plan::completion::done);
    CHECK(b.docker->count() == 2);
    CHECK((*b.store.workload("fetch"))->group == "default");
  }
}

TEST_CASE("A member that wants credentials is shown as unauthenticated", "[engine][unit]") {
  bench b;
  b.docker->fail_on("probe", "fetch", errc::unauthenticated);
  auto const done = b.engine->group_run(bench::full_request());
  REQUIRE(done);
  CHECK(done->status == plan::completion::done);
  auto const fetch = b.engine->status("fetch");
  REQUIRE(fetch);
  CHECK(fetch->state == workload_state::unauthenticated);
  CHECK_FALSE(fetch->ready);
}

TEST_CASE("An optional member that fails is left out, and said", "[engine][unit]") {
  bench b;
  b.docker->fail_on("deploy", "fetch");
  auto request = bench::full_request();
  request.group.servers[0].optional = true;
  auto const done = b.engine->group_run(request);
  REQUIRE(done);
  CHECK(done->status == plan::completion::done);
  CHECK(b.engine->list("mobile-app")->size() == 1);
  b.docker->heal();
  auto const again = b.engine->group_run(request);
  REQUIRE(again);
  CHECK(b.engine->list("mobile-app")->size() == 2);
}

TEST_CASE("A missing required value names every member before anything starts", "[engine][unit]") {
  bench b;
  CHECK(sentence(b.engine->group_run(bench::request())) ==
        "missing required values: internal.USER_ID (secret)");
  CHECK(b.docker->count() == 0);
  CHECK(b.store.groups()->size() == 1);
}

TEST_CASE("A secret without a value stops the run before anything starts", "[engine][unit]") {
  bench b;
  b.secrets.clear();
  CHECK(sentence(b.engine->group_run(bench::full_request())) == "no value for secret 'user'");
  CHECK(b.docker->calls().empty());
}

TEST_CASE("The runtime is the member's own, else the flag's, else the default, else the first",
          "[engine][unit]") {
  engine_options options;
  options.default_runtime = GENERATE(std::string(), std::string("spare"));
  bench b(options);
  auto request = bench::full_request();
  request.group.servers[0].runtime = "docker";
  auto const planned = b.engine->group_run(request, {.dry_run = true});
  REQUIRE(planned);
  auto const runtime_of = [&](std::size_t step) {
    return plan::runtime_of(planned->planned.operations.at(step).action);
  };
  CHECK(runtime_of(1) == "docker");
  CHECK(runtime_of(2) == (options.default_runtime.empty() ? "docker" : "spare"));
  request.runtime = "spare";
  auto const flagged = b.engine->group_run(request, {.dry_run = true});
  REQUIRE(flagged);
  CHECK(plan::runtime_of(flagged->planned.operations.at(1).action) == "docker");
  CHECK(plan::runtime_of(flagged->planned.operations.at(2).action) == "spare");
}

TEST_CASE("A runtime that cannot run a member is refused with those that can", "[engine][unit]") {
  bench b;
  run_request request;
  request.config.name = "clock";
  request.config.image = "uvx://mcp-server-time";
  request.config.runtime = "docker";
  auto const refused = b.engine->run(request);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::unsupported);
  CHECK(refused.error().message == "'clock' is a uvx package, which runtime 'docker' cannot run");
}

TEST_CASE("run makes the group unless that is switched off", "[engine][unit]") {
  run_request request;
  request.config.name = "fetch";
  request.config.image = "img";
  request.config.group = "team";
  request.config.transport = transport::stdio;
  {
    bench b;
    auto const done = b.engine->run(request);
    REQUIRE(done);
    CHECK(*b.store.group("team"));
    CHECK(sentence(b.engine->run(request)) == "workload with name 'fetch' already exists");
  }
  engine_options strict;
  strict.auto_create = false;
  bench b(strict);
  CHECK(sentence(b.engine->run(request)) == "group 'team' does not exist");
}

TEST_CASE("A workload stops, starts, restarts and is removed", "[engine][unit]") {
  bench b;
  REQUIRE(b.engine->group_run(bench::full_request()));
  auto const stopped = b.engine->stop({.group = "mobile-app"});
  REQUIRE(stopped);
  CHECK(stopped->status == plan::completion::done);
  CHECK(b.docker->running().empty());
  CHECK(b.engine->status("fetch")->state == workload_state::stopped);
  CHECK(b.engine->stop({.group = "mobile-app"})->planned.empty());
  REQUIRE(b.engine->start({.names = {"fetch"}}));
  CHECK(b.engine->status("fetch")->ready);
  CHECK(b.engine->status("internal")->state == workload_state::stopped);
  REQUIRE(b.engine->restart({.all = true}));
  CHECK(b.engine->status("internal")->ready);
  REQUIRE(b.engine->remove({.names = {"fetch"}}));
  CHECK(b.engine->list("mobile-app")->size() == 1);
  auto const unknown = b.engine->remove({.names = {"internl"}});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().hint == "did you mean 'internal'?");
}

TEST_CASE("A rotated secret reaches those that use it, when they start or at once",
          "[engine][unit]") {
  bench b;
  REQUIRE(b.engine->group_run(bench::full_request()));
  auto const instance = [&](char const* name) { return (*b.store.workload(name))->instance; };
  auto const value = [&] { return b.docker->spec_of("internal").environment.at("USER_ID"); };
  auto const internal = instance("internal");
  auto const fetch = instance("fetch");
  b.secrets["user"] = "u-654321";

  SECTION("start leaves a running one alone") {
    REQUIRE(b.engine->start({{"internal"}, {}, false}));
    CHECK(instance("internal") == internal);
  }
  SECTION("a stopped one starts with the value of now") {
    REQUIRE(b.engine->stop({{"internal"}, {}, false}));
    REQUIRE(b.engine->start({{"internal"}, {}, false}));
    CHECK(instance("internal") != internal);
    CHECK(value() == "u-654321");
  }
  SECTION("restart makes it anew, and only it") {
    REQUIRE(b.engine->restart({{}, {}, true}));
    CHECK(value() == "u-654321");
    CHECK(instance("fetch") == fetch);
    auto const again = b.engine->restart({{"internal"}, {}, false}, {.dry_run = true});
    CHECK(again->planned.operations.size() == 1);
    CHECK(std::holds_alternative<plan::restart_workload>(again->planned.operations[0].action));
  }
  SECTION("a value that cannot be had stops nobody from starting") {
    b.secrets.clear();
    REQUIRE(b.engine->restart({{"internal"}, {}, false}));
    CHECK(instance("internal") == internal);
  }
  SECTION("applied, the running users alone are made anew") {
    auto const done = b.engine->apply_secrets({"user", "other"});
    REQUIRE(done);
    CHECK(plan::to_string(done->planned) ==
          "Plan for secret set: 1 step\n"
          "  ~ internal  replace by image ghcr.io/x/internal:1 on docker (secret user rotated)\n");
    CHECK(value() == "u-654321");
    CHECK(instance("fetch") == fetch);
    CHECK(b.engine->apply_secrets({"user"})->planned.empty());
    CHECK(b.engine->apply_secrets({"other"})->planned.empty());
  }
  SECTION("one that needs another secret, which cannot be had, goes on and is said") {
    run_config other;
    other.name = "other";
    other.image = "ghcr.io/x/other:1";
    other.transport = transport::stdio;
    other.secrets = {"user,target=A", "gone,target=B"};
    b.secrets["gone"] = "g-123456";
    REQUIRE(b.engine->run({other}));
    auto const before = instance("other");
    b.secrets.erase("gone");
    b.secrets["user"] = "u-777777";
    auto const done = b.engine->apply_secrets({"user"});
    REQUIRE(done);
    CHECK(value() == "u-777777");
    CHECK(instance("other") == before);
    CHECK(done->status == plan::completion::partly_done);
    REQUIRE(done->planned.notes.size() == 1);
    CHECK(done->planned.notes[0].subject == "other");
    CHECK(done->planned.notes[0].text.find("no value for secret 'gone'") != std::string::npos);
  }
  SECTION("a stopped user stays stopped") {
    REQUIRE(b.engine->stop({{"internal"}, {}, false}));
    CHECK(b.engine->apply_secrets({"user"})->planned.empty());
  }
}

TEST_CASE("Moving checks where a workload is", "[engine][unit]") {
  bench b;
  REQUIRE(b.engine->group_run(bench::full_request()));
  REQUIRE(b.engine->create_group("other"));
  CHECK(sentence(b.engine->move({{"fetch"}, "other", "default"})) ==
        "workload 'fetch' is in group 'mobile-app', not in 'other'");
  CHECK(sentence(b.engine->move({{"nope"}, "other", "default"})) ==
        "workload 'nope' does not exist");
  CHECK(sentence(b.engine->move({{"fetch"}, "missing", "default"})) ==
        "group 'missing' does not exist");
  auto const moved = b.engine->move({{"fetch", "internal"}, "mobile-app", "new"});
  REQUIRE(moved);
  CHECK(b.engine->list("new")->size() == 2);
  auto const calls = b.docker->calls();
  CHECK(std::count(calls.begin(), calls.end(), "stop fetch#1") == 0);
}

namespace {

/// A cluster in memory: it holds its groups itself.
struct cluster : plugin::group_holder {
  static result<std::unique_ptr<cluster>> create(plugin::host_context const&) {
    return std::make_unique<cluster>();
  }
  result<plugin::fingerprint> identify(plugin::call const&) { return plugin::fingerprint{}; }
  result<plugin::instance> deploy(plugin::call const&, plugin::workload_spec const&) {
    return fail(errc::unsupported, "not here");
  }
  result<plugin::instance> start(plugin::call const&, std::string const&) {
    return fail(errc::unsupported, "not here");
  }
  result<void> stop(plugin::call const&, std::string const&) { return {}; }
  result<void> remove(plugin::call const&, std::string const&) { return {}; }
  result<plugin::instance> inspect(plugin::call const&, std::string const&) {
    return fail(errc::not_found, "not here");
  }
  result<std::vector<plugin::instance>> list(plugin::call const&) {
    return std::vector<plugin::instance>{};
  }
  result<std::vector<std::string>> groups(plugin::call const&) noexcept override {
    return std::vector<std::string>{"another", "default"};
  }
};

}  // namespace

TEST_CASE("Groups that a runtime holds itself are listed too", "[engine][unit]") {
  static_runtimes runtimes;
  plugin::host_context host;
  host.runtime_name = "cluster";
  REQUIRE(runtimes.add<cluster>(host));
  store::memory_store store;
  engine_options options;
  options.group_holders = {"cluster"};
  basic_engine engine{runtimes, store, {}, options};
  auto const all = engine.groups();
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  CHECK((*all)[0].name == "another");
  CHECK((*all)[1].name == "default");
  auto const cluster_runtime = runtimes.get("cluster");
  CHECK(plugin::find_interface<plugin::secret_keeper>(**cluster_runtime) == nullptr);
}

TEST_CASE("The default group stays", "[engine][unit]") {
  bench b;
  CHECK(sentence(b.engine->delete_group({"default"})) == "cannot delete the default group");
  CHECK(sentence(b.engine->delete_group({"nope"})) == "group 'nope' does not exist");
}

TEST_CASE("A lost store is made again from the marks on what runs", "[engine][unit]") {
  std::map<std::string, runtime_answer> answers;
  plugin::instance one;
  one.id = "fetch#1";
  one.workload = "fetch";
  one.group = "team";
  one.store = "mine";
  one.state = workload_state::running;
  one.package = "ghcr.io/x/fetch:1";
  one.secret_names = {"user,target=USER_ID"};
  auto foreign = one;
  foreign.id = "other#1";
  foreign.workload = "other";
  foreign.store = "theirs";
  answers.emplace("docker", std::vector{one, foreign});
  answers.emplace("podman", fail(errc::unavailable, "no socket"));
  auto const made = rebuilt(answers, "mine", {}, 5);
  REQUIRE(made.changes.put_workloads.size() == 1);
  auto const& record = made.changes.put_workloads[0];
  CHECK(record.name == "fetch");
  CHECK(record.group == "team");
  CHECK(record.config.image == "ghcr.io/x/fetch:1");
  CHECK(record.config.secrets == std::vector<std::string>{"user,target=USER_ID"});
  REQUIRE(made.said.size() == 2);
  CHECK(made.said[0].find("'podman' holds could not be read") != std::string::npos);
}
