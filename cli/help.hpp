// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "command.hpp"

namespace thv::cli {

/// The help of a command: summary, usage, its commands or flags, an example.
[[nodiscard]] std::string help_text(command const& c, std::string const& path,
                                    std::vector<flag> const& globals);

}  // namespace thv::cli
