// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "output.hpp"

namespace thv::cli {

namespace {

using kind = plan::progress_event::kind;

winsize terminal_size() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) size = {24, 80, 0, 0};
  return size;
}

std::string event_text(plan::progress_event const& event) {
  return event.subject.empty() ? event.text : event.subject + ": " + event.text;
}

tone tone_of(kind what) {
  switch (what) {
    case kind::done:
      return tone::good;
    case kind::failed:
      return tone::bad;
    case kind::undone:
    case kind::warning:
    case kind::repaired:
      return tone::warning;
    default:
      return tone::plain;
  }
}

char const* mark_of(kind what) {
  switch (what) {
    case kind::done:
      return "✓";
    case kind::failed:
      return "✗";
    case kind::undone:
      return "↩";
    default:
      return "•";
  }
}

bool lasting(kind what) {
  return what != kind::started && what != kind::progress;
}

}  // namespace

bool wants_live_progress() {
  auto const* const term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

progress_display::progress_display(bool live, bool debug) : live_(live), debug_(debug) {}

progress_display::~progress_display() {
  clear();
}

void progress_display::clear() {
  std::lock_guard lock(mutex_);
  erase();
  working_.clear();
}

void progress_display::line(std::string const& text) {
  std::lock_guard lock(mutex_);
  erase();
  say(text + "\n");
}

void progress_display::show(plan::progress_event const& event) {
  std::lock_guard lock(mutex_);
  if (live_)
    show_live(event);
  else
    show_plain(event);
}

void progress_display::show_live(plan::progress_event const& event) {
  bool const over =
      event.what == kind::done || event.what == kind::failed || event.what == kind::undone;
  if (over)
    working_.erase(event.subject);
  else if (!lasting(event.what))
    working_[event.subject] = plain_line(event.text);
  auto const now = clock::now();
  bool const too_soon = now - drawn_at_ < std::chrono::milliseconds(50);
  if (event.what == kind::progress && too_soon) return;
  erase();
  if (lasting(event.what)) {
    bool const colour = may_colour(STDERR_FILENO);
    say(coloured(mark_of(event.what), tone_of(event.what), colour) + " " +
        cut(plain_line(event_text(event)), terminal_size().ws_col - 3) + "\n");
  }
  drawn_at_ = now;
  draw(event);
}

void progress_display::draw(plan::progress_event const& event) {
  auto const size = terminal_size();
  std::size_t const room = size.ws_row > 4 ? size.ws_row - 3u : 1u;
  for (auto const& [subject, text] : working_) {
    if (drawn_lines_ == room) break;
    say(cut(fmt::format("  {}: {}", subject, text), size.ws_col - 1u) + "\n");
    ++drawn_lines_;
  }
  if (event.total > 1 && !working_.empty()) {
    say(fmt::format("  {} of {} steps done\n", event.finished, event.total));
    ++drawn_lines_;
  }
}

void progress_display::erase() {
  if (drawn_lines_ != 0) say(fmt::format("\x1b[{}A\x1b[J", drawn_lines_));
  drawn_lines_ = 0;
}

/// Failures are said at the end, with their logs; a long download is said every ten seconds.
void progress_display::show_plain(plan::progress_event const& event) {
  if (event.what == kind::failed && !debug_) return;
  if (event.what == kind::progress && !debug_) {
    auto const now = clock::now();
    auto const [entry, fresh] = said_.emplace(event.subject, now);
    if (fresh || now - entry->second < std::chrono::seconds(10)) return;
    entry->second = now;
  }
  say(plain_line(event_text(event)) + "\n");
}

}  // namespace thv::cli
