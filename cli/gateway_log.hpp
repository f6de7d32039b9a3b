// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include <thv/gateway/server.hpp>

namespace thv::cli {

/// One line of the gateway's log, as text or as JSON. `time`: milliseconds since 1970.
[[nodiscard]] std::string log_text(gateway::log_line const& line, std::int64_t time, bool json);

/// A log file for its user alone. When it passes `limit` it becomes FILE.1, in the place of the one
/// before. That it cannot be written (full disk) keeps nobody from working. [thread-safe]
class gateway_log {
 public:
  explicit gateway_log(std::filesystem::path path, std::size_t limit = 4u << 20)
      : path_(std::move(path)), limit_(limit) {}
  ~gateway_log();
  gateway_log(gateway_log const&) = delete;
  gateway_log& operator=(gateway_log const&) = delete;

  void write(std::string_view line);

 private:
  std::filesystem::path path_;
  std::size_t limit_;
  std::mutex mutex_;
  int file_ = -1;
  std::size_t size_ = 0;
};

/// Feeds the log, the older file first, to `sink`: the last `tail` lines (0: all), then, with
/// `follow`, what is added until the sink says no or `stopped` is true.
[[nodiscard]] result<void> read_gateway_log(std::filesystem::path const& path, std::size_t tail,
                                            bool follow, std::function<bool()> const& stopped,
                                            std::function<bool(std::string_view)> const& sink);

}  // namespace thv::cli
