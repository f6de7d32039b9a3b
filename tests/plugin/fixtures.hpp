// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include <thv/plugin/host.hpp>

/// A folder of its own for a test, removed at the end.
struct temporary_folder {
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "thv-plugin-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~temporary_folder() { std::filesystem::remove_all(path); }

  std::filesystem::path path;
};

/// The path of a fixture plugin.
inline std::filesystem::path fixture(std::string const& name) {
  return std::filesystem::path(THV_FIXTURES) / (name + ".so");
}

/// A set over the plugins of `plugins` alone, its state in `folder`.
inline thv::plugin::runtime_set make_set(temporary_folder const& folder,
                                         std::filesystem::path const& plugins,
                                         std::string const& toml = "") {
  thv::plugin::host_options options;
  options.plugin_folders = {plugins};
  options.state_directory = folder.path / "state";
  options.cache_directory = folder.path / "cache";
  options.store = "0123";
  return {thv::config::parse(toml, "config.toml").value(), std::move(options)};
}
