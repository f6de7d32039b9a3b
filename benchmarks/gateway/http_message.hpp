// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 messages as they arrive, in pieces of any size; requests and responses alike.
#pragma once

#include <strings.h>

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

namespace bench {

enum class progress { incomplete, complete, broken };

/// The message at the start of a buffer. Its views point into the buffer given to `parse`, a
/// chunked body into the message itself; both hold until the next `parse`.
class http_message {
 public:
  std::string_view first_line, body, session, content_type;
  bool closes = false;

  /// Looks at all bytes received and not yet taken, this message's first byte first; after
  /// `complete`, `taken` of them are this message and the next call begins the next one.
  progress parse(std::string_view data, std::size_t& taken) {
    if (data.size() < needed_) return progress::incomplete;
    auto const head = data.find("\r\n\r\n");
    if (head == data.npos) return head_limit(data);
    if (!read_head(data.substr(0, head + 2))) return progress::broken;
    auto const result =
        chunked_ ? read_chunks(data, head + 4, taken) : read_plain(data, head + 4, taken);
    if (result != progress::incomplete) needed_ = chunk_ = 0;
    return result;
  }

  int status() const {
    int code = 0;
    if (first_line.size() >= 12)
      std::from_chars(first_line.data() + 9, first_line.data() + 12, code);
    return code;
  }

  bool event_stream() const { return content_type.substr(0, 17) == "text/event-stream"; }

 private:
  static progress head_limit(std::string_view data) {
    return data.size() > 65536 ? progress::broken : progress::incomplete;
  }

  static bool is(std::string_view name, std::string_view wanted) {
    return name.size() == wanted.size() &&
           strncasecmp(name.data(), wanted.data(), wanted.size()) == 0;
  }

  bool read_head(std::string_view head) {
    session = content_type = {};
    closes = chunked_ = sized_ = false;
    length_ = 0;
    auto end = head.find("\r\n");
    first_line = head.substr(0, end);
    for (auto at = end + 2; at < head.size(); at = end + 2) {
      end = head.find("\r\n", at);
      auto const line = head.substr(at, end - at);
      auto const colon = line.find(':');
      if (colon == line.npos) return false;
      auto value = line.substr(colon + 1);
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      if (!read_field(line.substr(0, colon), value)) return false;
    }
    return true;
  }

  bool read_field(std::string_view name, std::string_view value) {
    if (is(name, "content-length")) {
      sized_ = true;
      return std::from_chars(value.data(), value.data() + value.size(), length_).ec == std::errc{};
    }
    if (is(name, "transfer-encoding")) chunked_ = is(value, "chunked");
    if (is(name, "mcp-session-id")) session = value;
    if (is(name, "content-type")) content_type = value;
    if (is(name, "connection")) closes = is(value, "close");
    return true;
  }

  progress read_plain(std::string_view data, std::size_t begin, std::size_t& taken) {
    auto const answer = first_line.substr(0, 5) == "HTTP/";
    auto const code = status();
    // A response's body that only the connection's end delimits is not worth a benchmark's code.
    if (answer && !sized_ && code != 202 && code != 204 && code != 304) return progress::broken;
    needed_ = begin + length_;
    if (data.size() < needed_) return progress::incomplete;
    body = data.substr(begin, length_);
    taken = needed_;
    return progress::complete;
  }

  progress read_chunks(std::string_view data, std::size_t begin, std::size_t& taken) {
    if (chunk_ == 0) {
      chunk_ = begin;
      decoded_.clear();
    }
    for (;;) {
      auto const line = data.find("\r\n", chunk_);
      if (line == data.npos) break;
      std::size_t size = 0;
      auto const* const end = data.data() + line;
      if (std::from_chars(data.data() + chunk_, end, size, 16).ec != std::errc{})
        return progress::broken;
      if (data.size() < line + 2 + size + 2) break;
      decoded_ += data.substr(line + 2, size);
      chunk_ = line + 2 + size + 2;
      if (size != 0) continue;
      body = decoded_;
      taken = chunk_;
      return progress::complete;
    }
    needed_ = data.size() + 1;
    return progress::incomplete;
  }

  std::size_t needed_ = 0, length_ = 0, chunk_ = 0;
  bool chunked_ = false, sized_ = false;
  std::string decoded_;
};

}  // namespace bench
