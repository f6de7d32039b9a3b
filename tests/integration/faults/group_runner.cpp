// SPDX-License-Identifier: Apache-2.0
// group_runner STATE_DIRECTORY PLACE COMMAND SERVER: one command of the engine on the process
// runtime, killed at PLACE (0: never). COMMAND is run1 or run2 (two versions of one group), delete,
// stop, restart, move, clean or repair. The exit status is that of the report.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include <process/driver.hpp>
#include <thv/engine.hpp>
#include <thv/plugin/adapter.hpp>

#include "killing.hpp"

namespace {

using namespace thv;

group_run_request team(std::string const& server, std::string const& version) {
  group_run_request request;
  request.group.name = "team";
  request.origin = "test";
  for (auto const* name : {"a", "b", "c"}) {
    registry::server s;
    s.name = name;
    registry::package p;
    p.reference = "file://" + server;
    p.transport = transport::stdio;
    s.packages.push_back(p);
    request.group.servers.push_back(s);
    request.targets.env[name]["VERSION"] = version;
  }
  return request;
}

template <class Engine>
result<plan::report> perform(Engine& engine, std::string const& command,
                             std::string const& server) {
  change_options const options{.parallel = 1};
  if (command == "run1") return engine.group_run(team(server, "1"), options);
  if (command == "run2") return engine.group_run(team(server, "2"), options);
  if (command == "delete") return engine.delete_group({"team"}, options);
  if (command == "stop") return engine.stop({.group = "team"}, options);
  if (command == "restart") return engine.restart({.group = "team"}, options);
  if (command == "move") return engine.move({{"a"}, "", "other"}, options);
  if (command == "clean") return engine.remove({.all = true}, false, options);
  return engine.remove({}, false, options);
}

int complain(error const& e) {
  std::cerr << to_string(e) << '\n';
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  std::filesystem::path const state = argv[1];
  thv::testing::executioner death(std::atoi(argv[2]));
  auto opened = store::sqlite_store::open({.state_directory = state});
  if (!opened) return complain(opened.error());
  plugin::host_context host;
  host.runtime_name = "process";
  host.state_directory = state / "process";
  host.cache_directory = state / "cache";
  host.store = opened->id();
  for (auto const& folder : {host.state_directory, host.cache_directory})
    std::filesystem::create_directories(folder);
  auto real = plugin::make_runtime<process::driver>(host);
  if (!real) return complain(real.error());
  static_runtimes runtimes;
  if (auto added = runtimes.add(
          "process", std::make_unique<thv::testing::killing_runtime>(*std::move(real), death));
      !added)
    return complain(added.error());
  thv::testing::killing_store store(*std::move(opened), death);
  basic_engine engine{runtimes, store};
  auto const done = perform(engine, argv[3], argv[4]);
  if (!done) return complain(done.error());
  for (auto const& text : done->repairs) std::cout << text << '\n';
  for (auto const& m : done->members)
    if (m.failure) std::cerr << m.name << ": " << to_string(*m.failure) << '\n';
  if (done->rollback_failure) std::cerr << to_string(*done->rollback_failure) << '\n';
  return static_cast<int>(done->status);
}
