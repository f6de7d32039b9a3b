// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include "program.hpp"

using namespace cli_test;

namespace {

/// A member that ends before it answers.
std::string const failing =
    R"("env_vars": [{"name": "TINY_EXIT_AFTER_MS", "description": "d", "default": "20"},
                    {"name": "TINY_DELAY_MS", "description": "d", "default": "20000"}])";

}  // namespace

TEST_CASE("a dry run prints the plan and changes nothing", "[cli][group_run]") {
  user u;
  auto const registry = u.write_registry({{"alpha", ""}, {"beta", ""}});
  auto const plan = u.expect_done({"group", "run", "tools", "--registry", registry, "--dry-run"});
  check_golden("dry-run", normalized(plan, u));
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\n");
  CHECK_FALSE(std::filesystem::exists(u.home() / "state/thv-engine/state.db"));

  auto const json = u.json({"group", "run", "tools", "--registry", registry, "--dry-run"});
  CHECK(json.at("status") == "planned");
  CHECK(json.at("plan").at("operations").as_array().size() == 3);
}

TEST_CASE("a registry group runs as one, and again changes nothing", "[cli][group_run]") {
  user u;
  auto const registry = u.write_registry({{"alpha", ""}, {"beta", ""}});
  auto const first = u.run({"group", "run", "tools", "--registry", registry});
  INFO(first.err);
  CHECK(first.status == 0);
  check_golden("group-run", normalized(first.out, u));
  CHECK(first.err.find("plain process on this machine, unconfined") != std::string::npos);

  auto const second = u.run({"group", "run", "tools", "--registry", registry});
  CHECK(second.status == 0);
  check_golden("group-run-again", normalized(second.out, u));

  auto const shown = u.expect_done({"group", "show", "tools"});
  check_golden("group-show", normalized(shown, u));
  CHECK(normalized(u.expect_done({"group", "list", "tools"}), u) ==
        normalized(u.expect_done({"list", "--all", "--group", "tools"}), u));

  auto const changed =
      u.json({"group", "run", "tools", "--registry", registry, "--env", "beta.MODE=loud"});
  CHECK(changed.at("status") == "done");
  auto const& members = changed.at("members").as_array();
  REQUIRE(members.size() == 2);
  CHECK(members[0].at("outcome") == "unchanged");
  CHECK(members[1].at("outcome") == "replaced");
  CHECK(members[1].at("readiness") == "ready");
}

TEST_CASE("a member that fails takes the group back, and says why", "[cli][group_run]") {
  user u;
  auto const registry = u.write_registry({{"bad", failing}, {"good", ""}});
  auto const seen = u.run({"group", "run", "tools", "--registry", registry});
  INFO(seen.err);
  CHECK(seen.status == 1);
  CHECK(seen.out.empty());
  CHECK(seen.err.find("thv-engine: bad: ") != std::string::npos);
  CHECK(seen.err.find("  | tiny: ending as told") != std::string::npos);
  CHECK(seen.err.find("everything is as it was before") != std::string::npos);
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\n");
  CHECK(u.json({"list", "--all"}).as_array().empty());
}

TEST_CASE("with --keep-going what runs is kept, and the status is 3", "[cli][group_run]") {
  user u;
  auto const registry = u.write_registry({{"bad", failing}, {"good", ""}});
  auto const seen = u.run({"group", "run", "tools", "--registry", registry, "--keep-going"});
  INFO(seen.err);
  CHECK(seen.status == 3);
  check_golden("keep-going", normalized(seen.out, u));
  auto const left = u.json({"list", "--group", "tools"}).as_array();
  REQUIRE(left.size() == 1);
  CHECK(left[0].at("name") == "good");

  auto const json =
      u.run({"group", "run", "tools", "--registry", registry, "--keep-going", "--format", "json"});
  CHECK(json.status != 0);
  CHECK(json.out.find("\"ending as told\"") == std::string::npos);
  CHECK(json.out.find("\"error\"") != std::string::npos);
}

TEST_CASE("values reach the member they are for, and no other", "[cli][group_run]") {
  user u;
  u.set("THV_SECRET_token", "s3cret-value");
  auto const registry = u.write_registry({{"alpha", ""}, {"beta", ""}});
  auto const env = u.write("env", "# a comment\nexport alpha.FROM_FILE=yes\n");
  u.expect_done({"group", "run", "tools", "--registry", registry, "--env", "alpha.DEBUG=true",
                 "--secret", "token,target=beta.TOKEN", "--env-file", env});
  auto const alpha = u.expect_done({"export", "alpha", "-"});
  auto const beta = u.expect_done({"export", "beta", "-"});
  CHECK(alpha.find("\"DEBUG\": \"true\"") != std::string::npos);
  CHECK(alpha.find("\"FROM_FILE\": \"yes\"") != std::string::npos);
  CHECK(alpha.find("token") == std::string::npos);
  CHECK(beta.find("token,target=TOKEN") != std::string::npos);
  CHECK(beta.find("DEBUG") == std::string::npos);

  for (auto const& wrong : {"gamma.X=1", "alphaX=1", "alpha.X"})
    CHECK(u.run({"group", "run", "tools", "--registry", registry, "--env", wrong}).status == 2);
}

TEST_CASE("with --as and --prefix a group runs a second time beside itself", "[cli][group_run]") {
  user u;
  u.set("THV_REGISTRY", u.write_registry({{"alpha", ""}}));
  u.expect_done({"group", "run", "tools"});
  auto const taken = u.run({"group", "run", "tools", "--as", "staging"});
  CHECK(taken.status == 1);
  CHECK(taken.err.find("--prefix") != std::string::npos);
  u.expect_done({"group", "run", "tools", "--as", "staging", "--prefix", "staging-"});
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\nstaging\ntools\n");
  CHECK(u.json({"list", "--all"}).as_array().size() == 2);
}

TEST_CASE("a member that left the registry goes only with --prune and consent",
          "[cli][group_run]") {
  user u;
  auto const registry = u.write_registry({{"alpha", ""}, {"beta", ""}});
  u.expect_done({"group", "run", "tools", "--registry", registry});
  u.write_registry({{"alpha", ""}});

  auto const kept = u.run({"group", "run", "tools", "--registry", registry});
  CHECK(kept.status == 0);
  CHECK(kept.err.find("--prune") != std::string::npos);

  auto const refused = u.run({"group", "run", "tools", "--registry", registry, "--prune"});
  CHECK(refused.status == 1);
  CHECK(refused.err.find("--prune would delete beta") != std::string::npos);
  CHECK(u.json({"list", "--all"}).as_array().size() == 2);

  auto const no =
      u.run_on_terminal({"group", "run", "tools", "--registry", registry, "--prune"}, "n\n");
  CHECK(no.status == 0);
  CHECK(u.json({"list", "--all"}).as_array().size() == 2);

  u.expect_done({"group", "run", "tools", "--registry", registry, "--prune", "--yes"});
  CHECK(u.json({"list", "--all"}).as_array().size() == 1);
}
