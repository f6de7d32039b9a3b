// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thv::test {

struct http_answer {
  int status = 0;  ///< 0: the connection ended, or no answer came in time
  std::map<std::string, std::string> fields;  ///< names in lower case
  std::string body;
};

/// A connection of a client that sends what it likes.
class wire {
 public:
  explicit wire(std::uint16_t port);
  wire(wire&& other) noexcept;
  wire& operator=(wire&&) = delete;
  ~wire();

  /// False: the other end does not take it.
  bool send(std::string_view bytes);
  /// The next answer that is no `100 Continue`.
  [[nodiscard]] http_answer answer(std::chrono::milliseconds time = std::chrono::seconds(10));
  /// The next bytes of whatever comes, up to and with `end`; nullopt: they did not come.
  [[nodiscard]] std::optional<std::string> until(
      std::string_view end, std::chrono::milliseconds time = std::chrono::seconds(10));
  /// The next so many bytes.
  [[nodiscard]] std::optional<std::string> take(
      std::size_t size, std::chrono::milliseconds time = std::chrono::seconds(10));
  /// Does the other end close within this time? What comes before that is dropped.
  [[nodiscard]] bool closes(std::chrono::milliseconds time);
  [[nodiscard]] int fd() const { return fd_; }

 private:
  bool read_more(std::chrono::steady_clock::time_point until);

  int fd_;
  std::string kept_;
};

/// A request for an endpoint on loopback, with what else the head is to hold: lines with their
/// ends.
[[nodiscard]] std::string post(std::string_view path, std::string_view body,
                               std::string_view fields = {});
[[nodiscard]] std::string get(std::string_view path, std::string_view fields = {});

/// What a request was answered: its status, and what came on its stream before the last event.
struct told {
  int status = 0;  ///< 0: nothing, or its stream did not end
  std::string session;
  std::string body;  ///< or the last event
  std::vector<std::string> events;
};

[[nodiscard]] told talk(wire& line, std::string_view request,
                        std::chrono::milliseconds time = std::chrono::seconds(8));

/// A session of revision 2025-11-25 with a member.
class session_client {
 public:
  session_client(std::uint16_t port, std::string member);

  /// The text that a tool says; what was answered instead if it said none.
  [[nodiscard]] std::string call(std::string_view tool, std::string_view arguments,
                                 std::string_view id = "1");
  /// The answer to a message.
  [[nodiscard]] http_answer exchange(std::string_view body);
  bool send(std::string_view body);
  [[nodiscard]] std::string const& fields() const { return fields_; }
  [[nodiscard]] std::string const& path() const { return path_; }

  wire line;

 private:
  std::string path_;
  std::string fields_;  ///< that tell the session
};

/// A call of a tool as JSON-RPC.
[[nodiscard]] std::string tool_call(std::string_view tool, std::string_view arguments,
                                    std::string_view id = "1");
/// The text in an answer of a tool; the whole body if there is none.
[[nodiscard]] std::string said(std::string_view body);

}  // namespace thv::test
