// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace thv::cli {

class session;

/// What the shell may complete at one place of the command line.
enum class completes { nothing, files, workloads, groups, runtimes, servers, registry_groups };

/// A flag of a command, with the place that its value goes to. The place must live until the
/// command has run. A list takes the flag any number of times, anything else its last value.
struct flag {
  std::string names;  ///< as in help: "-e, --env"
  std::string value;  ///< the word for its value; empty: a switch
  std::string help;
  std::variant<bool*, std::optional<std::string>*, std::vector<std::string>*> into;
  completes with = completes::nothing;
  std::vector<std::string> choices = {};  ///< the values there are; empty: any
};

/// The words of a command that belong to no flag.
struct words {
  std::string usage;  ///< as in help: "NAME PATH"
  std::size_t least = 0;
  std::size_t most = 0;
  std::vector<std::string>* into = nullptr;
  completes with = completes::nothing;
  std::vector<std::string> choices = {};
};

inline constexpr std::size_t any_number = static_cast<std::size_t>(-1);

/// One command: how it is written, what it is for, and what it does. A value; either it has
/// commands of its own, or it runs.
struct command {
  std::string name;
  std::vector<std::string> aliases = {};
  std::string summary;       ///< one line, for the list of commands
  std::string details = {};  ///< further paragraphs of its help
  std::string example = {};  ///< complete command lines
  std::vector<flag> flags = {};
  thv::cli::words words = {};
  /// Takes everything after the first `--`; nullptr: those are words like the others.
  std::vector<std::string>* rest = nullptr;
  std::vector<command> commands = {};
  /// Returns the exit status.
  std::function<int(session&)> run = {};
  bool hidden = false;
};

}  // namespace thv::cli
