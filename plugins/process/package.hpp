// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <process/environment.hpp>
#include <process/settings.hpp>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>
#include <thv/model/source.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::process {

/// How the program inside an installed package is run.
struct installed_package {
  std::string version;
  std::string program;                    ///< absolute path
  bool with_node = false;                 ///< run by node, not by itself
  std::vector<std::string> node_options;  ///< from the script's first line
};

/// What an installer needs to know.
struct install_context {
  std::string cache_directory;
  process::settings settings;
  environment_map environment;  ///< of the installer (see installer_environment)

  [[nodiscard]] std::string path_variable() const;
};

/// errc::invalid_argument if the name or version can't be one of an npm or Python package (they
/// become names of folders and arguments of installers).
[[nodiscard]] result<void> check_package(source const& s);

/// The folder of a package and version (empty: the newest) in our cache.
[[nodiscard]] std::string package_folder(install_context const& context, source const& s);

/// What is installed already for exactly this reference; nullopt if nothing usable is. Touches no
/// network.
[[nodiscard]] std::optional<installed_package> find_installed(install_context const& context,
                                                              source const& s);

/// Installs the package if it isn't there. Two processes that want the same one wait for each
/// other. A reference without version takes what an earlier one without version installed.
[[nodiscard]] result<installed_package> install_package(plugin::call const& c,
                                                        install_context const& context,
                                                        source const& s);

/// Writes down that `folder` holds a whole package. `program` is relative to it.
[[nodiscard]] result<void> mark_installed(std::string const& folder,
                                          installed_package const& package);

/// The installers proper: make `folder` hold the package, and say what is in it (the program's
/// path is relative to the folder).
[[nodiscard]] result<installed_package> install_npm(plugin::call const& c,
                                                    install_context const& context, source const& s,
                                                    std::string const& folder);
[[nodiscard]] result<installed_package> install_pypi(plugin::call const& c,
                                                     install_context const& context,
                                                     source const& s, std::string const& folder);

/// A failed installer: its own last words apart from ours, the kind of error guessed from them.
[[nodiscard]] error install_failure(source const& s, std::string const& installer,
                                    std::string_view output);

}  // namespace thv::process
