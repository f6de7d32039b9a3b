// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include "program.hpp"

using namespace cli_test;

namespace {

bool contains(std::string const& text, std::string const& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("deleting a group asks one question on a terminal", "[cli][terminal]") {
  user u;
  u.expect_done({"run", "--name", "one", "--group", "g", TINY_SERVER});

  auto const no = u.run_on_terminal({"group", "delete", "g"}, "n\n");
  CHECK(no.status == 0);
  CHECK(contains(no.out, "This will delete group 'g' and DELETE all workloads belonging to it."));
  CHECK(contains(no.out, "   - one (will be DELETED)"));
  CHECK(contains(no.out, "Group deletion cancelled."));
  CHECK(u.json({"list"}).as_array().size() == 1);

  auto const end = u.run_on_terminal({"group", "delete", "g"}, "\x04");
  CHECK(end.status == 1);
  CHECK(contains(end.out, "failed to read user input: EOF"));
  CHECK(u.json({"list"}).as_array().size() == 1);

  auto const yes = u.run_on_terminal({"group", "delete", "g"}, "YES\n");
  CHECK(yes.status == 0);
  CHECK(u.json({"list", "--all"}).as_array().empty());
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\n");
}

TEST_CASE("moving the members away on rm is asked for as well", "[cli][terminal]") {
  user u;
  u.expect_done({"run", "--name", "one", "--group", "g", TINY_SERVER});
  auto const yes = u.run_on_terminal({"group", "rm", "g"}, "y\n");
  CHECK(yes.status == 0);
  CHECK(contains(yes.out, "(will be moved to the 'default' group)"));
  CHECK(u.json({"status", "one"}).at("group") == "default");
}

TEST_CASE("colour is for terminals, and not with NO_COLOR", "[cli][terminal]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  CHECK_FALSE(contains(u.expect_done({"list"}), "\x1b["));
  CHECK(contains(u.run_on_terminal({"list"}, "").out, "\x1b[32mrunning"));
  u.set("NO_COLOR", "1");
  CHECK_FALSE(contains(u.run_on_terminal({"list"}, "").out, "\x1b["));
}

TEST_CASE("progress is drawn on a terminal, and plain lines elsewhere", "[cli][terminal]") {
  user u;
  u.set("THV_REGISTRY", u.write_registry({{"alpha", ""}, {"beta", ""}}));
  auto const live = u.run_on_terminal({"group", "run", "tools"}, "");
  CHECK(live.status == 0);
  CHECK(contains(live.out, "alpha: ready, 3 tools"));
  CHECK(contains(live.out, "\x1b["));
  u.expect_done({"group", "delete", "tools", "--yes"});
  auto const plain = u.run({"group", "run", "tools"});
  CHECK(contains(plain.err, "alpha: ready, 3 tools\n"));
  CHECK_FALSE(contains(plain.err, "\x1b"));
}
