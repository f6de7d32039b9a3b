// SPDX-License-Identifier: Apache-2.0
#include <thv/net/http.hpp>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <iterator>
#include <thread>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "unit/net/certificate.hpp"
#include "unit/net/server.hpp"

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using thv::errc;
using thv::net::exchange;
using thv::test::certificate;
using thv::test::peer;
using thv::test::tcp_server;
using thv::test::within;
namespace ssl = boost::asio::ssl;

namespace {

struct variable {
  variable(char const* n, std::string const& value) : name(n) { ::setenv(n, value.c_str(), 1); }
  ~variable() { ::unsetenv(name); }
  char const* name;
};

ssl::context server_context(certificate const& c) {
  ssl::context context(ssl::context::tls_server);
  context.use_certificate_chain_file(c.certificate_file());
  context.use_private_key_file(c.key_file(), ssl::context::pem);
  return context;
}

void hello(peer& p) {
  p.head();
  p.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

thv::net::address over_tls(tcp_server const& server, std::string ca) {
  auto where = server.address();
  where.tls = true;
  where.tls_files.ca_file = std::move(ca);
  return where;
}

}  // namespace

TEST_CASE("TLS trusts the given authority and nobody else", "[net]") {
  certificate const own("DNS:localhost,IP:127.0.0.1");
  auto context = server_context(own);
  tcp_server server(hello, &context);
  SECTION("an address in the certificate") {
    auto const answer = exchange(within(5s), over_tls(server, own.certificate_file()), {});
    REQUIRE(answer);
    CHECK(answer->body == "hello");
  }
  SECTION("a name in the certificate") {
    auto where = over_tls(server, own.certificate_file());
    where.host = "localhost";
    REQUIRE(exchange(within(5s), where, {}));
  }
  SECTION("an authority from SSL_CERT_FILE") {
    variable const file("SSL_CERT_FILE", own.certificate_file());
    REQUIRE(exchange(within(5s), over_tls(server, ""), {}));
  }
  SECTION("the system's authorities do not know it") {
    auto const answer = exchange(within(5s), over_tls(server, ""), {});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::unavailable);
    CHECK_THAT(answer.error().message, ContainsSubstring("self-signed certificate"));
    CHECK_FALSE(answer.error().hint.empty());
  }
  SECTION("another authority") {
    certificate const other("DNS:localhost,IP:127.0.0.1");
    REQUIRE_FALSE(exchange(within(5s), over_tls(server, other.certificate_file()), {}));
  }
}

TEST_CASE("TLS refuses a certificate of another host", "[net]") {
  certificate const own("DNS:elsewhere.test");
  auto context = server_context(own);
  tcp_server server(hello, &context);
  auto where = over_tls(server, own.certificate_file());
  SECTION("by address") {
    auto const answer = exchange(within(5s), where, {});
    REQUIRE_FALSE(answer);
    CHECK_THAT(answer.error().message, ContainsSubstring("IP address mismatch"));
  }
  SECTION("by name") {
    where.host = "localhost";
    auto const answer = exchange(within(5s), where, {});
    REQUIRE_FALSE(answer);
    CHECK_THAT(answer.error().message, ContainsSubstring("hostname mismatch"));
  }
}

TEST_CASE("TLS shows a client certificate", "[net]") {
  certificate const own("IP:127.0.0.1");
  certificate const client("DNS:client");
  auto context = server_context(own);
  context.load_verify_file(client.certificate_file());
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  tcp_server server(hello, &context);
  auto where = over_tls(server, own.certificate_file());
  SECTION("given") {
    where.tls_files.certificate_file = client.certificate_file();
    where.tls_files.key_file = client.key_file();
    auto const answer = exchange(within(5s), where, {});
    REQUIRE(answer);
    CHECK(answer->body == "hello");
  }
  SECTION("not given") {
    REQUIRE_FALSE(exchange(within(5s), where, {}));
  }
  SECTION("without its key") {
    where.tls_files.certificate_file = client.certificate_file();
    auto const answer = exchange(within(5s), where, {});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::invalid_argument);
  }
  SECTION("that is no certificate") {
    where.tls_files.certificate_file = client.key_file();
    where.tls_files.key_file = client.key_file();
    auto const answer = exchange(within(5s), where, {});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::invalid_argument);
    CHECK_THAT(answer.error().message, ContainsSubstring(client.key_file()));
  }
}

TEST_CASE("A missing file of authorities is named", "[net]") {
  tcp_server server(hello);
  auto const answer = exchange(within(5s), over_tls(server, "/nonexistent/ca.pem"), {});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == errc::invalid_argument);
  CHECK_THAT(answer.error().message, ContainsSubstring("/nonexistent/ca.pem"));
}

TEST_CASE("A server without TLS and a silent one end the handshake", "[net]") {
  SECTION("plain HTTP") {
    tcp_server server([](peer& p) { p.write("HTTP/1.1 400 Bad Request\r\n\r\n"); });
    auto const answer = exchange(within(5s), over_tls(server, ""), {});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::unavailable);
  }
  SECTION("silence") {
    tcp_server server([](peer& p) { p.until_closed(); });
    auto const answer = exchange(within(150ms), over_tls(server, ""), {});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::timeout);
  }
}

TEST_CASE("A body that ends with the connection must end with TLS", "[net]") {
  // Else whoever sits between could cut it short.
  certificate const own("IP:127.0.0.1");
  auto context = server_context(own);
  bool orderly = true;
  tcp_server server(
      [&](peer& p) {
        p.head();
        p.write("HTTP/1.1 200 OK\r\n\r\nall");
        p.orderly = orderly;
      },
      &context);
  SECTION("closed in order") {
    auto const answer = exchange(within(5s), over_tls(server, own.certificate_file()), {});
    REQUIRE(answer);
    CHECK(answer->body == "all");
  }
  SECTION("cut") {
    orderly = false;
    auto const answer = exchange(within(5s), over_tls(server, own.certificate_file()), {});
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == errc::unavailable);
  }
}

TEST_CASE("An upgraded TLS connection carries bytes both ways", "[net]") {
  certificate const own("IP:127.0.0.1");
  auto context = server_context(own);
  std::string const big(300000, 'x');
  tcp_server server(
      [&](peer& p) {
        p.head();
        p.write("HTTP/1.1 101 UPGRADED\r\n\r\nearly");
        p.write(p.take(big.size()));
      },
      &context);
  auto const fd =
      thv::net::upgrade(within(5s), over_tls(server, own.certificate_file()), {.method = "POST"});
  REQUIRE(fd);
  std::jthread const writer([&] {
    for (std::size_t sent = 0; sent < big.size();) {
      auto const n = ::write(*fd, big.data() + sent, big.size() - sent);
      if (n <= 0) return;
      sent += static_cast<std::size_t>(n);
    }
  });
  std::string text;
  char bytes[4096];
  for (ssize_t n = 0; (n = ::read(*fd, bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(n));
  CHECK(text == "early" + big);
  ::close(*fd);
}

namespace {

std::ptrdiff_t threads() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

}  // namespace

TEST_CASE("Closing an upgraded TLS descriptor closes the connection", "[net]") {
  certificate const own("IP:127.0.0.1");
  auto context = server_context(own);
  std::promise<void> gone;
  tcp_server server(
      [&](peer& p) {
        p.head();
        p.write("HTTP/1.1 101 UPGRADED\r\n\r\n");
        p.until_closed();
        gone.set_value();
      },
      &context);
  auto const before = threads();
  auto const fd =
      thv::net::upgrade(within(5s), over_tls(server, own.certificate_file()), {.method = "POST"});
  REQUIRE(fd);
  ::close(*fd);
  CHECK(gone.get_future().wait_for(2s) == std::future_status::ready);
  for (int i = 0; i < 200 && threads() > before; ++i) std::this_thread::sleep_for(10ms);
  CHECK(threads() <= before);  // the one that carried the bytes is gone as well
}
