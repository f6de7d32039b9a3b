// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <thv/error.hpp>

#include "command.hpp"

namespace thv::cli {

/// The command that a command line means.
struct parsed {
  command const* chosen = nullptr;
  std::string path;   ///< "thv-engine group run"
  bool help = false;  ///< its help is wanted (also: it has commands and none was given)
};

/// Finds the command in `arguments` (without the program's name) and fills the places of its flags
/// and words. `globals` are flags that every command takes. errc::invalid_argument in the words of
/// other programs of this kind, with the nearest known word in the hint.
[[nodiscard]] result<parsed> parse(command const& root, std::vector<flag> const& globals,
                                   std::vector<std::string> const& arguments);

/// The command or alias of that name among `commands`, or nullptr.
[[nodiscard]] command const* find_command(std::vector<command> const& commands,
                                          std::string const& name);

/// The spellings of a flag: "-e, --env" gives "-e" and "--env".
[[nodiscard]] std::vector<std::string> spellings(flag const& f);

}  // namespace thv::cli
