// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <thv/error.hpp>
#include <thv/mcp/line_buffer.hpp>

namespace thv::mcp {

/// One event of a Server-Sent Events stream.
struct sse_event {
  std::string type = "message";
  std::string data;
  std::string id;  ///< the last id seen in the stream, which need not be this event's

  friend bool operator==(sse_event const&, sse_event const&) = default;
};

/// Reads `text/event-stream` (WHATWG HTML, "Server-sent events") as it comes: lines end in LF, CR
/// or CR LF, also when cut in between; comments and unknown fields are skipped; an event that the
/// stream ends in is dropped.
class sse_parser {
 public:
  explicit sse_parser(std::size_t limit = message_limit) : limit_(limit) {}

  /// Calls `sink` for every event that `bytes` finish, until it returns false (the rest of `bytes`
  /// is then dropped). errc::engine when a line or an event's data pass the limit.
  [[nodiscard]] result<void> feed(std::string_view bytes,
                                  std::function<bool(sse_event const&)> const& sink);

  /// How long a client should wait before it connects again, if the server said so.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry() const noexcept { return retry_; }
  [[nodiscard]] std::string const& last_event_id() const noexcept { return last_id_; }

 private:
  /// False: the sink wants no more.
  [[nodiscard]] bool take_line(std::function<bool(sse_event const&)> const& sink);
  void take_field(std::string_view name, std::string_view value);
  void take_retry(std::string_view value);

  std::size_t limit_;
  std::string line_;
  std::string type_;
  std::string data_;
  std::string last_id_;
  std::optional<std::chrono::milliseconds> retry_;
  bool has_data_ = false;
  bool first_line_ = true;
  bool after_cr_ = false;
};

}  // namespace thv::mcp
