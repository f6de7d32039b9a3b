// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include <thv/error.hpp>

namespace thv::process {

/// The keys of the runtime's table in the configuration. Empty: found in PATH.
struct settings {
  std::string npm;   ///< path of npm
  std::string node;  ///< path of node
  std::string uv;    ///< path of uv
};

/// errc::invalid_argument for an unknown key (names the nearest known one) or a path that is not
/// absolute.
[[nodiscard]] result<settings> parse_settings(std::string const& runtime_name,
                                              std::map<std::string, std::string> const& values);

}  // namespace thv::process
