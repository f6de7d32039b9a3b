// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>
#include <thv/plan/plan.hpp>

namespace thv::plan {

/// How a command ended as a whole. The numbers are the program's exit statuses.
enum class completion : int {
  done = 0,
  failed_undone = 1,        ///< it failed, and nothing of it is left
  partly_done = 3,          ///< --keep-going, or removals of which some failed
  rollback_incomplete = 4,  ///< it failed, and something could not be put back as it was
  interrupted = 130,        ///< cancelled, and nothing of it is left
};

/// How it ended for one workload (or group).
enum class outcome {
  unchanged,
  deployed,
  replaced,
  started,
  restarted,
  proved,
  stopped,
  removed,
  moved,
  created,    ///< a group
  failed,     ///< member_report::left says whether it is as it was
  undone,     ///< it went well, and was taken back since another failed
  cancelled,  ///< not begun, or interrupted
};

/// How a workload is after its step failed, was taken back or was interrupted.
enum class aftermath {
  as_before,
  stopped,    ///< it ran before, and does not run now
  uncertain,  ///< its runtime failed to stop it, to remove it or to put it back
};

[[nodiscard]] constexpr std::string_view to_string(aftermath a) noexcept {
  switch (a) {
    case aftermath::as_before:
      return "as_before";
    case aftermath::stopped:
      return "stopped";
    case aftermath::uncertain:
      return "uncertain";
  }
  return "uncertain";
}

[[nodiscard]] constexpr std::string_view to_string(outcome o) noexcept {
  switch (o) {
    case outcome::unchanged:
      return "unchanged";
    case outcome::deployed:
      return "deployed";
    case outcome::replaced:
      return "replaced";
    case outcome::started:
      return "started";
    case outcome::restarted:
      return "restarted";
    case outcome::proved:
      return "proved";
    case outcome::stopped:
      return "stopped";
    case outcome::removed:
      return "removed";
    case outcome::moved:
      return "moved";
    case outcome::created:
      return "created";
    case outcome::failed:
      return "failed";
    case outcome::undone:
      return "undone";
    case outcome::cancelled:
      return "cancelled";
  }
  return "failed";
}

/// What became of one workload or group.
struct member_report {
  std::string name;
  thv::plan::outcome outcome = thv::plan::outcome::unchanged;
  std::string runtime;
  std::string readiness;  ///< "ready", "unauthenticated", or empty
  std::vector<std::string> tools;
  std::optional<error> failure;
  aftermath left = aftermath::as_before;  ///< of one that failed, was undone or cancelled
  std::vector<std::string> log_tail;      ///< last lines of a failed one, secrets blotted out
};

/// What became of a whole command.
struct report {
  completion status = completion::done;
  thv::plan::plan planned;
  bool dry_run = false;
  std::vector<member_report> members;  ///< by name
  /// Sentences about what an earlier, interrupted command had left and what was done about it.
  std::vector<std::string> repairs;
  /// Why it failed as a whole where no member did: the state could not be written.
  std::optional<error> failure;
  std::optional<error> rollback_failure;
};

}  // namespace thv::plan
