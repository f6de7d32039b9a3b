// SPDX-License-Identifier: Apache-2.0
#include "stores.hpp"

using namespace thv;
using namespace thv::test;
using names = std::vector<std::string>;

namespace {

// Every field set, with the bytes that spoil a bad encoding.
store::workload_record full_workload() {
  auto w = a_workload("full", "g");
  w.config.cmd_args = {"--flag", "a 'b' \"c\"", "\xc3\xa9\xe2\x82\xac", ""};
  w.config.transport = transport::stdio;
  w.config.port = 65535;
  w.config.target_port = 8080;
  w.config.env_vars = {{"EMPTY", ""}, {"KEY", "a=b\nline"}};
  w.config.container_labels = {{"team", "x"}};
  w.config.secrets = {"NAME,target=KEY"};
  w.config.permission_profile = network_only_permissions();
  w.config.unknown["future"] = {{"nested", {1, 2, nullptr}}};
  w.config.optional = true;
  w.phase = store::phase::removing;
  w.wanted_running = false;
  w.declared_by = "toolkit";
  w.secret_fingerprints = {{"NAME,target=KEY", "00ff"}, {"quote\",target=\\", "11"}};
  w.session_key = "123 456";
  w.initialize_result = R"({"serverInfo":{"name":"x"}})";
  w.tools = {"one", "two \"quoted\"", ""};
  w.readiness = "ready";
  w.created_at = 5;
  return w;
}

}  // namespace

TEMPLATE_TEST_CASE("a workload is read as it was written", "[store]", memory_fixture,
                   sqlite_fixture) {
  TestType f;
  ok(f.store.create_group(a_group("g")));
  auto w = full_workload();
  ok(f.store.apply(putting({w})));
  w.updated_at = 1000;
  CHECK(ok(f.store.workload("full")) == w);
  CHECK(ok(f.store.workloads()) == std::vector{w});
  CHECK_FALSE(ok(f.store.workload("ful")));
}

TEMPLATE_TEST_CASE("a run config always bears the record's name and group", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  auto w = a_workload("w");
  w.config.name = "other";
  w.config.group = "elsewhere";
  ok(f.store.apply(putting({w})));
  auto const read = ok(f.store.workload("w")).value();
  CHECK(read.config.name == "w");
  CHECK(read.config.group == "default");
}

TEMPLATE_TEST_CASE("times of workloads are kept by the store", "[store]", memory_fixture,
                   sqlite_fixture) {
  TestType f;
  ok(f.store.apply(putting({a_workload("w")})));
  f.time = 2000;
  auto w = a_workload("w");
  w.updated_at = 7;
  ok(f.store.apply(putting({w})));
  auto const read = ok(f.store.workload("w")).value();
  CHECK(read.created_at == 1000);
  CHECK(read.updated_at == 2000);
}

TEMPLATE_TEST_CASE("workloads are listed by name, whole and by group", "[store]", memory_fixture,
                   sqlite_fixture) {
  TestType f;
  ok(f.store.create_group(a_group("g")));
  ok(f.store.apply(putting({a_workload("c", "g"), a_workload("a"), a_workload("b", "g")})));
  CHECK(workload_names(f.store) == names{"a", "b", "c"});
  auto const members = ok(f.store.workloads_of("g"));
  REQUIRE(members.size() == 2);
  CHECK(members[0].name == "b");
  CHECK(members[1].name == "c");
  CHECK(ok(f.store.workloads_of("nobody")).empty());
}

TEMPLATE_TEST_CASE("session facts change nothing else", "[store]", memory_fixture, sqlite_fixture) {
  TestType f;
  auto w = a_workload("w");
  ok(f.store.apply(putting({w})));
  auto facts = a_workload("w", "another");
  facts.runtime = "docker";
  facts.session_key = "key";
  facts.initialize_result = "{}";
  facts.tools = {"t"};
  facts.readiness = "ready";
  ok(f.store.put_session(facts));

  w.session_key = "key";
  w.initialize_result = "{}";
  w.tools = {"t"};
  w.readiness = "ready";
  w.created_at = w.updated_at = 1000;
  CHECK(ok(f.store.workload("w")) == w);

  auto const e = failed(f.store.put_session(a_workload("nobody")));
  CHECK(e.code == errc::not_found);
  CHECK(e.message == "workload 'nobody' does not exist");
}

TEMPLATE_TEST_CASE("a catalogue is read as it was written and goes with its workload", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  ok(f.store.apply(putting({a_workload("a"), a_workload("b")})));
  CHECK(ok(f.store.catalogues()).empty());
  store::catalogue_record const said{
      "key",
      "2025-11-25",
      R"({"serverInfo":{"name":"\"x\""}})",
      {{"tools/list", R"({"tools":[{"name":"\u00e9"}]})"}, {"prompts/list", R"({"prompts":[]})"}}};
  ok(f.store.put_catalogue("a", {"old", "", "", {}}));
  ok(f.store.put_catalogue("a", said));
  ok(f.store.put_catalogue("b", {}));
  CHECK(ok(f.store.catalogues()) ==
        std::map<std::string, store::catalogue_record>{{"a", said}, {"b", {}}});

  ok(f.store.apply(putting({a_workload("a")})));  // another state of the same workload
  CHECK(ok(f.store.catalogues()).at("a") == said);
  store::change_set gone;
  gone.remove_workloads = {"a"};
  ok(f.store.apply(gone));
  CHECK_FALSE(ok(f.store.catalogues()).contains("a"));

  auto const e = failed(f.store.put_catalogue("a", said));
  CHECK(e.code == errc::not_found);
  CHECK(e.message == "workload 'a' does not exist");
}

TEMPLATE_TEST_CASE("a workload moves between groups", "[store]", memory_fixture, sqlite_fixture) {
  TestType f;
  ok(f.store.create_group(a_group("one")));
  ok(f.store.create_group(a_group("two")));
  auto declared = a_workload("w", "one");
  declared.declared_by = "one";
  ok(f.store.apply(putting({declared})));
  f.time = 2000;

  SECTION("to where it is asked to") {
    ok(f.store.move_workload("w", "one", "two"));
    auto const w = ok(f.store.workload("w")).value();
    CHECK(w.group == "two");
    CHECK(w.config.group == "two");
    CHECK(w.declared_by == "one");
    CHECK(w.created_at == 1000);
    CHECK(w.updated_at == 2000);
    CHECK(ok(f.store.workloads_of("one")).empty());
  }
  SECTION("onto its own group: nothing happens") {
    ok(f.store.move_workload("w", "one", "one"));
    CHECK(ok(f.store.workload("w"))->updated_at == 1000);
  }
  SECTION("not from a group that it is not in") {
    auto const e = failed(f.store.move_workload("w", "two", "default"));
    CHECK(e.code == errc::conflict);
    CHECK(e.message == "workload 'w' is in group 'one', not in 'two'");
  }
  SECTION("not to a group that does not exist") {
    auto const e = failed(f.store.move_workload("w", "one", "three"));
    CHECK(e.code == errc::not_found);
    CHECK(e.message == "group 'three' does not exist");
  }
  SECTION("not if it does not exist") {
    CHECK(failed(f.store.move_workload("v", "one", "two")).code == errc::not_found);
  }
  SECTION("not while it is reserved or being removed") {
    ok(f.store.begin(an_operation("one"), {a_workload("r", "one")}, {}));
    CHECK(failed(f.store.move_workload("r", "one", "two")).code == errc::conflict);
    auto going = declared;
    going.phase = store::phase::removing;
    ok(f.store.apply(putting({going})));
    CHECK(failed(f.store.move_workload("w", "one", "two")).code == errc::conflict);
  }
}
