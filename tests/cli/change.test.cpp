// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include "program.hpp"

using namespace cli_test;

TEST_CASE("groups are created, listed and described", "[cli][group]") {
  user u;
  CHECK(u.expect_done({"group", "create", "b"}).empty());
  CHECK(u.expect_done({"group", "create", "my group"}).empty());
  CHECK(u.expect_done({"group", "list"}) == "NAME\nb\ndefault\nmy group\n");
  auto const listed = u.json({"group", "list"}).as_array();
  REQUIRE(listed.size() == 3);
  CHECK(listed[0].at("name") == "b");
  CHECK(u.json({"group", "show", "b"}).at("members").as_array().empty());
  CHECK(u.expect_done({"group", "list", "b"}) == "No MCP servers found in group 'b'\n");
  CHECK(u.json({"group", "list", "b"}).as_array().empty());
  auto const again = u.run({"group", "create", "b"});
  CHECK(again.status == 1);
  CHECK(again.err.find("already exists") != std::string::npos);
}

TEST_CASE("an empty group is deleted without a question", "[cli][group]") {
  user u;
  u.expect_done({"group", "create", "a"});
  u.expect_done({"group", "create", "b"});
  CHECK(u.expect_done({"group", "delete", "a"}).empty());
  CHECK(u.expect_done({"group", "rm", "b"}).empty());
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\n");
}

TEST_CASE("a group with members is deleted only with consent", "[cli][group]") {
  user u;
  u.expect_done({"run", "--name", "one", "--group", "g", TINY_SERVER});
  u.expect_done({"run", "--name", "two", "--group", "g", TINY_SERVER});

  auto const refused = u.run({"group", "delete", "g"});
  CHECK(refused.status == 1);
  CHECK(refused.err ==
        "thv-engine: group 'g' has 2 members, which would be deleted: one, two\n"
        "Hint: repeat the command with --yes\n");
  CHECK(u.json({"list"}).as_array().size() == 2);

  auto const plan = u.expect_done({"group", "delete", "g", "--dry-run"});
  check_golden("delete-dry-run", plan);

  SECTION("all members go") {
    u.expect_done({"group", "delete", "g", "--yes"});
    CHECK(u.json({"list", "--all"}).as_array().empty());
  }
  SECTION("the members are kept in 'default'") {
    u.expect_done({"group", "delete", "g", "--keep-workloads", "--yes"});
    CHECK(u.json({"list", "--group", "default"}).as_array().size() == 2);
  }
  SECTION("rm moves the members") {
    u.expect_done({"group", "rm", "g", "--yes"});
    CHECK(u.json({"list", "--group", "default"}).as_array().size() == 2);
  }
  SECTION("rm --with-workloads deletes them") {
    u.expect_done({"group", "rm", "g", "--with-workloads", "--yes"});
    CHECK(u.json({"list", "--all"}).as_array().empty());
  }
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\n");
}

TEST_CASE("a moved workload keeps running in its new group", "[cli][group]") {
  user u;
  u.expect_done({"run", "--name", "one", "--group", "a", TINY_SERVER});
  auto const before = u.json({"status", "one"}).at("started_at");
  auto const wrong = u.run({"group", "move", "one", "--from", "default", "--to", "b"});
  CHECK(wrong.status == 1);
  CHECK(wrong.err.find("workload 'one' is in group 'a', not in 'default'") != std::string::npos);
  CHECK(u.expect_done({"group", "move", "one", "--from", "a", "--to", "b"}) ==
        "Created group 'b'.\nMoved 'one' from group 'a' to 'b'.\n");
  auto const after = u.json({"status", "one"});
  CHECK(after.at("group") == "b");
  CHECK(after.at("started_at") == before);
  CHECK(u.expect_done({"group", "move", "one", "--to", "b"}) == "'one' is in group 'b' already.\n");
}

TEST_CASE("without auto_create a missing group is an error", "[cli][group]") {
  user u;
  u.write("config/thv-engine/config.toml", "[group_defaults]\nauto_create = false\n");
  auto const seen = u.run({"run", "--name", "one", "--group", "g", TINY_SERVER});
  CHECK(seen.status == 1);
  CHECK(seen.err.find("group 'g' does not exist") != std::string::npos);
  CHECK(u.json({"list", "--all"}).as_array().empty());
}
