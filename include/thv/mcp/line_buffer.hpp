// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace thv::mcp {

/// The longest line, event or message that is accepted from a server.
inline constexpr std::size_t message_limit = std::size_t{16} << 20;

/// Cuts a stream of bytes into lines. Ends may be LF or CR LF; neither is part of a line.
class line_buffer {
 public:
  explicit line_buffer(std::size_t limit = message_limit) : limit_(limit) {}

  /// Takes bytes as they come. False once an unfinished line has passed the limit: the stream can
  /// then not be followed any more.
  [[nodiscard]] bool append(std::string_view bytes) {
    if (auto const last = bytes.rfind('\n'); last != std::string_view::npos)
      tail_ = buffer_.size() + last + 1;
    buffer_.append(bytes);
    return buffer_.size() - tail_ <= limit_;
  }

  /// The next whole line, in order; nullopt until more bytes come.
  [[nodiscard]] std::optional<std::string> next() {
    auto const end = buffer_.find('\n', std::max(begin_, scanned_));
    if (end == std::string::npos) {
      buffer_.erase(0, begin_);
      tail_ -= begin_;
      begin_ = 0;
      scanned_ = buffer_.size();
      return std::nullopt;
    }
    std::string line = buffer_.substr(begin_, end - begin_);
    begin_ = scanned_ = end + 1;
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }

  /// What has come of the line that is not finished. Lines not taken yet come first.
  [[nodiscard]] std::string_view rest() const { return std::string_view(buffer_).substr(begin_); }

 private:
  std::size_t limit_;
  std::string buffer_;
  std::size_t begin_ = 0;    ///< of the line to be taken next
  std::size_t scanned_ = 0;  ///< no line end from begin_ to this place
  std::size_t tail_ = 0;     ///< where the unfinished line begins
};

}  // namespace thv::mcp
