// SPDX-License-Identifier: Apache-2.0
// The data plane without the rest of the engine: serves commands and URLs, for tests that want to
// know what the gateway alone does.
//
//   direct_gateway PORT [LIMIT=VALUE...] NAME=stdio:COMMAND... NAME=http:URL NAME=sse:URL
//
// LIMIT: header_time, call_time, session_time (ms), body, message, client_queue, member_queue
// (bytes), token. Prints its port. Stops on TERM. A stdio member that ended is started again.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <string>

#include <thv/gateway/server.hpp>

using namespace thv;

namespace {

struct declared {
  std::string kind;
  std::string what;
};

/// Members are child processes and addresses. What they said is kept in memory.
class commands final : public gateway::backend {
 public:
  std::map<std::string, declared> all;

  result<std::vector<gateway::member>> members() override {
    std::lock_guard const lock(guard_);
    std::vector<gateway::member> out;
    for (auto const& [name, d] : all) {
      gateway::member m;
      m.name = name;
      m.streams = d.kind == "stdio";
      m.transport = d.kind == "stdio" ? transport::stdio
                    : d.kind == "sse" ? transport::sse
                                      : transport::streamable_http;
      m.known = kept_[name];
      out.push_back(std::move(m));
    }
    return out;
  }

  result<gateway::attachment> open(plugin::call const&, std::string const& name) override {
    std::lock_guard const lock(guard_);
    auto const& d = all.at(name);
    gateway::attachment a;
    if (d.kind != "stdio") {
      a.session_key = "url";
      a.endpoint = plugin::endpoint{d.what, {}, {}, false};
      return a;
    }
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
      return fail(errc::io, "cannot make pipes");
    auto const pid = ::fork();
    if (pid == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::execl("/bin/sh", "sh", "-c", ("exec " + d.what).c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    a.session_key = std::to_string(pid);
    a.stream = plugin::stream{out[0], in[1], plugin::stream::framing::raw, false, {}};
    return a;
  }

  result<void> keep(std::string const& name, gateway::catalogue const& said) override {
    std::lock_guard const lock(guard_);
    kept_[name] = said;
    return {};
  }

  result<void> sleep(plugin::call const&, std::string const&) override { return {}; }

 private:
  std::mutex guard_;
  std::map<std::string, gateway::catalogue> kept_;
};

gateway::server* running = nullptr;

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGCHLD, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  if (argc < 2) return 2;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  commands members;
  gateway::server_options options;
  options.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  auto const milliseconds = [](std::string const& v) {
    return std::chrono::milliseconds(std::atoll(v.c_str()));
  };
  for (int i = 2; i < argc; ++i) {
    std::string const text = argv[i];
    auto const equals = text.find('=');
    auto const colon = text.find(':');
    if (equals == std::string::npos) return 2;
    auto const key = text.substr(0, equals);
    auto const value = text.substr(equals + 1);
    if (key == "call_time") {
      options.limits.call_time = milliseconds(value);
    } else if (key == "session_time") {
      options.limits.session_time = milliseconds(value);
    } else if (key == "header_time") {
      options.limits.header_time = milliseconds(value);
    } else if (key == "body") {
      options.limits.body = std::strtoull(value.c_str(), nullptr, 10);
    } else if (key == "message") {
      options.limits.message = std::strtoull(value.c_str(), nullptr, 10);
    } else if (key == "client_queue") {
      options.limits.client_queue = std::strtoull(value.c_str(), nullptr, 10);
    } else if (key == "member_queue") {
      options.limits.member_queue = std::strtoull(value.c_str(), nullptr, 10);
    } else if (key == "token") {
      options.token = value;
    } else if (colon != std::string::npos) {
      members.all[key] = {text.substr(equals + 1, colon - equals - 1), text.substr(colon + 1)};
    } else {
      return 2;
    }
  }
  options.log = [](gateway::log_line const& line) {
    std::cerr << "gateway: " << line.member << ": " << line.message << '\n';
  };
  gateway::server server(members, options);
  if (auto const listens = server.listen(); !listens) {
    std::cerr << to_string(listens.error()) << '\n';
    return 1;
  }
  std::cout << server.port() << std::endl;
  running = &server;
  struct sigaction action {};
  action.sa_handler = [](int) { running->stop(); };
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  server.run();
}
