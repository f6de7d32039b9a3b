// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace thv::test {

/// A `store_worker` process whose output can be read. Killed and waited for when it goes.
class child {
 public:
  explicit child(std::vector<std::string> arguments) {
    int out[2];
    int in[2];
    if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(in, O_CLOEXEC) != 0)
      throw std::runtime_error("pipe2 failed");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    std::string program = THV_STORE_WORKER;
    std::vector<char*> argv{program.data()};
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    auto const failed =
        ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    ::close(in[0]);
    output_ = out[0];
    input_ = in[1];
    if (failed != 0) throw std::runtime_error("cannot start " + program);
  }
  child(child&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        output_(std::exchange(other.output_, -1)),
        input_(std::exchange(other.input_, -1)) {}
  child& operator=(child&&) = delete;
  ~child() {
    kill();
    if (output_ >= 0) ::close(output_);
    if (input_ >= 0) ::close(input_);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// The next line of its output without the newline; empty at the end.
  std::string line() {
    std::string text;
    char c = 0;
    while (::read(output_, &c, 1) == 1 && c != '\n') text += c;
    return text;
  }

  /// All the rest of its output.
  std::string rest() {
    std::string text;
    char buffer[4096];
    for (;;) {
      auto const n = ::read(output_, buffer, sizeof buffer);
      if (n <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(n));
    }
  }

  /// Ends its standard input, which some verbs wait for.
  void close_input() {
    ::close(input_);
    input_ = -1;
  }

  /// Waits for its end: the exit status, 128 + signal if it was killed.
  int wait() {
    int status = 0;
    if (pid_ < 0 || ::waitpid(std::exchange(pid_, -1), &status, 0) < 0) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  /// SIGKILL, and waits.
  int kill() {
    if (pid_ >= 0) ::kill(pid_, SIGKILL);
    return wait();
  }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  int input_ = -1;
};

}  // namespace thv::test
