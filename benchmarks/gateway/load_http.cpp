// SPDX-License-Identifier: Apache-2.0
// N keep-alive connections with one call in flight each, on one thread.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "json_scan.hpp"
#include "load_client.hpp"

namespace bench {

namespace {

struct connection {
  int socket = -1;
  std::uint64_t number = 0, id = 0;
  bool waiting = false, writing = false;
  bool accepted = true;  // HTTP+SSE: the POST was, whose answer comes on the stream
  clock::time_point begun;
  std::string head, out, received;
  std::size_t sent = 0;
  http_message message;
};

class http_load {
 public:
  http_load(options const& chosen, echo_calls const& calls, event_source* source)
      : options_{chosen}, calls_{calls}, source_{source} {
    if (source_ == nullptr) return;
    epoll_event event{EPOLLIN, {}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, source_->socket(), &event);
  }

  void open(std::string const& session) {
    auto& added = *connections_.emplace_back(std::make_unique<connection>());
    added.number = connections_.size() - 1;
    added.head = post_head(options_, session, calls_.tool());
    attach(added);
  }

  /// Sends until `limit` calls are sent or the time is over, and waits for the last answer.
  void run(std::uint64_t limit, double seconds, tally& counted) {
    counted_ = &counted;
    left_ = limit;
    auto const now = clock::now();
    stop_ = seconds > 0 ? now + std::chrono::duration_cast<clock::duration>(
                                    std::chrono::duration<double>(seconds))
                        : clock::time_point::max();
    counted.begin();
    for (auto& each : connections_) next(*each, clock::now());
    while (in_flight_ > 0)
      if (!poll_once()) break;
    counted.end();
  }

 private:
  void attach(connection& owner) {
    owner.socket = connect_to(options_);
    fcntl(owner.socket, F_SETFL, O_NONBLOCK);
    watch(owner, EPOLLIN, EPOLL_CTL_ADD);
  }

  void watch(connection& owner, std::uint32_t what, int how) {
    epoll_event event{};
    event.events = what;
    event.data.ptr = &owner;
    epoll_ctl(epoll_, how, owner.socket, &event);
  }

  void next(connection& owner, clock::time_point now) {
    if (left_ == 0 || now >= stop_ || owner.waiting || !owner.accepted) return;
    --left_;
    // Ids are each session's own: with a session for each connection they repeat across them.
    // In a shared one they tell the connection: round * connections + its number.
    if (options_.own_sessions)
      ++owner.id;
    else
      owner.id = (owner.id / connections_.size() + 1) * connections_.size() + owner.number;
    owner.accepted = source_ == nullptr;
    body_.clear();
    calls_.make(body_, owner.id + 1000, owner.number);
    owner.out.assign(owner.head).append(std::to_string(body_.size())).append("\r\n\r\n");
    owner.out += body_;
    owner.sent = 0;
    owner.begun = now;
    owner.waiting = true;
    ++in_flight_;
    write(owner);
  }

  void write(connection& owner) {
    while (owner.sent < owner.out.size()) {
      auto const count = send(owner.socket, owner.out.data() + owner.sent,
                              owner.out.size() - owner.sent, MSG_NOSIGNAL);
      if (count < 0) break;  // full, or broken: then a read says so
      owner.sent += static_cast<std::size_t>(count);
    }
    auto const rest = owner.sent < owner.out.size();
    if (rest != owner.writing) watch(owner, rest ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
    owner.writing = rest;
  }

  bool poll_once() {
    auto const limit = static_cast<int>(1000 * options_.timeout);
    auto const count = epoll_wait(epoll_, events_.data(), events_.size(), limit);
    if (count < 0) return errno == EINTR;
    if (count == 0) {
      for (auto& each : connections_)
        if (each->waiting) finish(*each, echo_calls::verdict::failed, "no answer in time");
      return false;
    }
    for (int i = 0; i < count; ++i) {
      if (events_[i].data.ptr == nullptr) {
        for (auto const& message : source_->read()) take_event(message);
        continue;
      }
      auto& owner = *static_cast<connection*>(events_[i].data.ptr);
      if ((events_[i].events & ~EPOLLOUT) != 0)
        read(owner);
      else
        write(owner);
    }
    return true;
  }

  void read(connection& owner) {
    auto const count = recv(owner.socket, buffer_.data(), buffer_.size(), 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return reconnect(owner);
    std::string_view data{buffer_.data(), static_cast<std::size_t>(count)};
    if (!owner.received.empty()) data = owner.received.append(data);
    std::size_t taken = 0;
    auto const state = owner.message.parse(data, taken);
    if (state == progress::incomplete) {
      if (owner.received.empty()) owner.received = data;
      return;
    }
    auto const expected = source_ == nullptr ? owner.waiting : !owner.accepted;
    if (state == progress::broken || taken != data.size() || !expected) {
      if (owner.waiting) finish(owner, echo_calls::verdict::wrong, data);
      return reconnect(owner);
    }
    take(owner);
  }

  void take(connection& owner) {
    if (source_ != nullptr) return take_accepted(owner);
    auto const now = clock::now();
    auto const body = answer_in(owner.message, scratch_);
    auto verdict = echo_calls::verdict::failed;
    if (owner.message.status() == 200) verdict = calls_.check(body, owner.id + 1000, owner.number);
    if (verdict == echo_calls::verdict::right) counted_->right(now - owner.begun);
    finish(owner, verdict, body);
    auto const closes = owner.message.closes;
    owner.received.clear();
    if (closes) return reconnect(owner);
    next(owner, now);
  }

  void take_accepted(connection& owner) {
    owner.accepted = true;
    owner.received.clear();
    if (owner.message.status() / 100 != 2 && owner.waiting)
      finish(owner, echo_calls::verdict::failed, owner.message.body);
    if (owner.message.closes) return reconnect(owner);
    next(owner, clock::now());
  }

  void take_event(std::string const& message) {
    if (!member(message, "method").empty()) return;  // the server's own
    auto const now = clock::now();
    auto const id = std::strtoull(std::string{member(message, "id")}.c_str(), nullptr, 10);
    auto& owner = *connections_[(id - 1000) % connections_.size()];
    auto const verdict = owner.waiting ? calls_.check(message, owner.id + 1000, owner.number)
                                       : echo_calls::verdict::wrong;
    if (!owner.waiting) return counted_->bad(verdict, message);
    if (verdict == echo_calls::verdict::right) counted_->right(now - owner.begun);
    finish(owner, verdict, message);
    next(owner, now);
  }

  void finish(connection& owner, echo_calls::verdict verdict, std::string_view answer) {
    owner.waiting = false;
    --in_flight_;
    if (verdict != echo_calls::verdict::right) counted_->bad(verdict, answer);
  }

  void reconnect(connection& owner) {
    if (owner.waiting && !(source_ != nullptr && owner.accepted))
      finish(owner, echo_calls::verdict::failed, "the connection was closed");
    owner.accepted = true;
    counted_->reconnected();
    close(owner.socket);
    owner.received.clear();
    owner.message = {};
    owner.writing = false;
    attach(owner);
    next(owner, clock::now());
  }

  options const& options_;
  echo_calls const& calls_;
  event_source* source_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<connection>> connections_;
  std::array<epoll_event, 256> events_;
  std::vector<char> buffer_ = std::vector<char>(std::size_t{256} << 10);
  std::string body_, scratch_;
  tally* counted_ = nullptr;
  std::uint64_t left_ = 0, in_flight_ = 0;
  clock::time_point stop_;
};

}  // namespace

bool load_http(options const& wanted) {
  std::optional<event_source> source;
  if (wanted.sse) source.emplace(wanted);
  auto const& chosen = source ? source->messages_to() : wanted;
  http_link first{chosen};
  exchange const send = [&](std::string const& message) {
    return source ? source->post(first, message) : first.post(message);
  };
  if (!chosen.stateless) open_session(send);
  auto tool = chosen.tool;
  if (tool.empty() && chosen.method == "tools/call") {
    auto const tools = echo_tools(send, chosen.stateless);
    if (tools.empty()) throw load_error{"tools/list shows no tool whose name ends in 'echo'"};
    tool = tools.front();
  }
  echo_calls const calls{chosen, tool};
  http_load load{chosen, calls, source ? &*source : nullptr};
  for (std::uint64_t i = 0; i < chosen.in_flight; ++i) {
    if (!chosen.own_sessions || i == 0) {
      load.open(first.session());
      continue;
    }
    http_link own{chosen};
    if (!chosen.stateless)
      open_session([&](std::string const& message) { return own.post(message); });
    load.open(own.session());
  }
  if (chosen.warm_up > 0) {
    tally ignored;
    load.run(chosen.warm_up, 0, ignored);
  }
  announce(chosen);
  tally counted;
  load.run(chosen.calls > 0 ? chosen.calls : ~std::uint64_t{0}, chosen.seconds, counted);
  auto const right = counted.print();
  hold(chosen);
  return right;
}

}  // namespace bench
