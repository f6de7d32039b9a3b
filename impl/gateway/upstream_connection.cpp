// SPDX-License-Identifier: Apache-2.0
#include "upstream_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

namespace thv::gateway {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t idle_limit = 64;
constexpr int reads_in_a_row = 4;
constexpr std::size_t most_kept = 128u << 10;  // of a head, or of what stands between two chunks
constexpr std::chrono::milliseconds doubtful_after{50};
// Servers close idle connections after 5 s (Node.js, uvicorn) when they say nothing else; a call
// that is on its way at that moment is lost, and must not be sent twice.
constexpr std::chrono::seconds trusted_for{4};
constexpr std::uint32_t longest_trust = 300;  // seconds

std::chrono::seconds trust_in(http_response const& head) {
  if (!head.idle_timeout) return trusted_for;
  auto const promised = std::min(*head.idle_timeout, longest_trust);
  return std::chrono::seconds(promised > 0 ? promised - 1 : 0);
}

}  // namespace

std::shared_ptr<upstream_connection> upstream_state::exchange(std::string head, std::string body,
                                                              exchange_events& events,
                                                              bool repeatable) {
  std::shared_ptr<upstream_connection> to;
  while (!to && !idle.empty()) {
    to = std::move(idle.back());
    idle.pop_back();
    if (!to->usable()) {
      to->cancel();
      to.reset();
    }
  }
  if (!to) to = std::make_shared<upstream_connection>(shared_from_this());
  to->begin(std::move(head), std::move(body), events, repeatable);
  return to;
}

upstream_connection::upstream_connection(std::shared_ptr<upstream_state> pool)
    : pool_(std::move(pool)), socket_(pool_->io.get_executor()) {}

void upstream_connection::begin(std::string head, std::string body, exchange_events& events,
                                bool repeatable) {
  repeatable_ = repeatable;
  head_text_ = std::move(head);
  body_ = std::move(body);
  written_ = 0;
  events_ = &events;
  answered_ = false;
  reused_ = open_;
  ++round_;
  if (!open_) return connect();
  write();
  if (!closed_ && !waiting_) wait_readable();
}

bool upstream_connection::usable() const {
  if (closed_) return false;
  auto const rested = std::chrono::steady_clock::now() - idle_since_;
  if (rested < doubtful_after) return true;
  if (rested >= trust_) return false;
  // The other side may have closed it just now: nothing has been told of that yet.
  char byte = 0;
  auto const n = ::recv(const_cast<upstream_connection*>(this)->socket_.native_handle(), &byte, 1,
                        MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EINTR);
}

void upstream_connection::cancel() {
  events_ = nullptr;
  close();
}

void upstream_connection::connect() {
  auto const& where = pool_->where;
  error_code ec;
  auto const ip = asio::ip::make_address(where.host, ec);
  if (!ec && !where.tls && !where.use_proxy_environment && where.unix_path.empty()) {
    asio::ip::tcp::endpoint const to(ip, where.port);
    socket_.async_connect(
        asio::generic::stream_protocol::endpoint(to),
        [self = shared_from_this()](error_code failed) { self->connected(failed); });
    return;
  }
  // Names, TLS and proxies are net's work, which blocks.
  pool_->connect(where,
                 [self = shared_from_this()](result<int> fd) { self->adopt(std::move(fd)); });
}

void upstream_connection::adopt(result<int> fd) {
  if (!fd) return broken(fd.error().message);
  if (closed_) {
    ::close(*fd);
    return;
  }
  error_code ec;
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  ::getsockname(*fd, reinterpret_cast<sockaddr*>(&name), &size);
  socket_.assign(asio::generic::stream_protocol(name.ss_family, 0), *fd, ec);
  connected(ec);
}

void upstream_connection::connected(error_code ec) {
  if (closed_) return;
  if (ec) return broken("connecting failed: " + ec.message());
  open_ = true;
  int const on = 1;
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  error_code ignored;
  socket_.non_blocking(true, ignored);
  if (!events_) return close();
  write();
  if (!closed_) wait_readable();
}

void upstream_connection::write() {
  auto const total = head_text_.size() + body_.size();
  while (written_ < total) {
    auto const in_head = std::min(written_, head_text_.size());
    auto const in_body = written_ - in_head;
    iovec pieces[2] = {{head_text_.data() + in_head, head_text_.size() - in_head},
                       {body_.data() + in_body, body_.size() - in_body}};
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = 2;
    auto const n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      written_ += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      socket_.async_wait(upstream_socket::wait_write,
                         [self = shared_from_this(), round = round_](error_code ec) {
                           if (!ec && !self->closed_ && round == self->round_) self->write();
                         });
      return;
    } else if (errno != EINTR) {
      return;  // what the other side said before it closed may still be read
    }
  }
}

void upstream_connection::wait_readable() {
  waiting_ = true;
  socket_.async_wait(upstream_socket::wait_read, [self = shared_from_this()](error_code ec) {
    self->waiting_ = false;
    if (!ec && !self->closed_) self->on_readable();
  });
}

void upstream_connection::on_readable() {
  auto const self = shared_from_this();
  auto& bytes = pool_->buffer;
  for (int i = 0; i < reads_in_a_row && !closed_; ++i) {
    auto const n = ::recv(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (!events_) return close();  // an idle one was closed, or talks out of turn
    if (n <= 0) {
      if (answered_ && reader_.finish() == http_outcome::done) return done(false);
      return broken(n == 0 ? "it closed the connection" : std::strerror(errno));
    }
    answered_ = true;
    auto const size = static_cast<std::size_t>(n);
    std::size_t used = 0;
    auto& body = pool_->body;
    body.clear();
    std::string_view rest(bytes.data(), size);
    if (!kept_.empty()) {
      kept_.append(rest);
      rest = kept_;
    }
    auto const outcome = reader_.feed(rest, used, head_, body);
    std::string left(rest.substr(used));
    kept_ = std::move(left);
    if (kept_.size() > most_kept) return broken("it does not answer in HTTP/1.1");
    if (outcome != http_outcome::more && outcome != http_outcome::head &&
        outcome != http_outcome::done)
      return broken("it does not answer in HTTP/1.1");
    if (!told_head_ && (outcome == http_outcome::head || outcome == http_outcome::done)) {
      told_head_ = true;
      events_->on_head(head_);
      if (!events_) return close();
    }
    if (!body.empty()) {
      std::string piece = std::move(body);
      bool const more = events_->on_body(piece);
      piece.clear();
      pool_->body = std::move(piece);
      if (!events_ || !more) {
        events_ = nullptr;
        return close();
      }
    }
    if (outcome == http_outcome::done) return done(head_.keep_alive && kept_.empty());
    if (size < bytes.size()) break;
  }
  if (!closed_) wait_readable();
}

void upstream_connection::done(bool keep) {
  auto* const told = std::exchange(events_, nullptr);
  told_head_ = false;
  kept_.clear();
  if (keep && !pool_->over && pool_->idle.size() < idle_limit && !closed_) {
    idle_since_ = std::chrono::steady_clock::now();
    trust_ = trust_in(head_);
    pool_->idle.push_back(shared_from_this());
    if (!waiting_) wait_readable();
  } else {
    close();
  }
  auto const round = round_;
  if (told) told->on_done();
  // Kept for another try, which is over; large ones are not held on to.
  if (round == round_ && body_.capacity() > (16u << 10)) std::string().swap(body_);
}

void upstream_connection::broken(std::string_view why) {
  auto* const told = std::exchange(events_, nullptr);
  close();
  if (!told) return;
  if (reused_ && !answered_ && (repeatable_ || written_ == 0)) {
    auto const again = std::make_shared<upstream_connection>(pool_);
    told->on_replaced(again);
    return again->begin(std::move(head_text_), std::move(body_), *told, repeatable_);
  }
  told->on_broken(why);
}

void upstream_connection::close() {
  if (closed_) return;
  closed_ = true;
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace thv::gateway
