// SPDX-License-Identifier: Apache-2.0
#include "connection.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <charconv>

namespace thv::gateway {

using boost::system::error_code;

namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    default:
      return "Status";
  }
}

void append_number(std::string& out, std::size_t value, int base = 10) {
  char digits[24];
  auto const end = std::to_chars(digits, digits + sizeof digits, value, base).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

}  // namespace

connection::connection(client_socket socket, request_handler& handler, shared_memory& memory,
                       std::size_t queue_limit, bool control)
    : socket_(std::move(socket)),
      handler_(handler),
      memory_(memory),
      queue_limit_(static_cast<std::uint32_t>(queue_limit)),
      control_(control) {}

void connection::start() {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  wait_readable();
}

void connection::close() {
  if (closed_) return;
  closed_ = true;
  error_code ignored;
  socket_.close(ignored);
  handler_.on_closed(*this);
}

void connection::left() {
  if (closed_) return;
  if (busy_ || streaming_) handler_.on_left(*this);
  close();
}

bool connection::has_more() {
  char byte = 0;
  return ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void connection::wait_readable() {
  reading_ = true;
  socket_.async_wait(client_socket::wait_read, [self = shared_from_this()](error_code ec) {
    self->reading_ = false;
    if (ec || self->closed_) return;
    self->on_readable();
  });
}

void connection::on_readable() {
  if (busy_ || streaming_) {
    // One request at a time: here only its end matters.
    char byte = 0;
    auto const n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return left();
    if (n > 0) return;  // read when the answer is out
    return wait_readable();
  }
  auto& bytes = memory_.bytes;
  auto const n = ::recv(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return left();
  if (closing_) return wait_readable();  // read and dropped, so that the answer arrives
  if (n > 0) {
    if (!receiving()) last_used_ = memory_.now;  // from here on a request has its time
    auto const self = shared_from_this();
    take({bytes.data(), static_cast<std::size_t>(n)});
    if (closed_) return;
  }
  wait_readable();
}

void connection::take(std::string_view bytes) {
  if (!rest_.empty()) {
    rest_.append(bytes);
    bytes = rest_;
  }
  std::string kept;
  for (;;) {
    auto& reader = reader_ ? *reader_ : memory_.reader;
    std::size_t used = 0;
    auto const outcome = reader.feed(bytes, used);
    bytes.remove_prefix(used);
    if (outcome == http_outcome::more) {
      if (reader.wants_continue()) send({"HTTP/1.1 100 Continue\r\n\r\n"});
      kept.assign(bytes);
      // Heads have a limit of their own; so has what stands between two chunks.
      if (kept.size() > memory_.head + memory_.bytes.size())
        return refuse(http_outcome::head_large);
      if (!reader_ && reader.begun()) {
        reader_.emplace(std::move(memory_.reader));
        memory_.reader = request_reader(memory_.head, memory_.body);
      }
      break;
    }
    if (!deliver(outcome, reader)) return;
    reader_.reset();
    if (bytes.empty() || closing_) break;
    if (busy_ || streaming_) {
      kept.assign(bytes);
      break;
    }
  }
  rest_ = std::move(kept);
}

bool connection::deliver(http_outcome outcome, request_reader& reader) {
  if (outcome != http_outcome::done) {
    refuse(outcome);
    return false;
  }
  auto& request = reader.request();
  busy_ = true;
  fresh_ = false;
  keep_alive_ = request.keep_alive;
  head_only_ = request.verb == http_verb::head;
  delivering_ = true;
  handler_.on_request(*this, request);
  delivering_ = false;
  return !closed_;
}

void connection::refuse(http_outcome outcome) {
  busy_ = true;
  keep_alive_ = false;
  int const status = outcome == http_outcome::head_large   ? 431
                     : outcome == http_outcome::body_large ? 413
                                                           : 400;
  reply(status, "text/plain", reason(status));
}

void connection::reply(int status, std::string_view content_type, std::string_view body,
                       std::string_view fields) {
  auto& head = memory_.scratch;
  head.assign("HTTP/1.1 ");
  append_number(head, static_cast<std::size_t>(status));
  head.append(" ").append(reason(status)).append("\r\n");
  if (!content_type.empty()) head.append("Content-Type: ").append(content_type).append("\r\n");
  if (!keep_alive_) head.append("Connection: close\r\n");
  if (status != 204) {
    head.append("Content-Length: ");
    append_number(head, body.size());
    head.append("\r\n");
  }
  head.append(fields).append("\r\n");
  send({head, head_only_ ? std::string_view() : body});
  answered();
}

void connection::reply_json(std::string_view first, std::string_view middle, std::string_view tail,
                            std::string_view fields) {
  if (streaming_) {
    event(first, middle, tail);
    return end_events();
  }
  auto& head = memory_.scratch;
  head.assign("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ");
  append_number(head, first.size() + middle.size() + tail.size());
  head.append(keep_alive_ ? "\r\n" : "\r\nConnection: close\r\n").append(fields).append("\r\n");
  send({head, first, middle, tail});
  answered();
}

void connection::begin_events(std::string_view fields) {
  if (streaming_) return;
  streaming_ = true;
  auto& head = memory_.scratch;
  head.assign(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache, "
      "no-transform\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n");
  if (!keep_alive_) head.append("Connection: close\r\n");
  head.append(fields).append("\r\n");
  send({head});
}

void connection::event(std::string_view first, std::string_view middle, std::string_view tail) {
  constexpr std::string_view before = "event: message\ndata: ";
  auto& size = memory_.scratch;
  size.clear();
  append_number(size, before.size() + first.size() + middle.size() + tail.size() + 2, 16);
  size.append("\r\n").append(before);
  send({size, first, middle, tail, "\n\n\r\n"});
}

void connection::raw_events(std::string_view text) {
  auto& size = memory_.scratch;
  size.clear();
  append_number(size, text.size(), 16);
  size.append("\r\n");
  send({size, text, "\r\n"});
}

void connection::end_events() {
  if (!streaming_) return;
  streaming_ = false;
  send({"0\r\n\r\n"});
  answered();
}

void connection::answered() {
  busy_ = false;
  if (closed_) return;
  if (!keep_alive_) {
    closing_ = true;
    if (!writing_) finish_closing();
    return;
  }
  // A request that came meanwhile: its bytes are kept, or still in the socket with nobody waiting.
  if (delivering_ || (reading_ && rest_.empty())) return;
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->go_on(); });
}

/// Closes our side; what the client still sends is dropped until it closes too, or its time is
/// over. Closed at once, unread bytes would take the answer away from it.
void connection::finish_closing() {
  if (closed_) return;
  rest_.clear();
  reader_.reset();
  last_used_ = memory_.now;
  ::shutdown(socket_.native_handle(), SHUT_WR);
  if (!reading_) wait_readable();
}

void connection::go_on() {
  if (closed_ || busy_ || streaming_) return;
  if (!rest_.empty()) {
    std::string rest = std::move(rest_);
    rest_.clear();
    take(rest);
  }
  if (!closed_ && !reading_) wait_readable();
}

void connection::send(std::array<std::string_view, 6> const& pieces) {
  if (closed_) return;
  std::size_t skip = 0;
  if (!writing_) {
    iovec vectors[6];
    std::size_t count = 0;
    std::size_t total = 0;
    for (auto const& piece : pieces) {
      if (piece.empty()) continue;
      vectors[count++] = {const_cast<char*>(piece.data()), piece.size()};
      total += piece.size();
    }
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = count;
    auto const n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      // The end is told from the loop, not in the middle of whoever sends.
      asio::post(socket_.get_executor(), [self = shared_from_this()] { self->left(); });
      return;
    }
    skip = n < 0 ? 0 : static_cast<std::size_t>(n);
    if (skip == total) return;
  }
  // One answer may be larger than the queue; a second one has to wait for a reader.
  bool const full = queued() > queue_limit_;
  for (auto const& piece : pieces) {
    auto const left = std::min(skip, piece.size());
    skip -= left;
    out_.append(piece.substr(left));
  }
  if (full) {
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->left(); });
    return;
  }
  if (!writing_) {
    writing_ = true;
    wait_writable();
  }
}

void connection::wait_writable() {
  socket_.async_wait(client_socket::wait_write, [self = shared_from_this()](error_code ec) {
    if (ec || self->closed_) return;
    self->on_writable();
  });
}

void connection::on_writable() {
  auto const n = ::send(socket_.native_handle(), out_.data() + out_sent_, out_.size() - out_sent_,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN && errno != EINTR) return left();
  if (n > 0) out_sent_ += static_cast<std::size_t>(n);
  if (out_sent_ < out_.size()) {
    if (out_sent_ > (1u << 20)) {
      out_.erase(0, out_sent_);
      out_sent_ = 0;
    }
    return wait_writable();
  }
  std::string().swap(out_);
  out_sent_ = 0;
  writing_ = false;
  if (closing_) finish_closing();
}

}  // namespace thv::gateway
