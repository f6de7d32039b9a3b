// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>

namespace thv::process {

/// What we need of a package.json.
struct npm_package {
  std::string version;
  std::string program;  ///< relative to the package's own folder
};

/// Finds the program that `npx package` would run: the `bin` with the package's name (without its
/// scope), else the only one. errc::invalid_argument if there is none, or none to prefer.
[[nodiscard]] result<npm_package> parse_package_json(std::string_view text,
                                                     std::string const& package);

/// The first line of a script: is it node's, and which options does it give node?
struct script_line {
  bool is_node = false;
  std::vector<std::string> options;
};

[[nodiscard]] script_line parse_script_line(std::string_view first_line);

}  // namespace thv::process
