// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::process {

/// A program that we run to its end: npm, uv, python3.
struct command {
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  std::string working_directory;
};

struct command_result {
  int status = 0;      ///< exit status, 128 + number for a signal
  std::string output;  ///< stdout and stderr, the last 64 KiB
};

/// Runs the command, tells `on_line` every line it prints, and ends its whole process group when
/// the call is over (errc::cancelled, errc::timeout).
[[nodiscard]] result<command_result> run_command(
    plugin::call const& c, command const& what,
    std::function<void(std::string_view)> const& on_line);

/// The program's path: `setting` if not empty, else the first executable in PATH; empty if none.
[[nodiscard]] std::string find_program(std::string const& setting, std::string const& name,
                                       std::string const& path_variable);

/// The last `count` lines that are worth showing, without credentials in URLs.
[[nodiscard]] std::string last_lines(std::string_view output, std::size_t count);

}  // namespace thv::process
