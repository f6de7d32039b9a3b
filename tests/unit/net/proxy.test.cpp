// SPDX-License-Identifier: Apache-2.0
#include "../../../impl/net/proxy.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "unit/net/certificate.hpp"
#include "unit/net/server.hpp"

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using thv::errc;
using thv::net::proxy_for;
using thv::test::peer;
using thv::test::tcp_server;
using thv::test::within;

namespace {

using variables = std::map<std::string, std::string>;

auto environment_of(variables values) {
  return [values = std::move(values)](std::string const& name) {
    auto const found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  };
}

/// "host:port", "none" or "error".
std::string proxy_of(thv::net::address const& where, variables values) {
  auto const p = proxy_for(where, environment_of(std::move(values)));
  if (!p) return "error";
  if (!*p) return "none";
  return (*p)->where.host + ":" + std::to_string((*p)->where.port);
}

thv::net::address at(std::string host, bool tls = true) {
  return {.host = std::move(host), .port = static_cast<std::uint16_t>(tls ? 443 : 80), .tls = tls};
}

class scoped_environment {
 public:
  explicit scoped_environment(variables values) : values_(std::move(values)) {
    for (auto const& [name, value] : values_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~scoped_environment() {
    for (auto const& [name, value] : values_) ::unsetenv(name.c_str());
  }

 private:
  variables values_;
};

}  // namespace

TEST_CASE("The variables name a proxy for each scheme", "[net]") {
  variables const both{{"HTTPS_PROXY", "http://s:1"}, {"http_proxy", "h:2"}};
  CHECK(proxy_of(at("a.test"), both) == "s:1");
  CHECK(proxy_of(at("a.test", false), both) == "h:2");
  CHECK(proxy_of(at("a.test"), {{"HTTP_PROXY", "http://h:2"}}) == "none");
  CHECK(proxy_of(at("a.test"), {{"https_proxy", "http://low"}, {"HTTPS_PROXY", "http://up"}}) ==
        "low:80");
  CHECK(proxy_of(at("a.test"), {}) == "none");
  CHECK(proxy_of({.unix_path = "/x"}, both) == "none");
}

TEST_CASE("NO_PROXY and loopback go directly", "[net]") {
  auto const with = [](std::string const& host, std::string list) {
    return proxy_of(at(host), {{"HTTPS_PROXY", "http://s:1"}, {"NO_PROXY", std::move(list)}});
  };
  CHECK(with("a.test", "*") == "none");
  CHECK(with("a.test", "b.test, a.test") == "none");
  CHECK(with("A.Test", "a.TEST") == "none");
  CHECK(with("x.a.test", ".a.test") == "none");
  CHECK(with("x.a.test", "*.a.test") == "none");
  CHECK(with("x.a.test", "a.test") == "none");
  CHECK(with("xa.test", "a.test") == "s:1");
  CHECK(with("a.test", "a.test:443") == "none");
  CHECK(with("a.test", "a.test:80") == "s:1");
  CHECK(with("10.0.0.1", "10.0.0.1") == "none");
  CHECK(with("fd00::1", "[fd00::1]:443") == "none");
  CHECK(with("fd00::1", "fd00::1") == "none");
  CHECK(with("a.test", ",") == "s:1");
  CHECK(with("localhost", "") == "none");
  CHECK(with("127.0.0.1", "") == "none");
  CHECK(with("::1", "") == "none");
}

TEST_CASE("A proxy that cannot be used is refused without its password", "[net]") {
  for (auto const* text : {"socks5://u:secret@p:1", "http://", "http://u:secret@p:0",
                           "http://u:secret@p:70000", "http://u:secret@p q"}) {
    auto const p = proxy_for(at("a.test"), environment_of({{"HTTPS_PROXY", text}}));
    REQUIRE_FALSE(p);
    CHECK(p.error().code == errc::invalid_argument);
    CHECK_THAT(p.error().message, ContainsSubstring("HTTPS_PROXY"));
    CHECK_THAT(to_string(p.error()) + p.error().hint, !ContainsSubstring("secret"));
  }
}

TEST_CASE("Credentials of a proxy become basic authorization", "[net]") {
  auto const p = proxy_for(at("a.test"), environment_of({{"https_proxy", "http://u:p%40ss@h:8"}}));
  REQUIRE(p);
  REQUIRE(*p);
  CHECK((*p)->authorization == "Basic dTpwQHNz");
}

TEST_CASE("TLS goes through a tunnel of the proxy", "[net]") {
  thv::test::certificate const own("DNS:service.test");
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_server);
  context.use_certificate_chain_file(own.certificate_file());
  context.use_private_key_file(own.key_file(), boost::asio::ssl::context::pem);
  tcp_server target(
      [](peer& p) {
        p.head();
        p.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
      },
      &context);
  std::string seen;
  tcp_server via([&](peer& p) {
    seen = p.head();
    p.write("HTTP/1.1 200 Connection established\r\n\r\n");
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket out(io);
    out.connect(target.local());
    std::jthread const back([&] {
      char bytes[4096];
      boost::system::error_code ec;
      for (std::size_t n = 0; (n = out.read_some(boost::asio::buffer(bytes), ec)) > 0;)
        p.write({bytes, n});
    });
    char bytes[4096];
    for (std::size_t n = 0; (n = p.read(bytes, sizeof bytes)) > 0;)
      boost::asio::write(out, boost::asio::buffer(bytes, n));
    out.shutdown(boost::asio::ip::tcp::socket::shutdown_both);
  });
  scoped_environment const environment(
      {{"HTTPS_PROXY", "http://u:p@127.0.0.1:" + std::to_string(via.local().port())}});
  auto where = at("service.test");
  where.tls_files.ca_file = own.certificate_file();
  where.use_proxy_environment = true;
  auto const answer = thv::net::exchange(within(5s), where, {});
  REQUIRE(answer);
  CHECK(answer->body == "hello");
  CHECK_THAT(seen, StartsWith("CONNECT service.test:443 HTTP/1.1\r\n"));
  CHECK_THAT(seen, ContainsSubstring("\r\nHost: service.test:443\r\n"));
  CHECK_THAT(seen, ContainsSubstring("\r\nProxy-Authorization: Basic dTpw\r\n"));
}

TEST_CASE("A proxy that refuses a tunnel is named", "[net]") {
  tcp_server via([](peer& p) {
    p.head();
    p.write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  });
  scoped_environment const environment(
      {{"HTTPS_PROXY", "http://127.0.0.1:" + std::to_string(via.local().port())}});
  auto where = at("service.test");
  where.use_proxy_environment = true;
  auto const answer = thv::net::exchange(within(5s), where, {});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == errc::unavailable);
  CHECK_THAT(answer.error().message, ContainsSubstring("407 Proxy Authentication Required"));
}

TEST_CASE("Plain HTTP asks the proxy for the whole URL", "[net]") {
  std::string seen;
  tcp_server via([&](peer& p) {
    seen = p.head();
    p.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy");
  });
  scoped_environment const environment(
      {{"http_proxy", "http://127.0.0.1:" + std::to_string(via.local().port())}});
  auto where = at("service.test", false);
  SECTION("when asked to honour the variables") {
    where.use_proxy_environment = true;
    auto const answer = thv::net::exchange(within(5s), where, {.target = "/a?b"});
    REQUIRE(answer);
    CHECK(answer->body == "proxy");
    CHECK_THAT(seen,
               StartsWith("GET http://service.test:80/a?b HTTP/1.1\r\nHost: service.test\r\n"));
  }
  SECTION("and not otherwise") {
    CHECK_FALSE(thv::net::exchange(within(5s), where, {}));
  }
}
