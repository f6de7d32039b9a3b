// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

namespace thv::plan {

/// What happens while a plan is executed.
struct progress_event {
  enum class kind {
    waiting,   ///< for another process's lock
    started,   ///< a step begins
    progress,  ///< long work goes on: "pulling: 3 of 12 MB"
    done,      ///< a step is done: a workload is ready, stopped, removed
    failed,    ///< a step failed
    undone,    ///< a step was taken back
    repaired,  ///< something an interrupted command left was put right
    warning,
  };
  kind what = kind::progress;
  std::string subject;  ///< workload or group
  std::string text;     ///< plain words, never the value of a secret
  int finished = 0;     ///< steps done so far
  int total = 0;        ///< steps of the plan
};

/// Called from worker threads, but never by two at once. Must not call the engine.
using progress_sink = std::function<void(progress_event const&)>;

}  // namespace thv::plan
