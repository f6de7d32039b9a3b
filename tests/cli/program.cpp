// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <boost/json/parse.hpp>

namespace cli_test {

namespace fs = std::filesystem;

namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

/// In the child: becomes the program. Everything is prepared before the fork.
struct image {
  image(std::string const& program, std::vector<std::string> const& arguments,
        environment const& variables)
      : program_(program), arguments_(arguments) {
    arguments_.insert(arguments_.begin(), program);
    for (auto const& [name, value] : variables) variables_.push_back(name + "=" + value);
    argv_ = pointers(arguments_);
    envp_ = pointers(variables_);
  }
  [[noreturn]] void become() {
    execve(program_.c_str(), argv_.data(), envp_.data());
    _exit(127);
  }

  std::string program_;
  std::vector<std::string> arguments_;
  std::vector<std::string> variables_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
};

int status_of(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string read_file(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

running::running(std::vector<std::string> const& arguments, environment const& variables,
                 std::string const& program, std::string const& folder) {
  image child(program, arguments, variables);
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("no pipes");
  pid_ = fork();
  if (pid_ == 0) {
    int const nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    if (chdir(folder.c_str()) != 0) _exit(126);
    child.become();
  }
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

running::~running() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    (void)wait();
  }
}

void running::signal(int number) const {
  kill(pid_, number);
}

void running::read_available(int milliseconds) {
  std::array<pollfd, 2> ends{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  if (poll(ends.data(), ends.size(), milliseconds) <= 0) return;
  std::array<char, 65536> buffer;
  for (auto& end : ends) {
    if (end.revents == 0) continue;
    auto const count = read(end.fd, buffer.data(), buffer.size());
    auto& text = end.fd == out_ ? seen_.out : seen_.err;
    if (count > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    } else {
      int& mine = end.fd == out_ ? out_ : err_;
      close(mine);
      mine = -1;
    }
  }
}

bool running::wait_for_error(std::string const& text) {
  auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (seen_.err.find(text) == std::string::npos) {
    if (std::chrono::steady_clock::now() > end || (out_ < 0 && err_ < 0)) return false;
    read_available(100);
  }
  return true;
}

outcome running::wait() {
  while (out_ >= 0 || err_ >= 0) read_available(-1);
  if (pid_ > 0) seen_.status = status_of(pid_);
  pid_ = -1;
  return seen_;
}

user::user() {
  std::string pattern = (fs::temp_directory_path() / "thv-cli-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder for a user");
  home_ = pattern;
  variables_ = {{"HOME", home_.string()},
                {"XDG_CONFIG_HOME", (home_ / "config").string()},
                {"XDG_STATE_HOME", (home_ / "state").string()},
                {"XDG_CACHE_HOME", (home_ / "cache").string()},
                {"PATH", "/usr/local/bin:/usr/bin:/bin"},
                {"LANG", "C.UTF-8"},
                // No test may depend on the machine's own engine.
                {"DOCKER_HOST", "unix:///nonexistent/docker.sock"},
                {"TERM", "xterm"}};
}

user::~user() {
  (void)run({"rm", "--all"});
  (void)run({"gateway", "stop"});
  std::error_code ignored;
  fs::remove_all(home_, ignored);
}

outcome user::run(std::vector<std::string> const& arguments) const {
  return run_program(THV_PROGRAM, arguments);
}

outcome user::run_program(std::string const& program,
                          std::vector<std::string> const& arguments) const {
  return running(arguments, variables_, program, home_.string()).wait();
}

outcome user::run_on_terminal(std::vector<std::string> const& arguments,
                              std::string const& input) const {
  if (input.empty()) return run_on_terminal(arguments, dialogue());
  return run_on_terminal(arguments, dialogue{{"[y/N]: ", input}});
}

outcome user::run_on_terminal(std::vector<std::string> const& arguments,
                              dialogue const& answers) const {
  image child(THV_PROGRAM, arguments, variables_);
  winsize const size{40, 100, 0, 0};
  int terminal = -1;
  pid_t const pid = forkpty(&terminal, nullptr, nullptr, &size);
  if (pid == 0) {
    if (chdir(home_.c_str()) != 0) _exit(126);
    child.become();
  }
  outcome seen;
  std::array<char, 65536> buffer;
  std::size_t answered = 0;
  std::size_t after = 0;
  for (;;) {
    auto const count = read(terminal, buffer.data(), buffer.size());
    if (count <= 0) break;
    seen.out.append(buffer.data(), static_cast<std::size_t>(count));
    while (answered < answers.size()) {
      auto const& [question, answer] = answers[answered];
      auto const at = seen.out.find(question, after);
      if (at == std::string::npos) break;
      after = at + question.size();
      ++answered;
      [[maybe_unused]] auto const written = ::write(terminal, answer.data(), answer.size());
    }
  }
  close(terminal);
  seen.status = status_of(pid);
  return seen;
}

std::string user::expect_done(std::vector<std::string> const& arguments) const {
  auto const seen = run(arguments);
  INFO(fmt::format("thv-engine {}\n{}{}", fmt::join(arguments, " "), seen.out, seen.err));
  REQUIRE(seen.status == 0);
  return seen.out;
}

boost::json::value user::json(std::vector<std::string> arguments) const {
  arguments.insert(arguments.end(), {"--format", "json"});
  auto const text = expect_done(arguments);
  boost::json::error_code problem;
  auto value = boost::json::parse(text, problem);
  INFO(text);
  REQUIRE_FALSE(problem);
  return value;
}

std::string user::write(std::string const& name, std::string const& text) const {
  auto const path = home_ / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
  return path.string();
}

std::string user::write_registry(std::map<std::string, std::string> const& members,
                                 std::string const& group) const {
  std::string servers;
  for (auto const& [name, extra] : members)
    servers += fmt::format(
        "{}\"{}\": {{\"image\": \"file://{}\", \"transport\": \"stdio\", "
        "\"description\": \"A small server\"{}{}}}",
        servers.empty() ? "" : ", ", name, TINY_SERVER, extra.empty() ? "" : ", ", extra);
  return write(group + ".json", fmt::format("{{\"servers\": {{}}, \"groups\": [{{\"name\": "
                                            "\"{}\", \"description\": \"Tools for tests\", "
                                            "\"servers\": {{{}}}}}]}}",
                                            group, servers));
}

std::string normalized(std::string text, user const& who) {
  auto const replace = [&](std::string const& from, std::string const& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  };
  replace(TINY_SERVER, "TINY");
  replace(who.home().string(), "HOME");
  text = std::regex_replace(
      text, std::regex(R"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d( \+0000 UTC|Z)?)"), "TIME");
  text = std::regex_replace(text, std::regex(R"(127\.0\.0\.1:\d+)"), "127.0.0.1:PORT");
  text = std::regex_replace(text, std::regex(R"((/mcp +)\d+)"), "$1PORT");
  return std::regex_replace(text, std::regex("   +(?=\\S)"), "   ");
}

void check_golden(std::string const& name, std::string const& text) {
  auto const path = fs::path(GOLDEN_FOLDER) / (name + ".txt");
  if (std::getenv("THV_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  INFO("golden/" << name << ".txt");
  CHECK(text == read_file(path));
}

}  // namespace cli_test
