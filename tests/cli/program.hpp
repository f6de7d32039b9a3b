// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

namespace cli_test {

using environment = std::map<std::string, std::string>;

/// Questions and what is typed then.
using dialogue = std::vector<std::pair<std::string, std::string>>;

struct outcome {
  int status = -1;  ///< exit status, or 128 and the signal's number
  std::string out;
  std::string err;
};

/// The program, started and not yet waited for.
class running {
 public:
  running(std::vector<std::string> const& arguments, environment const& variables,
          std::string const& program, std::string const& folder);
  ~running();
  running(running const&) = delete;
  running& operator=(running const&) = delete;

  void signal(int number) const;
  /// Waits until `text` stands in standard error, at most 20 s; false when it never came.
  bool wait_for_error(std::string const& text);
  outcome wait();

 private:
  void read_available(int milliseconds);

  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  outcome seen_;
};

/// A user of their own: home, state, cache and configuration in a folder that goes away, and what
/// they started is removed with it.
class user {
 public:
  user();
  ~user();
  user(user const&) = delete;
  user& operator=(user const&) = delete;

  [[nodiscard]] std::filesystem::path const& home() const { return home_; }
  [[nodiscard]] environment const& variables() const { return variables_; }
  void set(std::string const& name, std::string const& value) { variables_[name] = value; }

  /// Runs `thv-engine ARGUMENTS…` with no terminal and nothing on standard input.
  [[nodiscard]] outcome run(std::vector<std::string> const& arguments) const;
  /// Runs another program, such as bash.
  [[nodiscard]] outcome run_program(std::string const& program,
                                    std::vector<std::string> const& arguments) const;
  /// Runs it on a terminal of 100 columns and types `input`; `out` is all that the terminal showed.
  [[nodiscard]] outcome run_on_terminal(std::vector<std::string> const& arguments,
                                        std::string const& input) const;
  /// Types each answer when its question has been shown after the one before.
  [[nodiscard]] outcome run_on_terminal(std::vector<std::string> const& arguments,
                                        dialogue const& answers) const;
  /// As `run`, and the status must be 0; returns standard output.
  std::string expect_done(std::vector<std::string> const& arguments) const;
  [[nodiscard]] boost::json::value json(std::vector<std::string> arguments) const;

  /// Writes a file below the home; returns its path.
  std::string write(std::string const& name, std::string const& text) const;
  /// A registry whose group `tools` has these members, each the small native server. `extra` is
  /// more of the member's JSON, as `"env_vars": […]`.
  std::string write_registry(std::map<std::string, std::string> const& members,
                             std::string const& group = "tools") const;

 private:
  std::filesystem::path home_;
  environment variables_;
};

/// The text with times, ports, process ids and the user's paths replaced by words, and wide
/// gaps, which depend on them, made equal.
[[nodiscard]] std::string normalized(std::string text, user const& who);

/// Compares with golden/NAME.txt, or writes it when THV_UPDATE_GOLDEN is set.
void check_golden(std::string const& name, std::string const& text);

}  // namespace cli_test
