// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace thv::test {

/// The folder with the referees' Node and packages, installed by `tests/referees/setup`.
[[nodiscard]] std::string const& referees();

/// The command that runs a script of `tests/referees`.
[[nodiscard]] std::vector<std::string> referee(std::string const& script,
                                               std::vector<std::string> const& arguments);

/// A process in a group of its own, with its output on a pipe. It and its group end with this.
class child {
 public:
  explicit child(std::vector<std::string> command);
  child(child const&) = delete;
  child& operator=(child const&) = delete;
  ~child();

  /// One line of its output; what it has written if it ends before.
  [[nodiscard]] std::string line() const;
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Asks it to end and waits.
  void stop();

 private:
  pid_t pid_ = -1;
  int read_ = -1;
};

struct ran {
  int status = -1;  ///< of its exit; -1: it was killed
  std::string output;
};

/// Runs a command to its end, output and errors together.
[[nodiscard]] ran run(std::vector<std::string> const& command,
                      std::chrono::seconds limit = std::chrono::seconds(200));

/// Runs all jobs, some at once.
void at_once(std::size_t workers, std::vector<std::function<void()>> const& jobs);

/// `direct_gateway` on a port of its own.
class gateway_process {
 public:
  explicit gateway_process(std::vector<std::string> const& arguments);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] pid_t pid() const { return process_.pid(); }
  [[nodiscard]] std::string url(std::string const& member, std::string const& end = "/mcp") const;
  /// Resident memory of its own, in KiB.
  [[nodiscard]] std::size_t memory() const;

 private:
  child process_;
  std::uint16_t port_;
};

/// The gateway with a referees' member of each era behind each transport. Cells are named
/// `legacy-stdio`, `both-http`, …; `good-…` and `other-…` are members of their own.
class matrix {
 public:
  /// Serves these cells.
  explicit matrix(std::vector<std::string> const& cells);

  [[nodiscard]] std::string url(std::string const& cell) const { return gateway_->url(cell); }
  [[nodiscard]] std::string sse(std::string const& cell) const {
    return gateway_->url(cell, "/sse");
  }
  /// The member itself, without the gateway.
  [[nodiscard]] std::string const& direct(std::string const& cell) const {
    return direct_.at(cell);
  }

 private:
  std::vector<std::unique_ptr<child>> members_;
  std::map<std::string, std::string> direct_;
  std::unique_ptr<gateway_process> gateway_;
};

/// Every member there can be.
[[nodiscard]] std::vector<std::string> const& all_cells();

/// A folder that goes with this.
class scratch_folder {
 public:
  scratch_folder();
  scratch_folder(scratch_folder const&) = delete;
  scratch_folder& operator=(scratch_folder const&) = delete;
  ~scratch_folder();
  [[nodiscard]] std::string file(std::string const& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace thv::test
