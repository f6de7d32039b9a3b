// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

namespace thv::test {

namespace {

struct started {
  pid_t pid;
  int output;
};

started start(std::vector<std::string> command, bool with_errors) {
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  std::vector<char*> arguments;
  for (auto& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  auto const pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setpgid(0, 0);
    ::dup2(::open("/dev/null", O_RDONLY), 0);
    ::dup2(out[1], 1);
    if (with_errors) ::dup2(out[1], 2);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::setpgid(pid, pid);
  ::close(out[1]);
  return {pid, out[0]};
}

}  // namespace

std::string const& referees() {
  static std::string const folder = [] {
    auto const set_up = run({THV_REFEREES_SOURCE "/setup"}, std::chrono::seconds(280));
    if (set_up.status != 0)
      throw std::runtime_error("the referees could not be installed: " + set_up.output);
    auto text = set_up.output;
    while (text.ends_with('\n')) text.pop_back();
    text = text.substr(text.rfind('\n') + 1);
    ::setenv("THV_REFEREES", text.c_str(), 1);
    return text;
  }();
  return folder;
}

std::vector<std::string> referee(std::string const& script,
                                 std::vector<std::string> const& arguments) {
  std::vector<std::string> command{referees() + "/node",
                                   "--disable-warning=MaxListenersExceededWarning",
                                   THV_REFEREES_SOURCE "/" + script + ".mjs"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

child::child(std::vector<std::string> command) {
  auto const made = start(std::move(command), false);
  pid_ = made.pid;
  read_ = made.output;
}

child::~child() {
  ::close(read_);
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string child::line() const {
  std::string text;
  char c = 0;
  while (::read(read_, &c, 1) == 1 && c != '\n') text += c;
  return text;
}

void child::stop() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  ::kill(-pid_, SIGKILL);
  pid_ = -1;
}

ran run(std::vector<std::string> const& command, std::chrono::seconds limit) {
  auto const until = std::chrono::steady_clock::now() + limit;
  auto const made = start(command, true);
  ran result;
  char bytes[65536];
  for (;;) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd one{made.output, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&one, 1, static_cast<int>(left.count())) <= 0) {
      result.output += "\n(it was killed: it took too long)";
      break;
    }
    auto const n = ::read(made.output, bytes, sizeof bytes);
    if (n <= 0) break;
    result.output.append(bytes, static_cast<std::size_t>(n));
  }
  ::close(made.output);
  int status = 0;
  if (std::chrono::steady_clock::now() >= until) ::kill(-made.pid, SIGKILL);
  ::waitpid(made.pid, &status, 0);
  ::kill(-made.pid, SIGKILL);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

void at_once(std::size_t workers, std::vector<std::function<void()>> const& jobs) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < workers; ++i)
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < jobs.size(); at = next++) jobs[at]();
    });
  for (auto& thread : threads) thread.join();
}

gateway_process::gateway_process(std::vector<std::string> const& arguments)
    : process_([&] {
        std::vector<std::string> command{THV_DIRECT_GATEWAY, "0"};
        command.insert(command.end(), arguments.begin(), arguments.end());
        return command;
      }()) {
  auto const line = process_.line();
  port_ = static_cast<std::uint16_t>(std::atoi(line.c_str()));
  if (port_ == 0) throw std::runtime_error("direct_gateway did not start");
}

std::string gateway_process::url(std::string const& member, std::string const& end) const {
  return fmt::format("http://127.0.0.1:{}/servers/{}{}", port_, member, end);
}

std::size_t gateway_process::memory() const {
  std::ifstream file(fmt::format("/proc/{}/smaps_rollup", pid()));
  std::string word;
  while (file >> word)
    if (word == "Private_Dirty:") {
      std::size_t kib = 0;
      file >> kib;
      return kib;
    }
  throw std::runtime_error("no smaps_rollup: did the gateway end?");
}

std::vector<std::string> const& all_cells() {
  static std::vector<std::string> const cells{"legacy-stdio", "legacy-http", "legacy-sse",
                                              "modern-stdio", "modern-http", "both-stdio",
                                              "both-http"};
  return cells;
}

matrix::matrix(std::vector<std::string> const& cells) {
  std::vector<std::string> arguments;
  std::map<std::string, child*> over_http;
  for (auto const& cell : cells) {
    auto const last = cell.rfind('-');
    auto const before = cell.rfind('-', last - 1);
    auto const era = cell.substr(before == std::string::npos ? 0 : before + 1,
                                 before == std::string::npos ? last : last - before - 1);
    auto const transport = cell.substr(last + 1);
    auto const command = referee("member", {"--era", era, "--transport", transport});
    if (transport == "stdio") {
      arguments.push_back(fmt::format("{}=stdio:'{}'", cell, fmt::join(command, "' '")));
      continue;
    }
    members_.push_back(std::make_unique<child>(command));
    over_http[cell] = members_.back().get();
  }
  for (auto const& [cell, member] : over_http) {
    direct_[cell] = member->line();
    arguments.push_back(
        fmt::format("{}={}:{}", cell, cell.ends_with("sse") ? "sse" : "http", direct_[cell]));
  }
  gateway_ = std::make_unique<gateway_process>(arguments);
}

scratch_folder::scratch_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "thv-gateway-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp failed");
  path_ = name;
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace thv::test
