// SPDX-License-Identifier: Apache-2.0
#include <thv/plan/execute.hpp>

#include <algorithm>
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <support/fake_runtime.hpp>
#include <thv/engine/spec.hpp>
#include <thv/plan/reconcile.hpp>
#include <thv/plan/recover.hpp>
#include <thv/store/memory_store.hpp>

using namespace thv;
using namespace thv::plan;

namespace {

/// A store on a disk that is full when it counts.
struct full_store : store::memory_store {
  bool full_at_commit = false;
  bool full_at_intent = false;

  result<void> commit(std::int64_t id, store::change_set const& changes) {
    if (full_at_commit) return fail(errc::io, "no space left on device");
    return store::memory_store::commit(id, changes);
  }
  result<void> update_intent(store::intent_record const& intent) {
    if (full_at_intent) return fail(errc::io, "no space left on device");
    return store::memory_store::update_intent(intent);
  }
};

/// A store, a runtime and what execution needs, in memory.
struct bench {
  full_store store;
  thv::testing::fake_runtime runtime;
  services world;
  execution_options options;
  std::vector<std::string> events;
  std::mutex mutex;

  bench() {
    world.runtime = [this](std::string const&) { return result<plugin::runtime*>(&runtime); };
    world.make_spec = [this](run_config const& c) {
      return make_spec(
          c, std::string(store.id()), "hash",
          [](std::string const& name, std::string const&) { return result("value-of-" + name); });
    };
    world.probe = [this](plugin::call const&, plugin::runtime&, plugin::instance const& one,
                         run_config const&,
                         bool initialised) { return runtime.probe(one, initialised); };
    world.now = [] { return std::int64_t(1); };
    world.is_alive = [](store::process_identity const&) { return true; };
    world.self = {1, 1, "boot"};
    options.timeout = std::chrono::seconds(5);
    options.on_progress = [this](progress_event const& e) {
      events.push_back(e.subject + ": " + e.text);
    };
  }

  static run_config config(std::string name, std::string image = "img") {
    run_config c;
    c.name = std::move(name);
    c.group = "team";
    c.image = std::move(image);
    c.transport = transport::stdio;
    return c;
  }

  observed_state observe() {
    observed_state seen;
    auto const all = runtime.list({});
    auto const groups = store.groups();
    auto const workloads = store.workloads();
    for (auto const& g : *groups) seen.groups[g.name] = g;
    for (auto const& w : *workloads) {
      observed_workload one{w, std::nullopt, std::nullopt};
      for (auto const& i : *all)
        if (i.id == w.instance) one.instance = i;
      seen.workloads[w.name] = one;
    }
    return seen;
  }

  result<report> group_run(std::vector<run_config> members) {
    desired_state desired{"group run", "team", {{"team", true, "", "r.json", "team"}}, {}};
    for (auto& c : members) {
      desired_workload w;
      w.name = c.name;
      w.group = c.group;
      w.runtime = "fake";
      w.running = true;
      w.declared_by = "team";
      w.config = std::move(c);
      desired.workloads.push_back(std::move(w));
    }
    auto planned = reconcile(desired, observe(), {.registry_run = true});
    if (!planned) return planned.error();
    return execute(store, *planned, world, options);
  }

  result<report> restart(std::vector<std::string> names) {
    desired_state desired{"restart", "", {}, {}};
    for (auto& name : names) {
      desired_workload w;
      w.name = std::move(name);
      w.running = true;
      w.restart = true;
      desired.workloads.push_back(std::move(w));
    }
    auto planned = reconcile(desired, observe());
    if (!planned) return planned.error();
    options.keep_going = true;
    return execute(store, *planned, world, options);
  }

  result<report> remove(std::vector<std::string> names, bool group = false) {
    desired_state desired{"rm", group ? "team" : "", {}, {}};
    if (group) desired.groups.push_back({.name = "team", .present = false});
    for (auto& name : names) {
      desired_workload w;
      w.name = name;
      w.present = false;
      desired.workloads.push_back(w);
    }
    auto planned = reconcile(desired, observe());
    if (!planned) return planned.error();
    options.keep_going = true;
    return execute(store, *planned, world, options);
  }

  member_report member(report const& r, std::string const& name) const {
    auto const found = std::find_if(r.members.begin(), r.members.end(),
                                    [&](auto const& m) { return m.name == name; });
    return found == r.members.end() ? member_report{} : *found;
  }

  bool journal_is_empty() { return store.open_operations()->empty(); }
};

}  // namespace

TEST_CASE("A group run that succeeds is committed with its tools and sessions",
          "[plan][unit][tsan]") {
  bench b;
  auto const done = b.group_run({bench::config("a"), bench::config("b"), bench::config("c")});
  REQUIRE(done);
  CHECK(done->status == completion::done);
  CHECK(b.member(*done, "a").outcome == outcome::deployed);
  CHECK(b.member(*done, "a").tools == std::vector<std::string>{"echo", "ping"});
  CHECK(b.member(*done, "team").outcome == outcome::created);
  auto const record = *b.store.workload("b");
  REQUIRE(record);
  CHECK(record->phase == store::phase::present);
  CHECK(record->readiness == "ready");
  CHECK(record->initialize_result == "{}");
  CHECK(b.runtime.count() == 3);
  CHECK(b.journal_is_empty());
  CHECK(std::count(b.events.begin(), b.events.end(), "b: ready, 2 tools") == 1);

  SECTION("and again changes nothing") {
    auto const calls = b.runtime.calls().size();
    auto const again = b.group_run({bench::config("a"), bench::config("b"), bench::config("c")});
    REQUIRE(again);
    CHECK(again->planned.empty());
    CHECK(b.runtime.calls().size() == calls);
    CHECK(b.member(*again, "a").readiness == "ready");
    CHECK(b.member(*again, "a").tools == std::vector<std::string>{"echo", "ping"});
  }
}

TEST_CASE("A member that fails takes the whole group back", "[plan][unit][tsan]") {
  bench b;
  auto const verb = GENERATE(std::string("prepare"), std::string("deploy"), std::string("probe"));
  b.runtime.fail_on(verb, "b");
  auto const done = b.group_run({bench::config("a"), bench::config("b"), bench::config("c")});
  REQUIRE(done);
  CHECK(done->status == completion::failed_undone);
  CHECK(b.member(*done, "b").outcome == outcome::failed);
  CHECK(b.member(*done, "b").failure->engine_message == "words of the engine");
  CHECK(b.runtime.count() == 0);
  CHECK(b.store.workloads()->empty());
  CHECK_FALSE(*b.store.group("team"));
  CHECK(b.journal_is_empty());
}

TEST_CASE("With keep-going what succeeds stays", "[plan][unit][tsan]") {
  bench b;
  b.runtime.fail_on("probe", "b");
  b.options.keep_going = true;
  auto const done = b.group_run({bench::config("a"), bench::config("b")});
  REQUIRE(done);
  CHECK(done->status == completion::partly_done);
  CHECK(*b.store.workload("a"));
  CHECK_FALSE(*b.store.workload("b"));
  CHECK(b.runtime.count() == 1);
  CHECK(b.journal_is_empty());

  SECTION("but if nothing succeeds nothing stays") {
    bench all;
    all.runtime.fail_on("probe", "b");
    all.options.keep_going = true;
    auto const none = all.group_run({bench::config("b")});
    REQUIRE(none);
    CHECK(none->status == completion::failed_undone);
    CHECK_FALSE(*all.store.group("team"));
  }
}

TEST_CASE("An optional member may fail", "[plan][unit][tsan]") {
  bench b;
  b.runtime.fail_on("deploy", "b");
  auto optional = bench::config("b");
  optional.optional = true;
  auto const done = b.group_run({bench::config("a"), optional});
  REQUIRE(done);
  CHECK(done->status == completion::done);
  CHECK(b.member(*done, "b").outcome == outcome::failed);
  CHECK(b.member(*done, "a").outcome == outcome::deployed);
  CHECK_FALSE(*b.store.workload("b"));
}

TEST_CASE("A replaced member is kept until the new one is ready", "[plan][unit][tsan]") {
  bench b;
  REQUIRE(b.group_run({bench::config("a", "one"), bench::config("b", "one")}));
  auto const before = (*b.store.workload("a"))->instance;

  SECTION("and removed afterwards") {
    auto const done = b.group_run({bench::config("a", "two"), bench::config("b", "one")});
    REQUIRE(done);
    CHECK(done->status == completion::done);
    CHECK(b.member(*done, "a").outcome == outcome::replaced);
    CHECK(b.member(*done, "b").outcome == outcome::unchanged);
    CHECK((*b.store.workload("a"))->instance != before);
    CHECK((*b.store.workload("a"))->config.image == "two");
    CHECK(b.runtime.count() == 2);
  }
  SECTION("and is back and proved ready when the new one fails") {
    b.world.probe = [&](plugin::call const&, plugin::runtime&, plugin::instance const& one,
                        run_config const& c, bool initialised) -> result<mcp::probe_result> {
      if (c.image == "two") return fail(errc::timeout, "no answer");
      return b.runtime.probe(one, initialised);
    };
    auto const done = b.group_run({bench::config("a", "two"), bench::config("b", "one")});
    REQUIRE(done);
    CHECK(done->status == completion::failed_undone);
    CHECK((*b.store.workload("a"))->instance == before);
    CHECK((*b.store.workload("a"))->config.image == "one");
    CHECK((*b.store.workload("a"))->readiness == "ready");
    auto const up = b.runtime.running();
    CHECK(std::count(up.begin(), up.end(), before) == 1);
    CHECK(up.size() == 2);
    auto const seen = b.runtime.inspect({}, before);
    CHECK((*b.store.workload("a"))->session_key == seen->session_key);
  }
  SECTION("also when another member fails") {
    b.runtime.fail_on("deploy", "c");
    auto const done =
        b.group_run({bench::config("a", "two"), bench::config("b", "one"), bench::config("c")});
    REQUIRE(done);
    CHECK(done->status == completion::failed_undone);
    CHECK((*b.store.workload("a"))->instance == before);
    auto const up = b.runtime.running();
    CHECK(std::count(up.begin(), up.end(), before) == 1);
  }
}

TEST_CASE("A rollback that fails is said, and the next command repairs it", "[plan][unit][tsan]") {
  bench b;
  b.runtime.fail_on("probe", "a");
  b.runtime.fail_on("remove", "a");
  auto const done = b.group_run({bench::config("a")});
  REQUIRE(done);
  CHECK(done->status == completion::rollback_incomplete);
  REQUIRE(done->rollback_failure);
  CHECK(b.store.open_operations()->size() == 1);
  CHECK(b.runtime.count() == 1);

  b.runtime.heal();
  auto const said = recover(b.store, b.world, {});
  REQUIRE(said);
  CHECK(said->size() == 2);
  CHECK(b.runtime.count() == 0);
  CHECK(b.store.workloads()->empty());
  CHECK_FALSE(*b.store.group("team"));
  CHECK(b.journal_is_empty());
}

TEST_CASE("A full disk takes everything back and loses nothing", "[plan][unit][tsan]") {
  bench b;
  REQUIRE(b.group_run({bench::config("a", "one")}));
  auto const before = (*b.store.workload("a"))->instance;
  bool const late = GENERATE(true, false);
  b.store.full_at_commit = late;
  b.store.full_at_intent = !late;
  auto const done = b.group_run({bench::config("a", "two"), bench::config("b")});
  REQUIRE(done);
  CHECK(done->status == completion::failed_undone);
  auto const up = b.runtime.running();
  CHECK(up == std::vector<std::string>{before});
  CHECK((*b.store.workload("a"))->config.image == "one");
  CHECK_FALSE(*b.store.workload("b"));
  CHECK(b.journal_is_empty());
  REQUIRE(done->failure.has_value() == late);
}

TEST_CASE("An interrupt undoes everything", "[plan][unit][tsan]") {
  bench b;
  std::stop_source ctrl_c;
  b.options.stop = ctrl_c.get_token();
  b.world.probe = [&](plugin::call const& c, plugin::runtime&, plugin::instance const& one,
                      run_config const&, bool initialised) -> result<mcp::probe_result> {
    if (one.workload == "a") return b.runtime.probe(one, initialised);
    ctrl_c.request_stop();
    while (!c.stop.stop_requested()) std::this_thread::yield();
    return fail(errc::cancelled, "interrupted");
  };
  auto const done = b.group_run({bench::config("a"), bench::config("b")});
  REQUIRE(done);
  CHECK(done->status == completion::interrupted);
  CHECK(b.member(*done, "b").outcome == outcome::cancelled);
  CHECK(b.runtime.count() == 0);
  CHECK_FALSE(*b.store.group("team"));
  CHECK(b.journal_is_empty());
}

TEST_CASE("A member that ends before it is ready fails at once, with its last words",
          "[plan][unit][tsan]") {
  bench b;
  b.options.timeout = std::chrono::hours(1);
  b.world.probe = [&](plugin::call const& c, plugin::runtime&, plugin::instance const& one,
                      run_config const&, bool) -> result<mcp::probe_result> {
    auto ended = one;
    ended.state = workload_state::stopped;
    ended.exit_code = 7;
    b.runtime.put(ended);
    while (!c.stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return fail(errc::cancelled, "interrupted");
  };
  auto config = bench::config("a");
  config.secrets = {"token,target=TOKEN"};
  auto const done = b.group_run({config});
  REQUIRE(done);
  CHECK(done->status == completion::failed_undone);
  auto const a = b.member(*done, "a");
  REQUIRE(a.failure);
  CHECK(a.failure->code == errc::exited);
  CHECK(a.failure->message == "ended with exit status 7 before it was ready");
  CHECK(a.log_tail == std::vector<std::string>{"last words of a#1", "TOKEN=***"});
}

TEST_CASE("Values of several lines are blotted out line by line", "[plan][unit]") {
  plugin::workload_spec spec;
  spec.secret_names = {"key,target=KEY,as=file", "token,target=TOKEN", "pin,target=PIN"};
  spec.secret_files = {{"KEY", "-----BEGIN KEY-----\n  first-part-of-it\r\n}\nlast\n"}};
  spec.environment = {{"TOKEN", "abc-token\n"}, {"KEY", "/run/secrets/KEY"}, {"PIN", "123"}};
  auto const blotted = [&](std::string text) {
    thv::plan::detail::blot_secrets(text, spec);
    return text;
  };
  CHECK(blotted(spec.secret_files.at("KEY")) == "***");
  CHECK(blotted("bad line: 'first-part-of-it'") == "bad line: '***'");
  CHECK(blotted("token abc-token is wrong, last: { } 123") == "token *** is wrong, ***: { } 123");
  CHECK(blotted("cannot read /run/secrets/KEY") == "cannot read /run/secrets/KEY");
}

TEST_CASE("Removing goes on when one fails, and keeps what is left", "[plan][unit][tsan]") {
  bench b;
  REQUIRE(b.group_run({bench::config("a"), bench::config("b")}));
  b.runtime.fail_on("remove", "b");
  auto const done = b.remove({"a", "b"}, true);
  REQUIRE(done);
  CHECK(done->status == completion::partly_done);
  CHECK_FALSE(*b.store.workload("a"));
  REQUIRE(*b.store.workload("b"));
  CHECK((*b.store.workload("b"))->phase == store::phase::present);
  CHECK(*b.store.group("team"));
  CHECK(b.journal_is_empty());

  b.runtime.heal();
  auto const rest = b.remove({"b"}, true);
  REQUIRE(rest);
  CHECK(rest->status == completion::done);
  CHECK_FALSE(*b.store.group("team"));
  CHECK(b.runtime.count() == 0);
}

TEST_CASE("A restart that failed says who is stopped now", "[plan][unit][tsan]") {
  bench b;
  REQUIRE(b.group_run({bench::config("a"), bench::config("b")}));
  std::string const verb = GENERATE("start", "probe");
  b.runtime.fail_on(verb, "b");

  SECTION("alone") {
    auto const done = b.restart({"b"});
    REQUIRE(done);
    CHECK(done->status == completion::rollback_incomplete);
    CHECK_FALSE(done->rollback_failure);
    CHECK(b.member(*done, "b").outcome == outcome::failed);
    CHECK(b.member(*done, "b").left == aftermath::stopped);
    CHECK(b.runtime.running().size() == 1);
  }
  SECTION("among others that came back") {
    auto const done = b.restart({"a", "b"});
    REQUIRE(done);
    CHECK(done->status == completion::partly_done);
    CHECK(b.member(*done, "a").outcome == outcome::restarted);
    CHECK(b.member(*done, "b").left == aftermath::stopped);
  }
  // It is still wanted running: who watches over it tries again.
  CHECK((*b.store.workload("b"))->wanted_running);
  CHECK(b.journal_is_empty());
}

TEST_CASE("A restart that could not stop anything is not said to have stopped it",
          "[plan][unit][tsan]") {
  bench b;
  REQUIRE(b.group_run({bench::config("a")}));
  b.runtime.fail_on("stop", "a");
  auto const done = b.restart({"a"});
  REQUIRE(done);
  CHECK(done->status == completion::failed_undone);
  CHECK(b.member(*done, "a").left == aftermath::uncertain);
}

TEST_CASE("What could not be removed is not said to be as it was", "[plan][unit][tsan]") {
  bench b;
  REQUIRE(b.group_run({bench::config("a")}));
  b.runtime.fail_on("remove", "a");
  auto const done = b.remove({"a"});
  REQUIRE(done);
  CHECK(b.member(*done, "a").left == aftermath::uncertain);
}

TEST_CASE("A start that failed leaves its workload stopped, as it was", "[plan][unit][tsan]") {
  bench b;
  REQUIRE(b.group_run({bench::config("a")}));
  REQUIRE(b.runtime.stop({}, "a#1"));
  b.runtime.fail_on("probe", "a");
  auto const done = b.restart({"a"});  // of one that does not run, it is a start
  REQUIRE(done);
  CHECK(done->status == completion::failed_undone);
  CHECK(b.member(*done, "a").left == aftermath::as_before);
  CHECK(b.runtime.running().empty());
}

TEST_CASE("After an interrupted restart everybody runs", "[plan][unit][tsan]") {
  bench b;
  REQUIRE(b.group_run({bench::config("a"), bench::config("b")}));
  std::stop_source ctrl_c;
  b.options.stop = ctrl_c.get_token();
  b.options.parallel = 1;  // the other is not begun
  b.world.probe = [&](plugin::call const& c, plugin::runtime&, plugin::instance const&,
                      run_config const&, bool) -> result<mcp::probe_result> {
    ctrl_c.request_stop();
    while (!c.stop.stop_requested()) std::this_thread::yield();
    return fail(errc::cancelled, "interrupted");
  };
  auto const done = b.restart({"a", "b"});
  REQUIRE(done);
  CHECK(done->status == completion::interrupted);
  CHECK(b.runtime.running().size() == 2);
  for (auto const* name : {"a", "b"}) {
    CHECK(b.member(*done, name).outcome == outcome::cancelled);
    CHECK(b.member(*done, name).left == aftermath::as_before);
  }
  auto const calls = b.runtime.calls();
  CHECK(std::count(calls.begin(), calls.end(), "stop b#2") +
            std::count(calls.begin(), calls.end(), "stop b#1") ==
        0);
  CHECK(b.journal_is_empty());
}

TEST_CASE("A session is made once for each start", "[plan][unit]") {
  bench b;
  REQUIRE(b.group_run({bench::config("a")}));
  desired_workload w;
  w.name = "a";
  w.running = true;
  w.restart = true;
  auto const planned = reconcile({"restart", "", {}, {w}}, b.observe());
  REQUIRE(planned);
  auto const done = execute(b.store, *planned, b.world, b.options);
  REQUIRE(done);
  CHECK(b.member(*done, "a").outcome == outcome::restarted);
  auto const calls = b.runtime.calls();
  CHECK(std::count(calls.begin(), calls.end(), "initialize a") == 2);
  auto record = **b.store.workload("a");
  record.readiness = "";
  REQUIRE(b.store.put_session(record));
  desired_workload again;
  again.name = "a";
  again.running = true;
  auto const asked = reconcile({"start", "", {}, {again}}, b.observe());
  REQUIRE(asked);
  REQUIRE(execute(b.store, *asked, b.world, b.options));
  auto const later = b.runtime.calls();
  CHECK(later.back() == "list-tools a");
  CHECK((*b.store.workload("a"))->initialize_result == "{}");
}
