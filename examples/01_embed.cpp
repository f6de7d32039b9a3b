// SPDX-License-Identifier: Apache-2.0
// The engine inside another program: runs a group of a registry file, prints its members, deletes
// it. Usage: 01_embed STATE-FOLDER REGISTRY-FILE GROUP
#include <iostream>

#include <thv/engine.hpp>
#include <thv/plugin/host.hpp>
#include <thv/registry/fetch.hpp>
#include <thv/registry/find.hpp>
#include <thv/secrets/environment.hpp>
#include <thv/store/sqlite_store.hpp>

// [embed]
thv::result<void> run_group(std::string const& folder, std::string const& file,
                            std::string const& name) {
  THV_TRY(auto store, thv::store::sqlite_store::open({.state_directory = folder}));
  THV_TRY(auto const configuration, thv::config::load());
  thv::plugin::host_options host{.state_directory = folder, .cache_directory = folder};
  host.store = store.id();
  thv::plugin::runtime_set runtimes(configuration, host);
  thv::secrets::environment_provider secrets;
  thv::basic_engine engine(runtimes, store,
                           [&](auto const& secret, auto const&) { return secrets.get(secret); });

  THV_TRY(auto document, thv::registry::load(file));
  std::vector<thv::registry::document> const documents{std::move(document)};
  THV_TRY(auto const found, thv::registry::find_group(documents, name));

  THV_TRY(auto const report, engine.group_run({.group = *found.group, .origin = file}));
  for (auto const& member : report.members) {
    std::cout << member.name << ": " << to_string(member.outcome) << ' ' << member.readiness;
    for (auto const& tool : member.tools) std::cout << ' ' << tool;
    std::cout << '\n';
    if (member.failure) std::cout << "  " << to_string(*member.failure) << '\n';
  }
  THV_TRY(auto const end, engine.delete_group({.name = thv::slug(found.group->name)}));
  std::cout << "deleted: " << (end.status == thv::plan::completion::done ? "all" : "not all")
            << '\n';
  return {};
}
// [embed]

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: 01_embed STATE-FOLDER REGISTRY-FILE GROUP\n";
    return 2;
  }
  auto const done = run_group(argv[1], argv[2], argv[3]);
  if (!done) std::cerr << to_string(done.error()) << '\n' << done.error().hint << '\n';
  return done ? 0 : 1;
}
