// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <thv/plugin/workload_spec.hpp>

/// Which variables a member and a package installer see.
namespace thv::process {

using environment_map = std::map<std::string, std::string>;

/// Does a member inherit this variable? PATH, HOME, locale, proxies and certificate authorities.
[[nodiscard]] bool is_inherited(std::string_view key);

/// Our own environment as a map.
[[nodiscard]] environment_map current_environment();

/// The complete environment of a member: what it inherits of `ours`, what the run config says, an
/// HTTP member's port, and the marks by which its processes are found again.
[[nodiscard]] environment_map member_environment(environment_map const& ours,
                                                 plugin::workload_spec const& spec,
                                                 std::string const& id, std::uint16_t port);

/// The environment of npm, uv and python: ours, without any variable of ours or ToolHive's (those
/// can hold secrets).
[[nodiscard]] environment_map installer_environment(environment_map ours);

/// `KEY=VALUE` lines in order.
[[nodiscard]] std::vector<std::string> to_lines(environment_map const& values);

/// `{port}` in every argument replaced.
[[nodiscard]] std::vector<std::string> with_port(std::vector<std::string> arguments,
                                                 std::uint16_t port);

/// The variables that secrets reach, from references such as `NAME,target=API_KEY` (a plain name is
/// its own): as their values, and as paths of files.
struct secret_targets {
  std::set<std::string> values;
  std::vector<std::string> files;
};
[[nodiscard]] secret_targets targets_of(std::vector<std::string> const& secret_names);

/// The spec without what must never reach a disk: values of secrets and headers.
[[nodiscard]] plugin::workload_spec without_secrets(plugin::workload_spec spec);

}  // namespace thv::process
