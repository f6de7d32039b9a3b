// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <process/children.hpp>
#include <process/command.hpp>
#include <process/launch.hpp>
#include <process/posix.hpp>
#include <process/procfs.hpp>
#include <sstream>

namespace thv::process {
namespace {

constexpr std::size_t output_kept = 64u << 10;

/// Collects output and hands out whole lines.
class line_collector {
 public:
  explicit line_collector(std::function<void(std::string_view)> const& on_line)
      : on_line_(on_line) {}

  void add(std::string_view piece) {
    output_ += piece;
    for (auto const c : piece) {
      if (c != '\n' && c != '\r') {
        line_ += c;
      } else if (!line_.empty()) {
        if (on_line_) on_line_(line_);
        line_.clear();
      }
    }
    if (output_.size() > 2 * output_kept) output_.erase(0, output_.size() - output_kept);
  }
  std::string take() { return std::move(output_); }

 private:
  std::function<void(std::string_view)> const& on_line_;
  std::string output_;
  std::string line_;
};

/// Reads what is there without waiting.
void drain(int fd, line_collector& lines) {
  std::array<char, 8192> buffer;
  for (;;) {
    auto const n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    lines.add(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  }
}

/// Ends our own child and its group. Not yet waited for, its number can't be another's.
void kill_group(pid_t pid, descriptor const& process) {
  ::kill(-pid, SIGTERM);
  pollfd ended{process.get(), POLLIN, 0};
  ::poll(&ended, 1, 2000);
  ::kill(-pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

result<command_result> run_command(plugin::call const& c, command const& what,
                                   std::function<void(std::string_view)> const& on_line) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_failure(errno, "cannot make a pipe");
  descriptor const output(ends[0]);
  descriptor writer(ends[1]);
  ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
  auto const pid = launch({what.program,
                           what.arguments,
                           what.environment,
                           what.working_directory,
                           {"/dev/null", O_RDONLY, -1},
                           {{}, 0, writer.get()},
                           {{}, 0, writer.get()}});
  if (!pid) return pid.error();
  writer.reset();
  auto const who = identify_process(*pid).value_or(identity{});
  descriptor const process = open_process(who);
  line_collector lines(on_line);
  int status = 0;
  for (;;) {
    bool const ended = ::waitpid(*pid, &status, WNOHANG) == *pid;
    drain(output.get(), lines);
    if (ended) break;
    if (auto over = interrupted(c, "running '" + what.program + "'")) {
      kill_group(*pid, process);
      return *over;
    }
    std::array<pollfd, 2> waited{{{output.get(), POLLIN, 0}, {process.get(), POLLIN, 0}}};
    ::poll(waited.data(), waited.size(), slice_of(c, 50));
  }
  return command_result{describe_exit(status).code, lines.take()};
}

std::string find_program(std::string const& setting, std::string const& name,
                         std::string const& path_variable) {
  if (!setting.empty()) return setting;
  std::istringstream folders(path_variable);
  for (std::string folder; std::getline(folders, folder, ':');) {
    auto const path = folder + "/" + name;
    struct stat found {};
    if (folder.starts_with('/') && ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
        ::access(path.c_str(), X_OK) == 0)
      return path;
  }
  return {};
}

/// `scheme://user:password@host` without user and password.
static std::string without_credentials(std::string line) {
  for (auto at = line.find("://"); at != std::string::npos; at = line.find("://", at + 3)) {
    auto const end = line.find_first_of("/ \"'", at + 3);
    auto const sign = line.rfind('@', end == std::string::npos ? end : end - 1);
    if (sign != std::string::npos && sign > at + 2) line.replace(at + 3, sign - at - 3, "***");
  }
  return line;
}

std::string last_lines(std::string_view output, std::size_t count) {
  std::vector<std::string> lines;
  std::istringstream text{std::string(output)};
  for (std::string line; std::getline(text, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos)
      lines.push_back(without_credentials(std::move(line)));
  std::string joined;
  for (auto i = lines.size() > count ? lines.size() - count : 0; i < lines.size(); ++i)
    joined += (joined.empty() ? "" : "\n") + lines[i];
  return joined;
}

}  // namespace thv::process
