// SPDX-License-Identifier: Apache-2.0
#include <thv/plan/reconcile.hpp>

#include <boost/json/serialize.hpp>
#include <catch2/catch_test_macros.hpp>
#include <thv/plan/plan_text.hpp>

using namespace thv;
using namespace thv::plan;

namespace {

run_config config_of(std::string name, std::string image, std::string group = "team") {
  run_config c;
  c.name = std::move(name);
  c.group = std::move(group);
  c.image = std::move(image);
  return c;
}

desired_workload wanted(run_config c, std::string runtime = "docker") {
  desired_workload w;
  w.name = c.name;
  w.group = c.group;
  w.runtime = std::move(runtime);
  w.running = true;
  w.declared_by = c.group;
  w.config = std::move(c);
  return w;
}

desired_state group_run(std::vector<desired_workload> members) {
  return {"group run", "team", {{"team", true, "", "registry.json", "team"}}, std::move(members)};
}

/// A committed, running, ready workload with that config.
observed_workload running(run_config c, std::string runtime = "docker") {
  observed_workload seen;
  seen.record.name = c.name;
  seen.record.group = c.group;
  seen.record.runtime = std::move(runtime);
  seen.record.instance = c.name + "#1";
  seen.record.declared_by = "team";
  seen.record.session_key = "key";
  seen.record.readiness = "ready";
  seen.record.config = std::move(c);
  plugin::instance one;
  one.id = seen.record.instance;
  one.state = workload_state::running;
  one.session_key = "key";
  seen.instance = one;
  return seen;
}

observed_state world(std::vector<observed_workload> workloads, bool with_group = true) {
  observed_state seen;
  seen.groups["default"] = {"default"};
  if (with_group) seen.groups["team"] = {"team", "", "registry.json", "team"};
  for (auto& w : workloads) seen.workloads[w.record.name] = std::move(w);
  seen.runtimes["docker"] = {.engine = "Docker",
                             .runs = {source_kind::image},
                             .enforces_mounts = true,
                             .enforces_network_mode = true,
                             .enforces_privileges = true};
  seen.runtimes["process"] = {.engine = "local processes", .bare_host = true};
  return seen;
}

reconcile_options const registry_run{.registry_run = true};

std::string text_of(result<thv::plan::plan> const& p) {
  return p ? to_string(*p) : "error: " + to_string(p.error()) + " / " + p.error().hint;
}

}  // namespace

TEST_CASE("A group that does not exist is created before its members are deployed",
          "[plan][unit]") {
  auto const p = reconcile(group_run({wanted(config_of("fetch", "ghcr.io/x/fetch:1")),
                                      wanted(config_of("api", "npx://api"), "process")}),
                           world({}, false), registry_run);
  CHECK(text_of(p) ==
        "Plan for group run team: 3 steps\n"
        "  + team   create the group (does not exist)\n"
        "  + api    deploy npx://api on process (not deployed yet)\n"
        "  + fetch  deploy image ghcr.io/x/fetch:1 on docker (not deployed yet)\n"
        "  ! api: runs as a plain process on this machine, unconfined\n");
  REQUIRE(p);
  CHECK(p->operations[1].depends_on == std::vector<int>{1});
}

TEST_CASE("The same group again changes nothing and says so", "[plan][unit]") {
  auto const c = config_of("fetch", "ghcr.io/x/fetch:1");
  auto const p = reconcile(group_run({wanted(c)}), world({running(c)}), registry_run);
  CHECK(text_of(p) ==
        "Plan for group run team: nothing to change\n"
        "  = fetch  unchanged\n");
}

TEST_CASE("Only what differs is replaced, with the reason and without values", "[plan][unit]") {
  auto before = config_of("fetch", "ghcr.io/x/fetch:1");
  before.env_vars = {{"OLD", "1"}, {"MODE", "private"}};
  auto after = before;
  after.image = "ghcr.io/x/fetch:2";
  after.env_vars = {{"MODE", "other"}, {"DEBUG", "true"}};
  after.cmd_args = {"-v"};
  auto const same = config_of("api", "img");
  auto const p = reconcile(group_run({wanted(after), wanted(same)}),
                           world({running(before), running(same)}), registry_run);
  CHECK(text_of(p) ==
        "Plan for group run team: 1 step\n"
        "  ~ fetch  replace by image ghcr.io/x/fetch:2 on docker (image ghcr.io/x/fetch:2 instead "
        "of ghcr.io/x/fetch:1, arguments changed, env DEBUG added, env MODE changed, env OLD "
        "dropped)\n"
        "  = api    unchanged\n");
}

TEST_CASE("A rotated secret replaces its member", "[plan][unit]") {
  auto c = config_of("api", "img");
  c.secrets = {"user,target=USER_ID"};
  auto seen = running(c);
  seen.record.secret_fingerprints = {{"user,target=USER_ID", "aaa"}};
  auto w = wanted(c);
  w.secret_fingerprints = {{"user,target=USER_ID", "bbb"}};
  auto const p = reconcile(group_run({w}), world({seen}), registry_run);
  CHECK(text_of(p) ==
        "Plan for group run team: 1 step\n"
        "  ~ api  replace by image img on docker (secret user rotated)\n");
}

TEST_CASE("Members that do not run are started, gone ones deployed, unproved ones asked",
          "[plan][unit]") {
  auto stopped = running(config_of("a", "img"));
  stopped.instance->state = workload_state::stopped;
  auto gone = running(config_of("b", "img"));
  gone.instance.reset();
  auto restarted = running(config_of("c", "img"));
  restarted.instance->session_key = "later";
  auto const p = reconcile(group_run({wanted(config_of("a", "img")), wanted(config_of("b", "img")),
                                      wanted(config_of("c", "img"))}),
                           world({stopped, gone, restarted}), registry_run);
  CHECK(text_of(p) ==
        "Plan for group run team: 3 steps\n"
        "  ~ a  start on docker (is stopped)\n"
        "  + b  deploy image img on docker (its instance is gone)\n"
        "  ~ c  prove ready on docker (started again since it was proved ready)\n");
}

TEST_CASE("A member that the user moved stays there, and --reclaim takes it back", "[plan][unit]") {
  auto moved = running(config_of("fetch", "img"));
  moved.record.group = moved.record.config.group = "mine";
  auto state = world({moved});
  state.groups["mine"] = {"mine"};
  auto const desired = group_run({wanted(config_of("fetch", "img"))});
  CHECK(text_of(reconcile(desired, state, registry_run)) ==
        "Plan for group run team: nothing to change\n"
        "  i fetch: was moved to group 'mine' and stays there; --reclaim takes it back\n");
  CHECK(text_of(reconcile(desired, state, {.reclaim = true, .registry_run = true})) ==
        "Plan for group run team: 1 step\n"
        "  ~ fetch  move from mine to team (asked for)\n"
        "  = fetch  unchanged\n");
}

TEST_CASE("A member that left the registry is kept, and --prune removes it", "[plan][unit]") {
  auto const state = world({running(config_of("old", "img")), running(config_of("new", "img"))});
  auto const desired = group_run({wanted(config_of("new", "img"))});
  CHECK(text_of(reconcile(desired, state, registry_run)) ==
        "Plan for group run team: nothing to change\n"
        "  = new  unchanged\n"
        "  i old: left the registry group and is kept; --prune removes it\n");
  auto const pruned = reconcile(desired, state, {.prune = true, .registry_run = true});
  CHECK(text_of(pruned) ==
        "Plan for group run team: 1 step\n"
        "  - old  remove from docker (left the registry group)\n"
        "  = new  unchanged\n");
  REQUIRE(pruned);
  CHECK(pruned->operations[0].destructive);
}

TEST_CASE("Taken names are refused up front, all of them in one error", "[plan][unit]") {
  auto other = running(config_of("a", "img", "other"));
  other.record.declared_by = "other";
  auto by_hand = running(config_of("b", "img"));
  by_hand.record.declared_by = "";
  auto const p =
      reconcile(group_run({wanted(config_of("a", "img")), wanted(config_of("b", "img"))}),
                world({other, by_hand}), registry_run);
  REQUIRE_FALSE(p);
  CHECK(p.error().code == errc::already_exists);
  CHECK(p.error().message ==
        "MCP server 'a' already exists in group 'other'; MCP server 'b' already exists in group "
        "'team', not run from this registry group");
  CHECK(p.error().hint.find("--as GROUP and --prefix PREFIX") != std::string::npos);
}

TEST_CASE("A name that another store holds on the runtime is refused", "[plan][unit]") {
  auto state = world({});
  state.foreign = {{"docker", "fetch", "0123"}, {"docker", "other", ""}};
  auto const p =
      reconcile(group_run({wanted(config_of("fetch", "img")), wanted(config_of("other", "img"))}),
                state, registry_run);
  REQUIRE_FALSE(p);
  CHECK(p.error().message ==
        "the name 'fetch' is taken on runtime 'docker' by an instance of another thv-engine store "
        "(0123); the name 'other' is taken on runtime 'docker' by an instance that thv-engine did "
        "not make");
}

TEST_CASE("run refuses a name that exists", "[plan][unit]") {
  auto const c = config_of("fetch", "img");
  desired_state const desired{"run", "team", {{.name = "team"}}, {wanted(c)}};
  auto const p = reconcile(desired, world({running(c)}));
  REQUIRE_FALSE(p);
  CHECK(p.error().message == "workload with name 'fetch' already exists");
  auto elsewhere = running(config_of("fetch", "img", "other"));
  auto const q = reconcile(desired, world({elsewhere}));
  REQUIRE_FALSE(q);
  CHECK(q.error().message == "workload 'fetch' is already in group 'other'");
}

TEST_CASE("Deleting a group removes its members first", "[plan][unit]") {
  desired_state desired{"group delete", "team", {{.name = "team", .present = false}}, {}};
  for (auto const* name : {"a", "b"}) {
    desired_workload w;
    w.name = name;
    w.present = false;
    desired.workloads.push_back(w);
  }
  auto gone = running(config_of("b", "img"));
  gone.instance.reset();
  auto const p = reconcile(desired, world({running(config_of("a", "img")), gone}));
  CHECK(text_of(p) ==
        "Plan for group delete team: 3 steps\n"
        "  - a     remove from docker (asked for)\n"
        "  - b     remove its record (asked for)\n"
        "  - team  delete the group (asked for)\n");
  REQUIRE(p);
  CHECK(p->operations[2].depends_on == std::vector<int>{1, 2});
}

TEST_CASE("A runtime that does not answer stops a removal, and --forget drops the record",
          "[plan][unit]") {
  auto lost = running(config_of("a", "img"));
  lost.instance.reset();
  lost.runtime_error = fail(errc::unavailable, "connection refused");
  desired_workload w;
  w.name = "a";
  w.present = false;
  desired_state const desired{"rm", "", {}, {w}};
  auto const refused = reconcile(desired, world({lost}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::unavailable);
  CHECK(refused.error().hint.find("--forget") != std::string::npos);
  CHECK(text_of(reconcile(desired, world({lost}), {.forget = true})) ==
        "Plan for rm: 1 step\n"
        "  - a  forget what docker held (asked for)\n");
}

TEST_CASE("What a runtime does not enforce stands in the plan", "[plan][unit]") {
  auto c = config_of("fetch", "img");
  permission_profile profile;
  profile.network.outbound_allow_port = {443};
  profile.read = {"/data"};
  c.permission_profile = profile;
  auto const docker = unenforced_permissions(c, world({}).runtimes.at("docker"));
  CHECK(docker == std::vector<std::string>{"not enforced by this runtime: outbound network rules"});
  auto const process = unenforced_permissions(c, world({}).runtimes.at("process"));
  CHECK(process == std::vector<std::string>{
                       "runs as a plain process on this machine, unconfined",
                       "not enforced by this runtime: outbound network rules, read and write "
                       "paths"});
}

TEST_CASE("Stop, start and restart touch only what is not so already", "[plan][unit]") {
  auto up = running(config_of("up", "img"));
  auto down = running(config_of("down", "img"));
  down.instance->state = workload_state::stopped;
  down.record.wanted_running = false;
  auto const with = [&](char const* kind, bool run, bool again) {
    desired_state desired{kind, "", {}, {}};
    for (auto const* name : {"up", "down"}) {
      desired_workload w;
      w.name = name;
      w.running = run;
      w.restart = again;
      desired.workloads.push_back(w);
    }
    return text_of(reconcile(desired, world({up, down})));
  };
  CHECK(with("stop", false, false) ==
        "Plan for stop: 1 step\n"
        "  ~ up    stop on docker (asked for)\n"
        "  = down  unchanged\n");
  CHECK(with("start", true, false) ==
        "Plan for start: 1 step\n"
        "  ~ down  start on docker (is stopped)\n"
        "  = up    unchanged\n");
  CHECK(with("restart", true, true) ==
        "Plan for restart: 2 steps\n"
        "  ~ down  start on docker (is stopped)\n"
        "  ~ up    restart on docker (asked for)\n");
}

TEST_CASE("The plan as JSON", "[plan][unit]") {
  auto const p =
      reconcile(group_run({wanted(config_of("fetch", "img"))}), world({}, false), registry_run);
  REQUIRE(p);
  CHECK(boost::json::serialize(to_json(*p)) ==
        R"({"kind":"group run","group":"team","operations":[{"id":1,"action":"create-group",)"
        R"("subject":"team","cause":"does not exist","depends_on":[],"optional":false,)"
        R"("destructive":false},{"id":2,"action":"deploy","subject":"fetch","runtime":"docker",)"
        R"("source":"img","cause":"not deployed yet","depends_on":[1],"optional":false,)"
        R"("destructive":false}],"unchanged":[],"notes":[]})");
}

TEST_CASE("Equal arguments give equal plans, whatever the order of the members", "[plan][unit]") {
  auto const one = group_run({wanted(config_of("a", "x")), wanted(config_of("b", "y"))});
  auto const other = group_run({wanted(config_of("b", "y")), wanted(config_of("a", "x"))});
  CHECK(text_of(reconcile(one, world({}), registry_run)) ==
        text_of(reconcile(other, world({}), registry_run)));
}

TEST_CASE("A secret as a file is refused by a runtime that cannot give it", "[plan][unit]") {
  auto a = config_of("a", "img");
  a.secrets = {"one,target=A", "two,target=B,as=file", "three,target=C,as=file"};
  auto b = config_of("b", "img");
  b.secrets = {"two,target=B,as=file"};
  auto seen = world({});
  auto const refused = reconcile(group_run({wanted(a), wanted(b)}), seen, registry_run);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::unsupported);
  CHECK(refused.error().message ==
        "'a' is to get the secrets two, three as a file, which runtime 'docker' cannot give; "
        "'b' is to get the secret two as a file, which runtime 'docker' cannot give");
  CHECK(refused.error().hint.find("leave out ',as=file'") == 0);

  seen.runtimes["docker"].secret_files = true;
  CHECK(reconcile(group_run({wanted(a), wanted(b)}), seen, registry_run));
}

TEST_CASE("A member that is to have a file from now on is replaced, or refused", "[plan][unit]") {
  auto before = config_of("a", "img");
  before.secrets = {"one,target=A"};
  auto after = before;
  after.secrets = {"one,target=A,as=file"};
  auto seen = world({running(before)});
  CHECK(reconcile(group_run({wanted(after)}), seen, registry_run).error().code ==
        errc::unsupported);
  seen.runtimes["docker"].secret_files = true;
  auto const planned = reconcile(group_run({wanted(after)}), seen, registry_run);
  REQUIRE(planned);
  REQUIRE(planned->operations.size() == 1);
  CHECK(planned->operations[0].cause == "secrets changed");
  // As it is, it needs nothing: the runtime may have lost the ability meanwhile.
  auto as_is = world({running(after)});
  CHECK(reconcile(group_run({wanted(after)}), as_is, registry_run));
}

TEST_CASE("A remote server is refused files with what to do instead", "[plan][unit]") {
  run_config far;
  far.name = "far";
  far.group = "team";
  far.remote_url = "https://host/mcp";
  far.secrets = {"one,target=A,as=file"};
  auto seen = world({});
  seen.runtimes["remote"] = {.engine = "remote servers", .runs = {source_kind::url}};
  auto const refused = reconcile(group_run({wanted(far, "remote")}), seen, registry_run);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().hint == "a remote server gets secrets as headers");
}
