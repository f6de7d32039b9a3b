// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "docker/frames.hpp"

namespace thv::docker {

/// What of a container's log is shown.
struct log_view_options {
  /// Leave out what a stdio member says to its client (JSON-RPC lines on standard output).
  bool hide_protocol = false;
  /// Every frame begins with a timestamp, which is not shown.
  bool timestamps = false;
  /// Leave out frames whose timestamp is not after this one.
  std::string after;
};

/// Turns frames of a log into what people read.
class log_view {
 public:
  log_view(log_view_options options, std::function<bool(std::string_view)> sink)
      : options_(std::move(options)), sink_(std::move(sink)) {}

  /// Takes a piece of a frame; false when the sink wants no more.
  bool feed(frame_reader::stream stream, std::string_view piece, bool first);

  /// Shows what came without a newline at the end.
  void finish();

  /// The newest timestamp seen.
  [[nodiscard]] std::string const& newest() const { return newest_; }

 private:
  bool show(frame_reader::stream stream, std::string_view line, bool complete);

  log_view_options options_;
  std::function<bool(std::string_view)> sink_;
  line_splitter out_;
  line_splitter error_;
  std::string stamp_;
  std::string newest_;
  bool in_stamp_ = false;
  bool skip_ = false;
  bool said_something_ = false;
  bool wanted_ = true;
};

/// Does a line of standard output belong to the protocol? `first` of a log may be the end of a line
/// whose beginning was rotated away.
[[nodiscard]] bool is_protocol(std::string_view line, bool first);

/// "&since=SECONDS.NANOSECONDS" of a timestamp of the engine, or "".
[[nodiscard]] std::string since(std::string const& timestamp);

}  // namespace thv::docker
