// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <process/driver.hpp>
#include <process/procfs.hpp>
#include <string>
#include <thread>
#include <vector>

namespace process_test {

using namespace std::chrono_literals;
using namespace thv;
namespace json = boost::json;
namespace fs = std::filesystem;

inline plugin::call within(std::chrono::milliseconds time) {
  plugin::call c;
  c.deadline = std::chrono::steady_clock::now() + time;
  return c;
}

inline bool eventually(std::function<bool()> const& holds, std::chrono::milliseconds time = 10s) {
  auto const end = std::chrono::steady_clock::now() + time;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

/// The value, or a failed test with the error's words.
template <class T>
T must(result<T> r) {
  if (!r) FAIL(to_string(r.error()) << " [" << r.error().hint << "]");
  return *std::move(r);
}
inline void must(result<void> r) {
  if (!r) FAIL(to_string(r.error()) << " [" << r.error().hint << "]");
}

/// A runtime with folders and a store id of its own; whatever it made is gone afterwards.
class house {
 public:
  house() : root_(make_folder()), store("store-" + root_.substr(root_.rfind('.') + 1)) {
    fs::create_directories(state());
    fs::create_directories(root_ + "/cache");
    runtime = make();
  }
  ~house() {
    if (auto all = runtime->list({}))
      for (auto const& instance : *all)
        if (instance.store == store) (void)runtime->remove(within(2s), instance.id).has_value();
    fs::remove_all(root_);
  }
  house(house const&) = delete;

  std::unique_ptr<process::driver> make() const {
    plugin::host_context host;
    host.runtime_name = "process";
    host.state_directory = state();
    host.cache_directory = cache;
    host.store = store;
    host.settings = settings;
    return must(process::driver::create(host));
  }
  std::string state() const { return root_ + "/state"; }
  std::string const& root() const { return root_; }

  plugin::workload_spec spec(std::string const& name, std::string const& source) const {
    plugin::workload_spec s;
    s.name = name;
    s.group = "tools";
    s.store = store;
    s.config_hash = "hash-1";
    s.source = parse_source(source);
    return s;
  }
  plugin::workload_spec tiny(std::string const& name) const {
    return spec(name, "file://" TINY_SERVER);
  }
  plugin::workload_spec shell(std::string const& name, std::string const& script) const {
    auto s = spec(name, "file:///bin/sh");
    s.arguments = {"-c", script};
    return s;
  }

  /// The instances of this store; other tests run beside this one.
  std::vector<plugin::instance> list() const {
    auto all = must(runtime->list({}));
    std::erase_if(all, [&](plugin::instance const& i) { return i.store != store; });
    return all;
  }

  /// Processes that carry this store's mark.
  std::vector<process::process_entry> processes() const {
    auto all = process::own_processes();
    std::erase_if(all, [&](process::process_entry const& e) {
      auto const mark = e.environment.find("THV_STORE");
      return mark == e.environment.end() || mark->second != store;
    });
    return all;
  }

 private:
  static std::string make_folder() {
    std::string path = fs::temp_directory_path().string() + "/thv-process.XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) FAIL("cannot make a temporary folder");
    return path;
  }
  std::string root_;

 public:
  std::string store;
  std::string cache = root_ + "/cache";
  std::map<std::string, std::string> settings;
  std::unique_ptr<process::driver> runtime;
};

/// Packages that several tests use are installed once for each build folder.
inline std::string shared_cache() {
  std::string const path = THV_TEST_BINARY_DIR "/test-cache/process";
  fs::create_directories(path);
  return path;
}

/// JSON-RPC by hand over a stream.
class client {
 public:
  explicit client(plugin::stream stream) : stream_(std::move(stream)) {
    if (stream_.dirty) write("\n");
  }
  ~client() {
    ::close(stream_.read_fd);
    if (stream_.write_fd != stream_.read_fd) ::close(stream_.write_fd);
  }
  client(client const&) = delete;

  bool dirty() const { return stream_.dirty; }

  void write(std::string const& text) {
    REQUIRE(::write(stream_.write_fd, text.data(), text.size()) ==
            static_cast<ssize_t>(text.size()));
  }
  /// The next line; empty at the end of the stream or after `time`.
  std::string read_line(std::chrono::milliseconds time = 20s) {
    auto const end = std::chrono::steady_clock::now() + time;
    for (;;) {
      auto const newline = buffer_.find('\n');
      if (newline != std::string::npos) {
        auto line = buffer_.substr(0, newline);
        buffer_.erase(0, newline + 1);
        return line;
      }
      auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
      pollfd readable{stream_.read_fd, POLLIN, 0};
      if (left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) <= 0) return {};
      std::array<char, 65536> piece;
      auto const n = ::read(stream_.read_fd, piece.data(), piece.size());
      if (n <= 0) return {};
      buffer_.append(piece.data(), static_cast<std::size_t>(n));
    }
  }
  /// The answer to a request, other messages skipped.
  json::object ask(int id, std::string const& method, json::object params = {}) {
    write(json::serialize(json::object{
              {"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}}) +
          "\n");
    for (;;) {
      auto const line = read_line();
      if (line.empty()) FAIL("no answer to " << method);
      boost::system::error_code failure;
      auto const value = json::parse(line, failure);
      if (failure || !value.is_object()) continue;
      auto const& message = value.get_object();
      auto const* answered = message.if_contains("id");
      if (answered != nullptr && answered->is_int64() && answered->get_int64() == id &&
          message.contains("result"))
        return message.at("result").as_object();
    }
  }
  json::object initialize() {
    auto answer = ask(1, "initialize",
                      {{"protocolVersion", "2025-11-25"},
                       {"capabilities", json::object{}},
                       {"clientInfo", json::object{{"name", "test"}, {"version", "1"}}}});
    write(R"({"jsonrpc":"2.0","method":"notifications/initialized"})"
          "\n");
    return answer;
  }

 private:
  plugin::stream stream_;
  std::string buffer_;
};

/// Runs process_peer; its output can be read, and it can be killed.
class peer {
 public:
  peer(house const& h, std::string const& verb, std::string const& a, std::string const& b) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      ::dup2(ends[1], 1);
      ::close(ends[0]);
      ::close(ends[1]);
      ::execl(PROCESS_PEER, PROCESS_PEER, h.state().c_str(), h.cache.c_str(), h.store.c_str(),
              verb.c_str(), a.c_str(), b.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }
  ~peer() {
    if (pid > 0) kill(SIGKILL);
    ::close(output_);
  }
  peer(peer const&) = delete;

  std::string read_line() {
    std::string line;
    for (char c = 0; ::read(output_, &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }
  void kill(int signal) {
    ::kill(pid, signal);
    wait();
  }
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid, -1), &status, 0);
    return status;
  }
  pid_t pid = -1;

 private:
  int output_ = -1;
};

}  // namespace process_test
