// SPDX-License-Identifier: Apache-2.0
// fill_store STATE_DIRECTORY COUNT: a store with that many workloads in groups of 10.
#include <fmt/format.h>
#include <cstdlib>
#include <iostream>

#include <thv/store/sqlite_store.hpp>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  using namespace thv;
  auto opened = store::sqlite_store::open({.state_directory = argv[1]});
  if (!opened) {
    std::cerr << to_string(opened.error()) << '\n';
    return 1;
  }
  store::change_set changes;
  int const count = std::atoi(argv[2]);
  for (int i = 0; i < count; ++i) {
    auto const group = fmt::format("group-{}", i / 10);
    if (i % 10 == 0) changes.put_groups.push_back({group, {}, {}, {}, 1});
    store::workload_record w;
    w.name = w.config.name = fmt::format("server-{:06}", i);
    w.group = w.config.group = group;
    w.runtime = "process";
    w.instance = w.name + "-instance";
    w.config.image = "npx://@example/server@1.0.0";
    w.config.env_vars = {{"TEAM_ID", "mobile"}, {"MODE", "production"}};
    w.tools = {"read", "write", "search"};
    w.readiness = "ready";
    changes.put_workloads.push_back(std::move(w));
  }
  auto stored = opened->apply(changes);
  if (!stored) {
    std::cerr << to_string(stored.error()) << '\n';
    return 1;
  }
  return 0;
}
