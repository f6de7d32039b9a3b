// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include <thv/config/environment.hpp>
#include <thv/error.hpp>

namespace thv::config {

/// The user's folders of thv-engine (XDG Base Directory Specification). None need exist.
struct paths {
  std::filesystem::path config;  ///< $XDG_CONFIG_HOME/thv-engine, else ~/.config/thv-engine
  std::filesystem::path state;   ///< $THV_STATE_DIR, else $XDG_STATE_HOME/thv-engine, else
                                 ///< ~/.local/state/thv-engine
  std::filesystem::path cache;   ///< $THV_CACHE_DIR, else $XDG_CACHE_HOME/thv-engine, else
                                 ///< ~/.cache/thv-engine
};

/// The home folder: $HOME where absolute, else what the user database says; errc::not_found.
[[nodiscard]] result<std::filesystem::path> home_directory(
    environment const& variables = process_environment());

/// Relative XDG paths are ignored, as the specification says; a relative THV_… path is an error.
[[nodiscard]] result<paths> user_paths(environment const& variables = process_environment());

/// Makes a folder and its missing parents with mode 0700; one that exists is left as it is.
/// errc::io, errc::permission_denied.
[[nodiscard]] result<void> make_private_directory(std::filesystem::path const& folder);

}  // namespace thv::config
