// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <signal.h>
#include <thv/error.hpp>
#include <thv/mcp/docker_frames.hpp>
#include <thv/mcp/line_buffer.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::mcp::detail {

/// Keeps SIGPIPE from the calling thread: a pipe whose reader has gone gives EPIPE instead.
class sigpipe_shield {
 public:
  sigpipe_shield();
  ~sigpipe_shield();
  sigpipe_shield(sigpipe_shield const&) = delete;
  sigpipe_shield& operator=(sigpipe_shield const&) = delete;

 private:
  sigset_t before_{};
  bool was_pending_ = false;
};

/// A descriptor in non-blocking mode for as long as this lives.
class nonblocking {
 public:
  explicit nonblocking(int descriptor);
  ~nonblocking();
  nonblocking(nonblocking const&) = delete;
  nonblocking& operator=(nonblocking const&) = delete;

 private:
  int descriptor_;
  int before_;
};

/// An event descriptor that becomes readable when a stop is requested.
class stop_signal {
 public:
  explicit stop_signal(std::stop_token token);
  stop_signal(stop_signal const&) = delete;
  stop_signal& operator=(stop_signal const&) = delete;
  [[nodiscard]] int descriptor() const noexcept { return owner_.descriptor; }

 private:
  struct owner {
    int descriptor = -1;
    explicit owner(int fd) : descriptor(fd) {}
    owner(owner const&) = delete;
    owner& operator=(owner const&) = delete;
    ~owner();
  };
  struct wake {
    int descriptor;
    void operator()() const noexcept;
  };
  owner owner_;  ///< closed after the callback is gone
  std::stop_callback<wake> callback_;
};

/// Lines in both directions over a stream, never blocking past the call's deadline or stop: writes
/// wait in a queue while the other side does not read.
class stdio_channel {
 public:
  stdio_channel(plugin::call const& c, plugin::stream const& stream);

  /// Queues a line; `receive` sends it.
  void send(std::string_view line);

  /// The next line. errc::exited when the stream ended, errc::timeout, errc::cancelled,
  /// errc::engine when the stream cannot be followed.
  [[nodiscard]] result<std::string> receive();

  /// Waits until what was queued is written. A server that reads no more is no error here.
  [[nodiscard]] result<void> flush();

 private:
  [[nodiscard]] result<void> wait_and_transfer();
  [[nodiscard]] result<int> poll_timeout() const;
  [[nodiscard]] result<void> read_some();
  [[nodiscard]] result<void> take(std::string_view bytes);
  void write_some();

  plugin::call const& call_;
  plugin::stream const& stream_;
  sigpipe_shield shield_;
  nonblocking reading_;
  nonblocking writing_;
  stop_signal stop_;
  docker_frame_decoder frames_;
  line_buffer lines_;
  std::string unsent_;
  std::optional<std::chrono::steady_clock::time_point> write_failed_;
  bool ended_ = false;
};

}  // namespace thv::mcp::detail
