// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include "http_reader.hpp"

namespace thv::gateway {

namespace asio = boost::asio;

using executor = asio::io_context::executor_type;
using client_socket = asio::basic_stream_socket<asio::generic::stream_protocol, executor>;

class connection;
struct session;
class channel;
struct served_member;

/// Whoever answers the requests of connections.
class request_handler {
 public:
  virtual ~request_handler() = default;
  /// A whole request. It lives until the call returns, which need not have answered it.
  virtual void on_request(connection& from, http_request& request) = 0;
  /// The client left in the middle of a request or a stream. The connection goes after the call.
  virtual void on_left(connection& who) = 0;
  /// Every connection ends with this.
  virtual void on_closed(connection& who) = 0;
};

/// What connections of one server share: memory that an idle one does not need.
struct shared_memory {
  explicit shared_memory(std::size_t head_limit, std::size_t body_limit)
      : head(head_limit), body(body_limit), reader(head_limit, body_limit) {}
  std::size_t head;
  std::size_t body;
  request_reader reader;
  std::array<char, 65536> bytes{};
  std::string scratch;
  std::uint32_t now = 1;  ///< seconds of the service's clock
};

/// One connection of a client, HTTP/1.1, one request at a time. Answers go out at once; what the
/// socket does not take waits in a queue of its own. Lives on one thread.
class connection : public std::enable_shared_from_this<connection> {
 public:
  connection(client_socket socket, request_handler& handler, shared_memory& memory,
             std::size_t queue_limit, bool control);
  connection(connection const&) = delete;
  connection& operator=(connection const&) = delete;

  void start();
  void close();
  [[nodiscard]] bool is_control() const noexcept { return control_; }
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] bool closing() const noexcept { return closing_; }

  /// Ends the request with a whole answer. `fields`: more header lines, each with its end.
  void reply(int status, std::string_view content_type, std::string_view body,
             std::string_view fields = {});
  /// 200 and a JSON body in up to three pieces, sent without copying what the socket takes. Within
  /// an event stream: the last event, and its end.
  void reply_json(std::string_view head, std::string_view middle, std::string_view tail,
                  std::string_view fields = {});
  /// Begins an event stream as the answer.
  void begin_events(std::string_view fields = {});
  /// One event: a JSON text in up to three pieces. `id`: of the event, or empty.
  void event(std::string_view head, std::string_view middle = {}, std::string_view tail = {});
  /// Any text of an event stream: comments, named events.
  void raw_events(std::string_view text);
  void end_events();

  [[nodiscard]] bool busy() const noexcept { return busy_; }  ///< a request waits for its answer
  [[nodiscard]] bool streaming() const noexcept { return streaming_; }
  [[nodiscard]] std::size_t queued() const noexcept { return out_.size() - out_sent_; }
  [[nodiscard]] std::uint32_t last_used() const noexcept { return last_used_; }
  void touch(std::uint32_t now) noexcept { last_used_ = now; }
  /// Bytes wait to be read: a request may have come just now.
  [[nodiscard]] bool has_more();
  /// No request came yet.
  [[nodiscard]] bool fresh() const noexcept { return fresh_; }
  /// In the middle of a request's head or body.
  [[nodiscard]] bool receiving() const noexcept { return reader_.has_value() || !rest_.empty(); }

  // What the handler knows of it.
  channel* call_channel = nullptr;  ///< where its request is in flight
  std::uint64_t call_slot = 0;
  std::string answers_to;        ///< HTTP+SSE: the session that its request belongs to
  session* stream_of = nullptr;  ///< whose standing stream it is
  bool asked_again = false;      ///< for a member that was not known
  bool waited = false;           ///< has waited long enough for others' calls
  bool waiting = false;          ///< in the queue of a member that starts
  std::uint64_t listen = 0;      ///< a `subscriptions/listen` that the gateway answers
  served_member* listening_to = nullptr;

 private:
  void wait_readable();
  void on_readable();
  void take(std::string_view bytes);
  bool deliver(http_outcome outcome, request_reader& reader);
  void refuse(http_outcome outcome);
  void send(std::array<std::string_view, 6> const& pieces);
  void wait_writable();
  void on_writable();
  void answered();
  void go_on();
  void finish_closing();
  void left();

  client_socket socket_;
  request_handler& handler_;
  shared_memory& memory_;
  std::optional<request_reader> reader_;  ///< of a request that came in pieces
  std::string rest_;                      ///< bytes not used yet
  std::string out_;
  std::size_t out_sent_ = 0;
  std::uint32_t queue_limit_;
  std::uint32_t last_used_ = 0;
  bool control_;
  bool busy_ = false;
  bool streaming_ = false;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool closing_ = false;
  bool closed_ = false;
  bool delivering_ = false;
  bool fresh_ = true;
};

}  // namespace thv::gateway
