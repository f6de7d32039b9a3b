// SPDX-License-Identifier: Apache-2.0
#include <sys/wait.h>

#include <cstring>
#include <process/children.hpp>

namespace thv::process {

exit_report describe_exit(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    int const signal = WTERMSIG(wait_status);
    return {128 + signal, "killed by signal " + std::to_string(signal) + " (" +
                              std::string(::strsignal(signal)) + ")"};
  }
  int const code = WEXITSTATUS(wait_status);
  return {code, "exited with status " + std::to_string(code)};
}

void children::add(identity const& who) {
  std::lock_guard const lock(mutex_);
  known_[who.pid] = child{who, std::nullopt};
}

std::optional<exit_report> children::reap(identity const& who) {
  std::lock_guard const lock(mutex_);
  auto const found = known_.find(who.pid);
  if (found == known_.end() || found->second.who != who) return std::nullopt;
  auto& report = found->second.report;
  if (report) return report;
  int status = 0;
  if (::waitpid(who.pid, &status, WNOHANG) == who.pid) report = describe_exit(status);
  return report;
}

}  // namespace thv::process
