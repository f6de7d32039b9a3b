// SPDX-License-Identifier: Apache-2.0
// Somebody who embeds everything: configuration, plugins, the SQLite store.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include <thv/config/config.hpp>
#include <thv/plugin/host.hpp>
#include <thv/store/sqlite_store.hpp>
#include <thv/version.hpp>

int main() {
  std::string name = (std::filesystem::temp_directory_path() / "thv-consumer-XXXXXX").string();
  std::filesystem::path const folder = ::mkdtemp(name.data());
  auto store = thv::store::sqlite_store::open({.state_directory = folder});
  if (!store) {
    std::cerr << to_string(store.error()) << '\n';
    return 1;
  }
  auto configuration = thv::config::parse("[runtimes.mine]\nplugin = \"process\"", "config.toml");
  if (!configuration) return 2;
  thv::plugin::host_options options;
  options.state_directory = folder;
  options.cache_directory = folder;
  options.store = store->id();
  thv::plugin::runtime_set runtimes(*configuration, options);
  std::cout << "engine " << thv::version() << " knows runtime " << runtimes.names().at(0) << '\n';
  std::filesystem::remove_all(folder);
}
