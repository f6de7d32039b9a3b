// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace thv::docker {

/// Takes frames apart (8 bytes of header: stream, 3 zeros, big-endian length; then the payload), in
/// whatever pieces they arrive.
class frame_reader {
 public:
  enum class stream { in = 0, out = 1, error = 2 };

  /// Calls `sink(stream, piece, first)` for payloads; `first` tells whether a frame begins with it.
  /// False when the sink said so, or when the bytes are no frames (see `broken`).
  template <class Sink>
  bool feed(std::string_view bytes, Sink&& sink) {
    while (!bytes.empty()) {
      if (have_ < header_.size()) {
        auto const n = std::min(header_.size() - have_, bytes.size());
        std::copy_n(bytes.begin(), n, header_.begin() + static_cast<std::ptrdiff_t>(have_));
        have_ += n;
        bytes.remove_prefix(n);
        if (have_ < header_.size()) return true;
        if (!begin()) return false;
        first_ = true;
      }
      auto const n = std::min<std::size_t>(left_, bytes.size());
      if ((n > 0 || left_ == 0) && !sink(stream_, bytes.substr(0, n), std::exchange(first_, false)))
        return false;
      left_ -= static_cast<std::uint32_t>(n);
      bytes.remove_prefix(n);
      if (left_ == 0) have_ = 0;
    }
    return true;
  }

  [[nodiscard]] bool broken() const { return broken_; }

 private:
  bool begin() {
    auto const byte = [this](std::size_t i) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(header_[i]));
    };
    broken_ = byte(0) > 2 || byte(1) != 0 || byte(2) != 0 || byte(3) != 0;
    stream_ = static_cast<stream>(broken_ ? 0 : byte(0));
    left_ = byte(4) << 24 | byte(5) << 16 | byte(6) << 8 | byte(7);
    return !broken_;
  }

  std::array<char, 8> header_{};
  std::size_t have_ = 0;
  std::uint32_t left_ = 0;
  stream stream_ = stream::in;
  bool first_ = false;
  bool broken_ = false;
};

/// Cuts text into lines, in whatever pieces it arrives.
class line_splitter {
 public:
  /// Longer lines are handed over in parts of this size.
  static constexpr std::size_t longest = 4u << 20;

  /// Calls `sink(line)` without the newline; false when the sink said so.
  template <class Sink>
  bool feed(std::string_view bytes, Sink&& sink) {
    while (!bytes.empty()) {
      auto const end = bytes.find('\n');
      auto const n = std::min(end, longest - rest_.size());
      if (end == std::string_view::npos && bytes.size() <= longest - rest_.size()) {
        rest_ += bytes;
        return true;
      }
      rest_ += bytes.substr(0, n);
      bytes.remove_prefix(n == end ? n + 1 : n);
      auto const line = std::exchange(rest_, {});
      if (!sink(std::string_view(line))) return false;
    }
    return true;
  }

  /// What came after the last newline.
  [[nodiscard]] std::string const& rest() const { return rest_; }

 private:
  std::string rest_;
};

}  // namespace thv::docker
