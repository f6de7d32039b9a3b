// SPDX-License-Identifier: Apache-2.0
#include "connection.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cctype>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "resolve.hpp"
#include "tls.hpp"

namespace thv::net {

namespace asio = boost::asio;
using boost::system::error_code;
using socket_type = asio::generic::stream_protocol::socket;
using endpoint_type = asio::generic::stream_protocol::endpoint;
using clock = std::chrono::steady_clock;

std::string name_of(address const& where) {
  if (!where.unix_path.empty()) return "unix://" + where.unix_path;
  bool const ipv6 = where.host.find(':') != std::string::npos;
  return (ipv6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

namespace {

constexpr auto forever = clock::time_point::max();
/// How long one of several addresses of a host may take before the next is tried.
constexpr auto patience = std::chrono::seconds(2);

std::string reason_of(error_code const& ec) {
  auto text = ec.message();
  if (!text.empty() && (text.size() < 2 || !std::isupper(static_cast<unsigned char>(text[1]))))
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace

struct connection::impl {
  explicit impl(plugin::call const& c) : call(&c), socket(io) {
    on_stop.emplace(c.stop, [this] { asio::post(io, [this] { close(); }); });
  }

  void close() {
    error_code ignored;
    socket.close(ignored);
  }

  /// Starts an operation and runs it to its end; at the deadline or the stop the socket is closed,
  /// which ends it.
  template <class Start>
  std::size_t drive(clock::time_point deadline, error_code& ec, Start start) {
    bool done = false;
    std::size_t size = 0;
    if (call->stop.stop_requested()) {
      ec = asio::error::operation_aborted;
      return 0;
    }
    start([&](error_code e, std::size_t n = 0) {
      done = true;
      ec = e;
      size = n;
    });
    while (!done) {
      io.restart();
      if (deadline == forever) {
        io.run_one();
      } else if (io.run_one_until(deadline) == 0 && !done && clock::now() >= deadline) {
        close();
        late = true;
        deadline = forever;
      }
    }
    return size;
  }

  template <class F>
  void with_stream(F f) {
    if (tls) {
      f(*tls);
    } else {
      f(socket);
    }
  }

  bool connect_to(endpoint_type const& to, clock::time_point deadline, error_code& ec) {
    late = false;
    drive(deadline, ec, [&](auto handler) { socket.async_connect(to, std::move(handler)); });
    if (ec) close();
    return !ec;
  }

  plugin::call const* call;
  std::string peer;
  asio::io_context io{1};
  socket_type socket;
  std::optional<asio::ssl::context> tls_context;
  std::optional<asio::ssl::stream<socket_type&>> tls;
  bool late = false;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;
};

connection::connection(plugin::call const& c) : impl_(std::make_unique<impl>(c)) {}
connection::connection(connection&&) noexcept = default;
connection& connection::operator=(connection&&) noexcept = default;
connection::~connection() = default;

error connection::explain(error_code const& ec, std::string_view what) const {
  auto const text = std::string(what) + " " + impl_->peer;
  if (impl_->call->stop.stop_requested()) return fail(errc::cancelled, text + " was cancelled");
  if (impl_->late) return fail(errc::timeout, text + " took too long");
  if (ec == asio::error::eof || ec == asio::ssl::error::stream_truncated)
    return fail(errc::unavailable, text + " failed: the connection was closed too early");
  return fail(errc::unavailable, text + " failed: " + reason_of(ec));
}

result<void> connection::connect(address const& where) {
  auto& m = *impl_;
  m.peer = name_of(where);
  error_code ec;
  if (!where.unix_path.empty()) {
    sockaddr_un probe;
    if (where.unix_path.size() >= sizeof probe.sun_path)
      return fail(errc::invalid_argument, "the path of the socket " + m.peer + " is longer than " +
                                              std::to_string(sizeof probe.sun_path - 1) + " bytes");
    asio::local::stream_protocol::endpoint const to(where.unix_path);
    // A full backlog of a unix socket is an error at once (EAGAIN) instead of a wait.
    while (!m.connect_to(to, m.call->deadline, ec) && ec == asio::error::try_again) {
      if (clock::now() >= m.call->deadline) m.late = true;
      if (m.late || m.call->stop.stop_requested()) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    if (ec) return explain(ec, "connecting to");
    return {};
  }
  THV_TRY(auto const addresses, resolve(*m.call, where.host, where.port));
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    bool const last = i + 1 == addresses.size();
    auto const until =
        last ? m.call->deadline : std::min(m.call->deadline, clock::now() + patience);
    endpoint_type const to(&addresses[i].storage, addresses[i].size);
    if (m.connect_to(to, until, ec)) {
      error_code ignored;
      m.socket.set_option(asio::ip::tcp::no_delay(true), ignored);
      return {};
    }
    if (m.call->stop.stop_requested() || clock::now() >= m.call->deadline) break;
  }
  return explain(ec, "connecting to");
}

result<void> connection::start_tls(tls_options const& files, std::string const& host) {
  auto& m = *impl_;
  THV_TRY(auto context, make_tls_context(files));
  m.tls_context.emplace(std::move(context));
  m.tls.emplace(m.socket, *m.tls_context);
  THV_CHECK(expect_host(*m.tls, host));
  error_code ec;
  m.drive(m.call->deadline, ec, [&](auto handler) {
    m.tls->async_handshake(asio::ssl::stream_base::client, std::move(handler));
  });
  if (!ec) return {};
  auto e = explain(ec, "the TLS handshake with");
  if (auto const why = refused_certificate(*m.tls); !why.empty() && e.code == errc::unavailable) {
    e.message += " (" + why + ")";
    e.hint = "if you trust its authority, name its certificate: SSL_CERT_FILE, or the ca setting";
  }
  return e;
}

std::size_t connection::read_some(void* data, std::size_t size, error_code& ec) {
  std::size_t n = 0;
  impl_->with_stream([&](auto& stream) {
    n = impl_->drive(impl_->call->deadline, ec, [&](auto handler) {
      stream.async_read_some(asio::buffer(data, size), std::move(handler));
    });
  });
  return n;
}

std::size_t connection::write_some(void const* data, std::size_t size, error_code& ec) {
  std::size_t n = 0;
  impl_->with_stream([&](auto& stream) {
    n = impl_->drive(impl_->call->deadline, ec, [&](auto handler) {
      stream.async_write_some(asio::buffer(data, size), std::move(handler));
    });
  });
  return n;
}

namespace {

/// Copies between the connection and one end of a socket pair until either side closes.
struct pump {
  using buffer = std::array<char, 32768>;

  template <class From, class To>
  static void copy(From& from, To& to, buffer& bytes, std::function<void()> const& end) {
    from.async_read_some(asio::buffer(bytes), [&, end](error_code ec, std::size_t n) {
      if (ec) return end();
      asio::async_write(to, asio::buffer(bytes.data(), n),
                        [&, end](error_code failed, std::size_t) {
                          if (failed) return end();
                          copy(from, to, bytes, end);
                        });
    });
  }

  template <class Stream>
  static void run(asio::io_context& io, Stream& remote, int fd, std::string const& leftover) {
    asio::local::stream_protocol::socket local(io, asio::local::stream_protocol(), fd);
    buffer in;
    buffer out;
    auto const end = [&io] { io.stop(); };
    asio::async_write(local, asio::buffer(leftover), [&](error_code ec, std::size_t) {
      if (ec) return end();
      copy(remote, local, in, end);
    });
    copy(local, remote, out, end);
    io.restart();
    io.run();
  }
};

}  // namespace

result<int> connection::detach(std::string leftover) && {
  auto owned = std::move(impl_);
  owned->on_stop.reset();
  error_code ec;
  if (!owned->tls && leftover.empty()) {
    auto const fd = owned->socket.release(ec);
    if (ec) return fail(errc::io, "taking over the connection failed: " + ec.message());
    int const flags = ::fcntl(fd, F_GETFL);
    ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    return fd;
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(errc::io, "making a socket pair failed: " +
                              error_code(errno, boost::system::system_category()).message());
  std::thread([m = std::shared_ptr(std::move(owned)), fd = ends[1], text = std::move(leftover)] {
    m->with_stream([&](auto& stream) { pump::run(m->io, stream, fd, text); });
  }).detach();
  return ends[0];
}

}  // namespace thv::net
