// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <thv/net/http.hpp>

#include "unit/net/within.hpp"

namespace thv::test {

/// The server's side of one accepted connection, with or without TLS.
struct peer {
  std::function<std::size_t(char*, std::size_t)> read;  ///< 0 at the end
  std::function<bool(std::string_view)> write;
  bool orderly = true;  ///< say goodbye at the end, where TLS has such a thing

  /// The request up to and with the empty line.
  std::string head() {
    std::string text;
    char c = 0;
    while (text.find("\r\n\r\n") == std::string::npos && read(&c, 1) == 1) text += c;
    return text;
  }

  std::string take(std::size_t size) {
    std::string text(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      auto const n = read(text.data() + got, size - got);
      if (n == 0) break;
      got += n;
    }
    text.resize(got);
    return text;
  }

  /// Waits until the client has gone.
  void until_closed() {
    char scratch[256];
    while (read(scratch, sizeof scratch) > 0) {
    }
  }
};

/// A server in this process: every connection is given to the handler in a thread of its own.
template <class Protocol>
class basic_server {
 public:
  using socket = typename Protocol::socket;
  using handler = std::function<void(peer&)>;

  basic_server(typename Protocol::endpoint const& at, handler h,
               boost::asio::ssl::context* tls = nullptr)
      : acceptor_(io_, at), handler_(std::move(h)), tls_(tls), loop_([this] { accept(); }) {}

  ~basic_server() {
    closing_ = true;
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    loop_.join();
    for (auto& t : threads_) t.join();
  }

  [[nodiscard]] auto local() const { return acceptor_.local_endpoint(); }
  [[nodiscard]] int accepted() const { return accepted_; }

 private:
  void accept() {
    while (!closing_) {
      boost::system::error_code ec;
      auto s = std::make_shared<socket>(io_);
      acceptor_.accept(*s, ec);
      if (ec) return;
      ++accepted_;
      threads_.emplace_back([this, s] { serve(*s); });
    }
  }

  template <class Stream>
  bool run(Stream& stream) {
    peer p;
    p.read = [&](char* data, std::size_t size) {
      boost::system::error_code ec;
      return stream.read_some(boost::asio::buffer(data, size), ec);
    };
    p.write = [&](std::string_view text) {
      boost::system::error_code ec;
      boost::asio::write(stream, boost::asio::buffer(text.data(), text.size()), ec);
      return !ec;
    };
    handler_(p);
    return p.orderly;
  }

  void serve(socket& s) {
    boost::system::error_code ec;
    if (!tls_) {
      run(s);
    } else {
      boost::asio::ssl::stream<socket&> stream(s, *tls_);
      stream.handshake(boost::asio::ssl::stream_base::server, ec);
      if (!ec && run(stream)) stream.shutdown(ec);
    }
    s.shutdown(boost::asio::socket_base::shutdown_both, ec);
  }

  boost::asio::io_context io_;
  typename Protocol::acceptor acceptor_;
  handler handler_;
  boost::asio::ssl::context* tls_;
  std::atomic<bool> closing_ = false;
  std::atomic<int> accepted_ = 0;
  std::vector<std::thread> threads_;
  std::thread loop_;
};

/// On a free loopback port.
class tcp_server : public basic_server<boost::asio::ip::tcp> {
 public:
  explicit tcp_server(handler h, boost::asio::ssl::context* tls = nullptr)
      : basic_server({boost::asio::ip::make_address("127.0.0.1"), 0}, std::move(h), tls) {}

  [[nodiscard]] net::address address() const {
    return {.host = "127.0.0.1", .port = local().port()};
  }
};

/// On a unix socket in a fresh folder.
class unix_server {
 public:
  explicit unix_server(basic_server<boost::asio::local::stream_protocol>::handler h)
      : path_(make_path()), server_({path_}, std::move(h)) {}
  ~unix_server() {
    ::unlink(path_.c_str());
    ::rmdir(path_.substr(0, path_.rfind('/')).c_str());
  }

  [[nodiscard]] net::address address() const { return {.unix_path = path_}; }

 private:
  static std::string make_path() {
    std::string folder = "/tmp/thv-net-XXXXXX";
    if (!::mkdtemp(folder.data())) throw std::runtime_error("mkdtemp failed");
    return folder + "/socket";
  }

  std::string path_;
  basic_server<boost::asio::local::stream_protocol> server_;
};

}  // namespace thv::test
