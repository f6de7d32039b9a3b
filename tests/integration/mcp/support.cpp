// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

namespace thv::test {

namespace {

/// Runs the script that installs the servers, once for each test process.
std::string const& installed() {
  static std::string const folder = [] {
    if (std::system("'" THV_MCP_SERVERS "' >&2") != 0)
      throw std::runtime_error("the servers for the tests could not be installed");
    return std::string(THV_MCP_INSTALLED);
  }();
  return folder;
}

std::string new_log() {
  std::string name = "/tmp/thv-mcp-log-XXXXXX";
  int const fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) throw std::runtime_error("mkostemp failed");
  ::close(fd);
  return name;
}

[[noreturn]] void become(std::vector<std::string>& command,
                         std::map<std::string, std::string> const& env, int in, int out,
                         std::string const& log) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(::open(log.c_str(), O_WRONLY | O_APPEND), 2);
  for (auto const& [key, value] : env) ::setenv(key.c_str(), value.c_str(), 1);
  std::vector<char*> arguments;
  for (auto& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

std::string official_server(std::string const& name) {
  return installed() + "/npm/node_modules/@modelcontextprotocol/server-" + name + "/dist/index.js";
}

std::string stateless_sdk() {
  return installed() + "/npm-stateless";
}

child::child(std::vector<std::string> command, std::map<std::string, std::string> env)
    : log_(new_log()) {
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
    throw std::runtime_error("pipe2 failed");
  pid_ = ::fork();
  if (pid_ == 0) become(command, env, in[0], out[1], log_);
  ::close(in[0]);
  ::close(out[1]);
  read_ = out[0];
  write_ = in[1];
}

child::~child() {
  ::close(read_);
  ::close(write_);
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::unlink(log_.c_str());
}

plugin::stream child::stream() const {
  plugin::stream s;
  s.read_fd = read_;
  s.write_fd = write_;
  return s;
}

std::string child::line() const {
  std::string text;
  char c = 0;
  while (::read(read_, &c, 1) == 1 && c != '\n') text += c;
  return text;
}

std::string child::errors() const {
  std::ifstream file(log_);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool child::says(std::string const& text) const {
  for (int tries = 0; tries < 100; ++tries) {
    if (errors().find(text) != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

std::uint16_t free_port() {
  int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  ::close(fd);
  return ntohs(address.sin_port);
}

plugin::call within(std::chrono::milliseconds time) {
  return {std::chrono::steady_clock::now() + time, {}, {}};
}

result<mcp::probe_result> probe_until_up(plugin::endpoint const& where, thv::transport transport) {
  auto const c = within(std::chrono::seconds(30));
  for (;;) {
    auto found = mcp::probe_http(c, where, transport);
    if (found || found.error().code != errc::unavailable) return found;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace thv::test
