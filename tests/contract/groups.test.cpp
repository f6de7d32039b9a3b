// SPDX-License-Identifier: Apache-2.0
#include "stores.hpp"

using namespace thv;
using namespace thv::test;
using names = std::vector<std::string>;

TEMPLATE_TEST_CASE("a new store holds the group default and nothing else", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  auto const groups = ok(f.store.groups());
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].name == "default");
  CHECK(groups[0].created_at == 1000);
  CHECK(ok(f.store.workloads()).empty());
  CHECK(ok(f.store.workloads_of("default")).empty());
  CHECK(ok(f.store.open_operations()).empty());
}

TEMPLATE_TEST_CASE("a store has an id and a keyed hash", "[store]", memory_fixture,
                   sqlite_fixture) {
  TestType f, other;
  CHECK(f.store.id().size() == 32);
  CHECK(f.store.id().find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(f.store.id() != other.store.id());

  CHECK(f.store.keyed_hash("secret").size() == 64);
  CHECK(f.store.keyed_hash("secret") == f.store.keyed_hash("secret"));
  CHECK(f.store.keyed_hash("secret") != f.store.keyed_hash("secret2"));
  CHECK(f.store.keyed_hash("secret") != other.store.keyed_hash("secret"));
}

TEMPLATE_TEST_CASE("groups are created once and listed by name", "[store]", memory_fixture,
                   sqlite_fixture) {
  TestType f;
  store::group_record g{"zebra", "The 'Zebra' team", "https://r/registry.json", "Zebra!", 77};
  ok(f.store.create_group(g));
  ok(f.store.create_group(a_group("alpha")));
  CHECK(group_names(f.store) == names{"alpha", "default", "zebra"});
  CHECK(ok(f.store.group("zebra")) == g);
  CHECK(ok(f.store.group("alpha"))->created_at == 1000);
  CHECK_FALSE(ok(f.store.group("nobody")));

  auto const again = failed(f.store.create_group(g));
  CHECK(again.code == errc::already_exists);
  CHECK(again.message == "group 'zebra' already exists");
  CHECK(failed(f.store.create_group(a_group("default"))).code == errc::already_exists);
}

TEMPLATE_TEST_CASE("putting a group replaces it and keeps when it was made", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  ok(f.store.create_group(a_group("g")));
  f.time = 2000;
  store::change_set c;
  c.put_groups = {store::group_record{"g", "Title", "file", "G", 0}, a_group("h")};
  ok(f.store.apply(c));
  CHECK(ok(f.store.group("g")) == store::group_record{"g", "Title", "file", "G", 1000});
  CHECK(ok(f.store.group("h"))->created_at == 2000);
}

TEMPLATE_TEST_CASE("a group goes only when it is empty, and default never", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  ok(f.store.create_group(a_group("g")));
  ok(f.store.apply(putting({a_workload("b", "g"), a_workload("a", "g")})));

  store::change_set c;
  c.remove_groups = {"g"};
  auto const full = failed(f.store.apply(c));
  CHECK(full.code == errc::conflict);
  CHECK(full.message == "group 'g' still has the workload 'a'");
  CHECK(group_names(f.store) == names{"default", "g"});

  c.remove_workloads = {"a", "b", "never-existed"};
  ok(f.store.apply(c));
  CHECK(group_names(f.store) == names{"default"});
  CHECK(workload_names(f.store).empty());
  ok(f.store.apply(c));  // unknown ones are fine

  c.remove_groups = {"default"};
  auto const kept = failed(f.store.apply(c));
  CHECK(kept.code == errc::invalid_argument);
  CHECK(kept.message == "the group 'default' cannot be deleted");
}

TEMPLATE_TEST_CASE("a set of changes holds together or not at all", "[store]", memory_fixture,
                   sqlite_fixture) {
  TestType f;
  ok(f.store.apply(putting({a_workload("stays")})));
  store::change_set c;
  c.put_groups = {a_group("g")};
  c.put_workloads = {a_workload("a", "g"), a_workload("b", "no-such-group")};
  c.remove_workloads = {"stays"};
  auto const e = failed(f.store.apply(c));
  CHECK(e.code == errc::not_found);
  CHECK(e.message == "group 'no-such-group' does not exist");
  CHECK(group_names(f.store) == names{"default"});
  CHECK(workload_names(f.store) == names{"stays"});
}
