// SPDX-License-Identifier: Apache-2.0
#include "stores.hpp"

using namespace thv;
using namespace thv::test;
using names = std::vector<std::string>;

TEMPLATE_TEST_CASE("an operation is journaled before anything is done", "[store]", memory_fixture,
                   sqlite_fixture) {
  TestType f;
  auto o = an_operation("g");
  o.created_groups = {"default", "g", "h"};
  o.removed_groups = {"old"};
  auto replace = an_intent("b");
  replace.kind = store::intent_kind::replace;
  replace.previous = "b-before";
  auto const id =
      ok(f.store.begin(o, {a_workload("a", "g")}, {an_intent("a"), replace, an_intent("c")}));

  CHECK(group_names(f.store) == names{"default", "g", "h"});
  auto const reserved = ok(f.store.workload("a")).value();
  CHECK(reserved.phase == store::phase::reserved);
  CHECK(reserved.group == "g");

  auto const open = ok(f.store.open_operations());
  REQUIRE(open.size() == 1);
  o.id = id;
  o.started_at = 1000;
  o.created_groups = {"g", "h"};  // default was there before
  CHECK(open[0] == o);

  auto const intents = ok(f.store.intents(id));
  REQUIRE(intents.size() == 3);
  CHECK(intents[0].workload == "a");
  CHECK(intents[1].kind == store::intent_kind::replace);
  CHECK(intents[1].previous == "b-before");
  CHECK(intents[2].workload == "c");
  CHECK(intents[2].operation == id);
  CHECK(intents[0].id < intents[1].id);
  CHECK(ok(f.store.intents(id + 1)).empty());
}

TEMPLATE_TEST_CASE("a taken name is refused with its group and nothing is begun", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  ok(f.store.create_group(a_group("owner")));
  auto o = an_operation("g");
  o.created_groups = {"g"};

  SECTION("taken by a workload") {
    ok(f.store.apply(putting({a_workload("b", "owner")})));
  }
  SECTION("taken by an operation in flight") {
    ok(f.store.begin(an_operation("owner"), {a_workload("b", "owner")}, {}));
  }
  auto const before = ok(f.store.open_operations()).size();
  auto const e =
      failed(f.store.begin(o, {a_workload("a", "g"), a_workload("b", "g")}, {an_intent("a")}));
  CHECK(e.code == errc::already_exists);
  CHECK(e.message == "workload with name 'b' already exists in group 'owner'");
  CHECK(ok(f.store.open_operations()).size() == before);
  CHECK_FALSE(ok(f.store.workload("a")));
  CHECK_FALSE(ok(f.store.group("g")));
}

TEMPLATE_TEST_CASE("a name cannot be reserved twice at once, nor in a missing group", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  auto const twice = f.store.begin(an_operation("default"), {a_workload("a"), a_workload("a")}, {});
  CHECK(failed(twice).code == errc::already_exists);
  auto const nowhere = f.store.begin(an_operation("g"), {a_workload("a", "g")}, {});
  CHECK(failed(nowhere).message == "group 'g' does not exist");
  CHECK(ok(f.store.open_operations()).empty());
  CHECK(workload_names(f.store).empty());
}

TEMPLATE_TEST_CASE("an intent learns its instance and that it is done", "[store]", memory_fixture,
                   sqlite_fixture) {
  TestType f;
  auto const id = ok(f.store.begin(an_operation("default"), {}, {an_intent("a"), an_intent("b")}));
  auto changed = ok(f.store.intents(id))[1];
  changed.instance = "container-1";
  changed.done = true;
  changed.workload = "is not changed";
  ok(f.store.update_intent(changed));

  auto const read = ok(f.store.intents(id));
  CHECK(read[0].instance.empty());
  CHECK_FALSE(read[0].done);
  CHECK(read[1].instance == "container-1");
  CHECK(read[1].done);
  CHECK(read[1].workload == "b");

  changed.id += 100;
  CHECK(failed(f.store.update_intent(changed)).code == errc::not_found);
}

TEMPLATE_TEST_CASE("commit applies and keeps the operation, end removes it", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  auto const id = ok(f.store.begin(an_operation("default"), {a_workload("a")}, {an_intent("a")}));
  ok(f.store.commit(id, putting({a_workload("a")})));
  CHECK(ok(f.store.workload("a"))->phase == store::phase::present);
  CHECK(ok(f.store.open_operations())[0].state == store::operation_state::committed);
  CHECK(ok(f.store.intents(id)).size() == 1);

  ok(f.store.end(id, {}));
  CHECK(ok(f.store.open_operations()).empty());
  CHECK(ok(f.store.intents(id)).empty());
  CHECK(workload_names(f.store) == names{"a"});

  CHECK(failed(f.store.commit(id, putting({a_workload("late")}))).code == errc::not_found);
  CHECK(failed(f.store.end(id, putting({a_workload("late")}))).code == errc::not_found);
  CHECK(workload_names(f.store) == names{"a"});
}

TEMPLATE_TEST_CASE("a commit that cannot be leaves the operation pending", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  auto const id = ok(f.store.begin(an_operation("default"), {a_workload("a")}, {}));
  CHECK_FALSE(f.store.commit(id, putting({a_workload("a"), a_workload("b", "missing")})));
  CHECK(ok(f.store.open_operations())[0].state == store::operation_state::pending);
  CHECK(ok(f.store.workload("a"))->phase == store::phase::reserved);
  CHECK_FALSE(f.store.end(id, putting({a_workload("b", "missing")})));
  CHECK(ok(f.store.open_operations()).size() == 1);
}

TEMPLATE_TEST_CASE("the end of an operation frees the names it still reserves", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  auto o = an_operation("g");
  o.created_groups = {"g"};
  auto const undone = ok(f.store.begin(o, {a_workload("a", "g"), a_workload("b", "g")}, {}));
  auto const other = ok(f.store.begin(an_operation("default"), {a_workload("c")}, {}));

  SECTION("when it is undone, with its groups") {
    store::change_set c;
    c.remove_groups = {"g"};
    ok(f.store.end(undone, c));
    CHECK(workload_names(f.store) == names{"c"});
    CHECK(group_names(f.store) == names{"default"});
  }
  SECTION("but not those that were put") {
    ok(f.store.commit(undone, putting({a_workload("b", "g")})));
    ok(f.store.end(undone, {}));
    CHECK(workload_names(f.store) == names{"b", "c"});
  }
  SECTION("also those whose facts were stored while reserved") {
    auto w = a_workload("a", "g");
    w.phase = store::phase::reserved;
    w.instance = "known now";
    ok(f.store.apply(putting({w})));
    ok(f.store.end(undone, {}));
    CHECK(workload_names(f.store) == names{"c"});
  }
  ok(f.store.end(other, {}));
}

TEMPLATE_TEST_CASE("open operations come oldest first, and ids are never used again", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  auto const first = ok(f.store.begin(an_operation("default", "run"), {}, {}));
  auto const second = ok(f.store.begin(an_operation("default", "rm"), {}, {}));
  auto const open = ok(f.store.open_operations());
  REQUIRE(open.size() == 2);
  CHECK(open[0].kind == "run");
  CHECK(open[1].kind == "rm");
  CHECK(open[0].owner == store::this_process());
  ok(f.store.end(second, {}));
  CHECK(ok(f.store.begin(an_operation("default"), {}, {})) > second);
  CHECK(first < second);
}
