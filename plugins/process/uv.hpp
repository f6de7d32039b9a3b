// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>

namespace thv::process {

/// A Python package's name as PEP 503 compares it: lower case, runs of `-_.` as one `-`.
[[nodiscard]] std::string normalized_name(std::string_view package);

/// The script that `uvx package` would run: the one with the package's name, else the only one.
[[nodiscard]] result<std::string> choose_script(std::vector<std::string> const& scripts,
                                                std::string const& package);

/// The package's version in what `uv tool list` prints (`name v1.2.3`); empty if it isn't there.
[[nodiscard]] std::string installed_version(std::string_view tool_list, std::string const& package);

}  // namespace thv::process
