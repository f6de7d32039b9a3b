// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>
#include <thv/mcp/probe.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::test {

/// The official server `name` (`everything`, `memory`, …), installed: a script for node.
[[nodiscard]] std::string official_server(std::string const& name);

/// The folder with the SDK of the stateless revision, installed.
[[nodiscard]] std::string stateless_sdk();

/// A process with its input and output on pipes and its errors on a file. It ends with this.
class child {
 public:
  explicit child(std::vector<std::string> command, std::map<std::string, std::string> env = {});
  child(child const&) = delete;
  child& operator=(child const&) = delete;
  ~child();

  [[nodiscard]] plugin::stream stream() const;
  /// One line of its output.
  [[nodiscard]] std::string line() const;
  /// What it wrote to its error output so far.
  [[nodiscard]] std::string errors() const;
  /// Has it written this to its errors, or does it within five seconds?
  [[nodiscard]] bool says(std::string const& text) const;

 private:
  std::string log_;
  pid_t pid_ = -1;
  int read_ = -1;
  int write_ = -1;
};

/// A loopback port that nobody listens on.
[[nodiscard]] std::uint16_t free_port();

[[nodiscard]] plugin::call within(std::chrono::milliseconds time);

/// Asks until the server listens, as an engine does.
[[nodiscard]] result<mcp::probe_result> probe_until_up(plugin::endpoint const& where,
                                                       thv::transport transport);

}  // namespace thv::test
