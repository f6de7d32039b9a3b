// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "program.hpp"

using namespace cli_test;

namespace {

using commands = std::vector<std::vector<std::string>>;

/// Starts all at once; every one must end with 0.
void run_together(user const& u, commands const& lines) {
  std::vector<std::unique_ptr<running>> started;
  for (auto const& line : lines)
    started.push_back(
        std::make_unique<running>(line, u.variables(), THV_PROGRAM, u.home().string()));
  for (std::size_t i = 0; i < started.size(); ++i) {
    auto const seen = started[i]->wait();
    INFO(fmt::format("{} {} {}: {}", lines[i][0], lines[i][1], lines[i][2], seen.err));
    CHECK(seen.status == 0);
  }
}

}  // namespace

TEST_CASE("twenty processes create, move and delete groups, and nothing is lost",
          "[cli][concurrency]") {
  user u;
  constexpr int count = 20;
  commands creating;
  for (int i = 0; i < count; ++i) creating.push_back({"group", "create", fmt::format("g{}", i)});
  run_together(u, creating);
  CHECK(u.json({"group", "list"}).as_array().size() == count + 1);

  commands running_servers;
  for (int i = 0; i < count; ++i)
    running_servers.push_back(
        {"run", "--name", fmt::format("w{}", i), "--group", fmt::format("g{}", i), TINY_SERVER});
  run_together(u, running_servers);
  CHECK(u.json({"list"}).as_array().size() == count);

  commands moving;
  for (int i = 0; i < count; ++i)
    moving.push_back({"group", "move", fmt::format("w{}", i), "--from", fmt::format("g{}", i),
                      "--to", fmt::format("g{}", (i + 1) % count)});
  run_together(u, moving);
  for (int i = 0; i < count; ++i)
    CHECK(u.json({"group", "list", fmt::format("g{}", i)}).as_array().size() == 1);

  commands deleting;
  for (int i = 0; i < count; ++i)
    deleting.push_back({"group", "delete", fmt::format("g{}", i), "--yes"});
  run_together(u, deleting);
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\n");
  CHECK(u.json({"list", "--all"}).as_array().empty());
}

TEST_CASE("of many that create one group exactly one succeeds", "[cli][concurrency]") {
  user u;
  std::vector<std::unique_ptr<running>> started;
  for (int i = 0; i < 20; ++i)
    started.push_back(std::make_unique<running>(std::vector<std::string>{"group", "create", "one"},
                                                u.variables(), THV_PROGRAM, u.home().string()));
  int succeeded = 0;
  for (auto const& one : started) {
    auto const seen = one->wait();
    if (seen.status == 0)
      ++succeeded;
    else
      CHECK(seen.err.find("already exists") != std::string::npos);
  }
  CHECK(succeeded == 1);
}
