// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <thv/error.hpp>

namespace thv::mcp {

/// Takes the frames of a container engine's attach and log streams apart (Docker Engine API,
/// "attach": 1 byte stream, 3 zero bytes, length as 32 bit big-endian, payload). Frames may be cut
/// anywhere, and a message may span several of them; payload is handed on as it comes.
class docker_frame_decoder {
 public:
  enum class channel : std::uint8_t { input = 0, output = 1, errors = 2, engine = 3 };

  /// Calls `sink(channel, std::string_view)` for every piece of payload in `bytes`. errc::engine
  /// when this is no such stream; the decoder is then of no further use.
  template <class Sink>
  [[nodiscard]] result<void> feed(std::string_view bytes, Sink&& sink) {
    while (!bytes.empty()) {
      if (header_size_ < header_.size()) {
        header_[header_size_++] = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        if (!plausible())
          return fail(errc::engine, "the attach stream is not made of frames",
                      "give the container no terminal (Tty: false)");
        if (header_size_ == header_.size()) remaining_ = length();
      } else {
        auto const piece = bytes.substr(0, std::min<std::size_t>(remaining_, bytes.size()));
        bytes.remove_prefix(piece.size());
        remaining_ -= static_cast<std::uint32_t>(piece.size());
        sink(static_cast<channel>(header_[0]), piece);
      }
      if (header_size_ == header_.size() && remaining_ == 0) header_size_ = 0;
    }
    return {};
  }

  /// True in the middle of a frame: the stream may not end here.
  [[nodiscard]] bool incomplete() const noexcept { return header_size_ != 0; }

 private:
  [[nodiscard]] bool plausible() const {
    if (header_[0] > 3) return false;
    for (std::size_t i = 1; i < std::min<std::size_t>(header_size_, 4); ++i)
      if (header_[i] != 0) return false;
    return true;
  }

  [[nodiscard]] std::uint32_t length() const {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i < 8; ++i) value = value << 8 | header_[i];
    return value;
  }

  std::array<unsigned char, 8> header_{};
  std::size_t header_size_ = 0;
  std::uint32_t remaining_ = 0;
};

}  // namespace thv::mcp
