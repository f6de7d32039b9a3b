// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <istream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

namespace thv::test {

/// An HTTP server on loopback for one test: it answers each request with the text that the handler
/// makes of the request's head, byte for byte, and closes the connection.
class http_server {
 public:
  using handler = std::function<std::string(std::string const& head)>;

  explicit http_server(handler answer)
      : answer_(std::move(answer)),
        acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}),
        port_(acceptor_.local_endpoint().port()),
        thread_([this] { serve(); }) {}

  ~http_server() { stop(); }

  void stop() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    boost::system::error_code ec;
    boost::asio::ip::tcp::socket wake(context_);
    wake.connect({boost::asio::ip::address_v4::loopback(), port_}, ec);
    thread_.join();
    acceptor_.close(ec);
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(std::string const& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  [[nodiscard]] std::vector<std::string> heads() const {
    std::lock_guard const lock(mutex_);
    return heads_;
  }

 private:
  void serve() {
    while (!stopping_) {
      boost::system::error_code ec;
      boost::asio::ip::tcp::socket socket(context_);
      acceptor_.accept(socket, ec);
      if (ec || stopping_) continue;
      boost::asio::streambuf buffer;
      auto const size = boost::asio::read_until(socket, buffer, "\r\n\r\n", ec);
      if (ec) continue;
      std::string head(size, '\0');
      std::istream(&buffer).read(head.data(), static_cast<std::streamsize>(size));
      {
        std::lock_guard const lock(mutex_);
        heads_.push_back(head);
      }
      auto const text = answer_(head);
      boost::asio::write(socket, boost::asio::buffer(text), ec);
      socket.shutdown(boost::asio::ip::tcp::socket::shutdown_both, ec);
    }
  }

  handler answer_;
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_;
  mutable std::mutex mutex_;
  std::vector<std::string> heads_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

/// A whole answer.
inline std::string http_answer(std::string const& status, std::string const& body,
                               std::string const& headers = {}) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "Connection: close\r\n\r\n" + body;
}

}  // namespace thv::test
