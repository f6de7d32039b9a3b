// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <map>
#include <mutex>
#include <optional>
#include <process/procfs.hpp>
#include <string>

namespace thv::process {

/// How a process ended.
struct exit_report {
  int code = 0;        ///< its exit status; 128 + number for a signal, as shells say it
  std::string reason;  ///< "exited with status 3", "killed by signal 9 (Killed)"
};

/// Words for what waitpid(2) reports.
[[nodiscard]] exit_report describe_exit(int wait_status);

/// The processes that this process started. Only a parent learns an exit status, once: it is kept
/// here for whoever asks. [thread-safe]
class children {
 public:
  void add(identity const& who);

  /// Collects the process if it ended. nullopt: still running, or not our child.
  std::optional<exit_report> reap(identity const& who);

 private:
  struct child {
    identity who;
    std::optional<exit_report> report;
  };
  std::mutex mutex_;
  std::map<pid_t, child> known_;
};

}  // namespace thv::process
