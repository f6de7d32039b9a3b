// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <process/procfs.hpp>

namespace thv::process {

std::string to_string(identity const& who) {
  return std::to_string(who.pid) + ":" + std::to_string(who.start_time) + ":" + who.boot;
}

template <class Number>
static bool read_number(std::string_view text, Number& number) {
  return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc();
}

std::optional<process_stat> parse_stat(std::string_view text) {
  auto const end_of_name = text.rfind(')');
  if (end_of_name == std::string_view::npos || end_of_name + 2 > text.size()) return std::nullopt;
  text.remove_prefix(end_of_name + 2);
  std::array<std::string_view, 20> fields;  // fields 3 to 22 of proc(5)
  for (auto& field : fields) {
    auto const space = text.find(' ');
    field = text.substr(0, space);
    if (field.empty()) return std::nullopt;
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  process_stat stat;
  stat.state = fields[0].front();
  if (!read_number(fields[1], stat.parent) || !read_number(fields[2], stat.group) ||
      !read_number(fields[3], stat.session) || !read_number(fields[19], stat.start_time))
    return std::nullopt;
  return stat;
}

std::map<std::string, std::string> parse_environment(std::string_view text) {
  std::map<std::string, std::string> values;
  while (!text.empty()) {
    auto const entry = text.substr(0, text.find('\0'));
    auto const equals = entry.find('=');
    if (equals != std::string_view::npos)
      values.emplace(entry.substr(0, equals), entry.substr(equals + 1));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
  }
  return values;
}

std::string const& boot_id() {
  static std::string const id = [] {
    auto text = read_file("/proc/sys/kernel/random/boot_id").value_or("unknown");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }();
  return id;
}

static std::string proc_file(pid_t pid, char const* name) {
  return "/proc/" + std::to_string(pid) + "/" + name;
}

std::optional<process_stat> read_stat(pid_t pid) {
  if (pid <= 0) return std::nullopt;
  auto const text = read_file(proc_file(pid, "stat"));
  if (!text) return std::nullopt;
  return parse_stat(*text);
}

std::optional<identity> identify_process(pid_t pid) {
  auto const stat = read_stat(pid);
  if (!stat) return std::nullopt;
  return identity{pid, stat->start_time, boot_id()};
}

bool is_running(identity const& who) {
  if (who.pid <= 0 || who.boot != boot_id()) return false;
  auto const stat = read_stat(who.pid);
  return stat && stat->start_time == who.start_time && stat->running();
}

descriptor open_process(identity const& who) {
  if (who.pid <= 0) return {};
  descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, who.pid, 0)));
  // Only after the pidfd is open, what /proc says about the number is about the same process.
  if (process && !is_running(who)) return {};
  return process;
}

bool has_ended(descriptor const& process) {
  pollfd ended{process.get(), POLLIN, 0};
  return ::poll(&ended, 1, 0) > 0;
}

void send_signal(descriptor const& process, int signal) {
  ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0);
}

static std::optional<process_entry> read_entry(pid_t pid) {
  struct stat owner {};
  if (::stat(("/proc/" + std::to_string(pid)).c_str(), &owner) != 0) return std::nullopt;
  if (owner.st_uid != ::geteuid()) return std::nullopt;
  auto const before = read_stat(pid);
  if (!before || !before->running()) return std::nullopt;
  process_entry entry{{pid, before->start_time, boot_id()}, *before, {}};
  if (auto const text = read_file(proc_file(pid, "environ"), 8u << 20))
    entry.environment = parse_environment(*text);
  return entry;
}

std::vector<process_entry> own_processes() {
  std::vector<process_entry> entries;
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), &::closedir);
  if (!directory) return entries;
  while (auto const* item = ::readdir(directory.get())) {
    pid_t pid = 0;
    if (!read_number(std::string_view(item->d_name), pid) || pid <= 0) continue;
    if (auto entry = read_entry(pid)) entries.push_back(*std::move(entry));
  }
  return entries;
}

std::vector<process_entry> marked_processes(std::string const& id) {
  auto entries = own_processes();
  std::erase_if(entries, [&](process_entry const& entry) {
    auto const mark = entry.environment.find("THV_INSTANCE");
    return mark == entry.environment.end() || mark->second != id;
  });
  return entries;
}

process_entry const& leader_of(std::vector<process_entry> const& entries) {
  return *std::min_element(entries.begin(), entries.end(), [](auto const& a, auto const& b) {
    auto const key = [](process_entry const& e) {
      return std::pair(e.stat.session != e.who.pid, e.who.start_time);
    };
    return key(a) < key(b);
  });
}

}  // namespace thv::process
