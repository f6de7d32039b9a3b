// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "command.hpp"

namespace thv::cli {

/// All commands of the program, as one tree.
[[nodiscard]] command all_commands();

/// The program: reads its arguments, runs one command, returns the exit status.
[[nodiscard]] int run_program(int count, char** arguments);

}  // namespace thv::cli
