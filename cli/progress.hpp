// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <thv/plan/progress.hpp>

namespace thv::cli {

/// Shows on standard error what a plan does: on a terminal a line for each thing that is being
/// worked on, redrawn in place, and a lasting one for each that is done; elsewhere a plain line for
/// each event that matters. Thread-safe.
class progress_display {
 public:
  progress_display(bool live, bool debug);
  ~progress_display();
  progress_display(progress_display const&) = delete;
  progress_display& operator=(progress_display const&) = delete;

  void show(plan::progress_event const& event);
  /// A lasting line between the others.
  void line(std::string const& text);
  /// Takes the lines of unfinished work off the terminal.
  void clear();

  [[nodiscard]] plan::progress_sink sink() {
    return [this](plan::progress_event const& event) { show(event); };
  }

 private:
  using clock = std::chrono::steady_clock;

  void show_live(plan::progress_event const& event);
  void show_plain(plan::progress_event const& event);
  void erase();
  void draw(plan::progress_event const& event);

  bool live_;
  bool debug_;
  std::mutex mutex_;
  std::map<std::string, std::string> working_;  ///< subject → what is being done to it
  std::map<std::string, clock::time_point> said_;
  std::string last_drawn_;
  std::size_t drawn_lines_ = 0;
  clock::time_point drawn_at_{};
};

/// Is standard error a terminal whose cursor can be moved?
[[nodiscard]] bool wants_live_progress();

}  // namespace thv::cli
