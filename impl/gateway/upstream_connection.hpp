// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <thv/net/http.hpp>

#include "http_reader.hpp"

namespace thv::gateway {

using upstream_socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol,
                                                         boost::asio::io_context::executor_type>;

class upstream_connection;

/// Who hears from one exchange over HTTP. Called from the loop.
class exchange_events {
 public:
  virtual ~exchange_events() = default;
  /// The head of the answer is there.
  virtual void on_head(http_response const& head) = 0;
  /// A piece of the body; false: no more of it is wanted, the connection is closed.
  virtual bool on_body(std::string& piece) = 0;
  /// The answer is whole.
  virtual void on_done() = 0;
  virtual void on_broken(std::string_view why) = 0;
  /// Another connection carries the exchange on.
  virtual void on_replaced(std::shared_ptr<upstream_connection> by) = 0;
};

/// What the connections to one member share.
struct upstream_state : std::enable_shared_from_this<upstream_state> {
  upstream_state(boost::asio::io_context& loop, std::span<char> bytes) : io(loop), buffer(bytes) {}

  boost::asio::io_context& io;
  std::span<char> buffer;
  net::address where;
  std::string target;  ///< of the endpoint
  std::string host;    ///< value of Host
  std::string fields;  ///< header lines of every request, each with its end
  std::string prefix;  ///< before each target, where a proxy wants whole URLs
  std::size_t limit = 0;
  std::function<void(net::address const&, std::function<void(result<int>)>)> connect;
  result<void> usable;
  std::vector<std::shared_ptr<upstream_connection>> idle;
  bool over = false;        ///< its pool has gone: nothing is kept
  std::string body;         ///< reused for what is read
  std::size_t held = 0;     ///< bytes of requests that are not answered yet
  std::size_t unheard = 0;  ///< notifications, and answers to the member, likewise

  /// Sends a whole request and tells about its answer. Returns the connection, for `cancel`. One
  /// that was kept and breaks before an answer begins is replaced once, if the request is
  /// `repeatable` (RFC 9110, 9.2.2) or was not sent at all.
  std::shared_ptr<upstream_connection> exchange(std::string head, std::string body,
                                                exchange_events& events, bool repeatable);
};

/// One connection: one exchange at a time.
class upstream_connection : public std::enable_shared_from_this<upstream_connection> {
 public:
  explicit upstream_connection(std::shared_ptr<upstream_state> pool);

  void begin(std::string head, std::string body, exchange_events& events, bool repeatable);
  /// The body that was sent, for another try; empty afterwards.
  [[nodiscard]] std::string take_body() { return std::move(body_); }
  /// Ends the exchange without a word to its events, and closes.
  void cancel();
  /// It can take another exchange: the other side has not closed it, nor is about to.
  [[nodiscard]] bool usable() const;

 private:
  void connect();
  void connected(boost::system::error_code ec);
  void adopt(result<int> fd);
  void write();
  void wait_readable();
  void on_readable();
  void broken(std::string_view why);
  void done(bool keep);
  void close();

  std::shared_ptr<upstream_state> pool_;
  upstream_socket socket_;
  response_reader reader_;
  http_response head_;
  std::string head_text_;
  std::string body_;
  std::size_t written_ = 0;
  exchange_events* events_ = nullptr;
  std::uint64_t round_ = 0;
  bool open_ = false;
  bool reused_ = false;
  bool answered_ = false;  ///< bytes of the answer came
  bool waiting_ = false;
  bool closed_ = false;
  bool told_head_ = false;
  std::string kept_;  ///< of an answer's head that came in pieces
  std::chrono::steady_clock::time_point idle_since_;
  std::chrono::seconds trust_{0};  ///< so long the other side keeps it open while it rests
  bool repeatable_ = false;
};

}  // namespace thv::gateway
