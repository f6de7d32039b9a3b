// SPDX-License-Identifier: Apache-2.0
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <future>
#include <mutex>

#include <fmt/format.h>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <thv/gateway/server.hpp>

#include "service.hpp"

namespace thv::gateway {

using boost::system::error_code;

namespace {

using tcp_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, executor>;
using unix_acceptor = asio::basic_socket_acceptor<asio::local::stream_protocol, executor>;

constexpr int ports_to_try = 100;

/// Takes connections as they come, and waits a little when there are no descriptors left.
template <class Acceptor>
void accept(Acceptor& from, service& to, bool control) {
  from.async_accept([&from, &to, control](error_code ec, auto socket) {
    if (ec == asio::error::operation_aborted || !from.is_open()) return;
    if (ec) {
      auto timer = std::make_shared<asio::steady_timer>(to.io, std::chrono::milliseconds(50));
      timer->async_wait([&from, &to, control, timer](error_code failed) {
        if (!failed) accept(from, to, control);
      });
      return;
    }
    if (!control) {
      error_code ignored;
      socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    }
    to.add_connection(client_socket(std::move(socket)), control);
    accept(from, to, control);
  });
}

/// Runs `f` on the loop and waits for it.
template <class F>
auto on_loop(service& s, F f) -> decltype(f()) {
  if (s.io.stopped()) return decltype(f())();
  auto task = std::make_shared<std::packaged_task<decltype(f())()>>(std::move(f));
  auto got = task->get_future();
  asio::post(s.io, [task] { (*task)(); });
  return got.get();
}

}  // namespace

struct server::state {
  state(backend& members, server_options options)
      : it(members, std::move(options)),
        clients(it.io.get_executor()),
        control(it.io.get_executor()) {}

  service it;
  tcp_acceptor clients;
  unix_acceptor control;
  std::uint16_t port = 0;

  result<void> listen_clients();
  result<void> listen_control();
};

result<void> server::state::listen_clients() {
  auto& o = it.options;
  error_code ec;
  auto const address = asio::ip::make_address(o.host == "localhost" ? "127.0.0.1" : o.host, ec);
  if (ec)
    return fail(errc::invalid_argument, fmt::format("'{}' is no address to listen on", o.host),
                "use 127.0.0.1 and a port");
  if (!address.is_loopback() && o.token.empty())
    return fail(errc::invalid_argument,
                fmt::format("'{}' can be reached from other machines, and no token is set", o.host),
                "set one ([gateway] token_file), or listen on 127.0.0.1");
  int const tries = o.next_free_port && o.port != 0 ? ports_to_try : 1;
  for (int i = 0; i < tries && o.port + i <= 65535; ++i) {
    asio::ip::tcp::endpoint const at(address, static_cast<std::uint16_t>(o.port + i));
    clients.open(at.protocol(), ec);
    if (ec) break;
    clients.set_option(asio::socket_base::reuse_address(true), ec);
    clients.bind(at, ec);
    if (!ec) clients.listen(asio::socket_base::max_listen_connections, ec);
    if (!ec) {
      port = it.port = clients.local_endpoint().port();
      return {};
    }
    error_code ignored;
    clients.close(ignored);
    if (ec != asio::error::address_in_use) break;
  }
  return fail(errc::conflict,
              fmt::format("cannot listen on {}:{}: {}", o.host, o.port, ec.message()),
              "choose another port ([gateway] listen)");
}

result<void> server::state::listen_control() {
  auto const& path = it.options.control_socket;
  if (path.empty()) return {};
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return fail(errc::invalid_argument,
                fmt::format("the path of the control socket is too long: {}", path));
  ::unlink(path.c_str());
  error_code ec;
  asio::local::stream_protocol::endpoint const at(path);
  control.open(at.protocol(), ec);
  auto const before = ::umask(0177);
  if (!ec) control.bind(at, ec);
  ::umask(before);
  if (!ec) control.listen(128, ec);
  if (ec)
    return fail(errc::io, fmt::format("cannot make the control socket {}: {}", path, ec.message()));
  ::chmod(path.c_str(), 0600);
  return {};
}

server::server(backend& members, server_options options)
    : state_(std::make_unique<state>(members, std::move(options))) {}

server::~server() = default;

result<void> server::listen() {
  THV_CHECK(state_->listen_clients());
  return state_->listen_control();
}

std::uint16_t server::port() const noexcept {
  return state_->port;
}

void server::run() {
  auto& s = *state_;
  if (s.clients.is_open()) accept(s.clients, s.it, false);
  if (s.control.is_open()) accept(s.control, s.it, true);
  asio::post(s.it.io, [&s] { s.it.begin(); });
  s.it.io.run();
}

void server::stop() {
  auto& s = *state_;
  asio::post(s.it.io, [&s] {
    error_code ignored;
    s.clients.close(ignored);
    s.control.close(ignored);
    s.it.shut_down();
  });
}

void server::refresh() {
  asio::post(state_->it.io, [s = state_.get()] { s->it.refresh(); });
}

result<catalogue> server::prove(plugin::call const& c, std::string const& name) {
  struct outcome {
    std::mutex guard;
    std::condition_variable changed;
    std::optional<result<catalogue>> value;
  };
  auto const got = std::make_shared<outcome>();
  asio::post(state_->it.io, [s = state_.get(), got, name] {
    s->it.prove(name, [got](result<catalogue> r) {
      std::lock_guard const lock(got->guard);
      got->value = std::move(r);
      got->changed.notify_all();
    });
  });
  std::unique_lock lock(got->guard);
  std::stop_callback const wake(c.stop, [got] { got->changed.notify_all(); });
  while (!got->value) {
    if (c.stop.stop_requested()) return fail(errc::cancelled, "cancelled");
    auto const step = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
    got->changed.wait_until(lock, std::min(c.deadline, step));
    if (!got->value && std::chrono::steady_clock::now() >= c.deadline)
      return fail(errc::timeout, fmt::format("'{}' did not answer in time", name));
  }
  return *std::move(got->value);
}

void server::release(std::string const& name) {
  on_loop(state_->it, [s = state_.get(), name] { s->it.release(name); });
}

gateway::status server::status() {
  return on_loop(state_->it, [s = state_.get()] { return s->it.snapshot(); });
}

}  // namespace thv::gateway
