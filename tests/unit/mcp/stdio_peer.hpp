// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::test {

/// The far side of a stdio stream: what a server does, in a thread of its own.
class stdio_peer {
 public:
  /// Two pipes, or one socket pair whose two sides are both ways.
  enum class kind { pipes, socket };

  explicit stdio_peer(kind k = kind::pipes) {
    int a[2];
    int b[2];
    if (k == kind::socket) {
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a) != 0)
        throw std::runtime_error("socketpair failed");
      near_read_ = near_write_ = a[0];
      far_read_ = far_write_ = a[1];
    } else {
      if (::pipe2(a, O_CLOEXEC) != 0 || ::pipe2(b, O_CLOEXEC) != 0)
        throw std::runtime_error("pipe failed");
      near_read_ = a[0];
      far_write_ = a[1];
      far_read_ = b[0];
      near_write_ = b[1];
    }
  }
  stdio_peer(stdio_peer const&) = delete;
  stdio_peer& operator=(stdio_peer const&) = delete;
  ~stdio_peer() {
    finish();
    close_far();
  }

  /// Leaves the stream and waits for the server: what it noted can be read then.
  void finish() {
    close_near();
    if (thread_.joinable()) thread_.join();
  }

  void run(std::function<void(stdio_peer&)> server) {
    thread_ = std::thread([this, server = std::move(server)] {
      sigset_t set;
      sigemptyset(&set);
      sigaddset(&set, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &set, nullptr);
      server(*this);
    });
  }

  [[nodiscard]] plugin::stream stream() const {
    plugin::stream s;
    s.read_fd = near_read_;
    s.write_fd = near_write_;
    return s;
  }

  /// What the client wrote, up to a line end; empty at the end of the stream.
  std::string line() {
    std::string text;
    char c = 0;
    while (::read(far_read_, &c, 1) == 1) {
      if (c == '\n') return text;
      text += c;
    }
    return {};
  }

  /// The next message of the client, without its line end.
  boost::json::object message() {
    auto const text = line();
    return text.empty() ? boost::json::object() : boost::json::parse(text).as_object();
  }

  void write(std::string_view text) {
    while (!text.empty()) {
      auto const n = ::write(far_write_, text.data(), text.size());
      if (n <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  void answer(boost::json::object const& request, std::string_view result) {
    write(answer_text(request, result) + "\n");
  }

  static std::string answer_text(boost::json::object const& request, std::string_view result) {
    return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{}}})", request.at("id").as_int64(),
                       result);
  }

  void close_near() {
    if (near_read_ >= 0) ::close(near_read_);
    if (near_write_ >= 0 && near_write_ != near_read_) ::close(near_write_);
    near_read_ = near_write_ = -1;
  }
  void close_far() {
    close_far_read();
    if (far_write_ >= 0) ::close(far_write_);
    far_write_ = -1;
  }
  void close_far_read() {
    if (far_read_ >= 0 && far_read_ != far_write_) ::close(far_read_);
    far_read_ = -1;
  }

  [[nodiscard]] int far_read() const { return far_read_; }

 private:
  int near_read_ = -1;
  int near_write_ = -1;
  int far_read_ = -1;
  int far_write_ = -1;
  std::thread thread_;
};

inline constexpr std::string_view initialized_with_tools =
    R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}})";

}  // namespace thv::test
