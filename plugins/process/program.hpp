// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <process/package.hpp>
#include <string>
#include <vector>

namespace thv::process {

/// What is executed for a workload: a program and the arguments that come before the user's own.
struct program_line {
  std::string program;
  std::vector<std::string> arguments;
};

/// Finds what to execute for a source, installing its package if need be. A program must exist and
/// be executable; an image or URL is errc::unsupported.
[[nodiscard]] result<program_line> resolve_program(plugin::call const& c,
                                                   install_context const& context, source const& s);

}  // namespace thv::process
