// SPDX-License-Identifier: Apache-2.0
#include <thv/store/process_identity.hpp>

#include <unistd.h>

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "file.hpp"

namespace thv::store {
namespace {

struct stat_line {
  char state = '?';
  std::int64_t start_time = 0;
};

// /proc/PID/stat: `pid (comm) state ppid ...`; comm may hold spaces and parentheses (proc(5)).
std::optional<stat_line> read_stat(std::int64_t pid) {
  auto const text = detail::read_small_file(fmt::format("/proc/{}/stat", pid));
  if (!text) return std::nullopt;
  auto rest = std::string_view(*text);
  auto const close = rest.rfind(')');
  if (close == std::string_view::npos || close + 2 >= rest.size()) return std::nullopt;
  rest.remove_prefix(close + 2);
  stat_line line;
  line.state = rest.front();
  constexpr int fields_from_state_to_start_time = 22 - 3;
  for (int i = 0; i < fields_from_state_to_start_time; ++i) {
    auto const space = rest.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(space + 1);
  }
  auto const [end, error] =
      std::from_chars(rest.data(), rest.data() + rest.size(), line.start_time);
  if (error != std::errc{}) return std::nullopt;
  return line;
}

std::string read_line(std::string const& path) {
  auto text = detail::read_small_file(path);
  if (!text) return {};
  while (!text->empty() && text->back() == '\n') text->pop_back();
  return *text;
}

std::string boot_id() {
  return read_line("/proc/sys/kernel/random/boot_id");
}

}  // namespace

process_identity this_process() {
  process_identity self;
  self.pid = ::getpid();
  if (auto const line = read_stat(self.pid)) self.start_time = line->start_time;
  self.boot_id = boot_id();
  return self;
}

bool is_alive(process_identity const& who) {
  if (who.pid <= 0 || who.boot_id != boot_id()) return false;
  auto const line = read_stat(who.pid);
  if (!line || line->start_time != who.start_time) return false;
  return line->state != 'Z' && line->state != 'X';
}

std::string describe(process_identity const& who) {
  auto const name = is_alive(who) ? read_line(fmt::format("/proc/{}/comm", who.pid)) : "";
  return name.empty() ? fmt::format("process {}", who.pid)
                      : fmt::format("{} (pid {})", name, who.pid);
}

}  // namespace thv::store
