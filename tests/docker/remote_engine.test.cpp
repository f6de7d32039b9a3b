// SPDX-License-Identifier: Apache-2.0
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <memory>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "docker/engine.hpp"
#include "unit/net/certificate.hpp"
#include "unit/net/server.hpp"

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;
using thv::errc;
using thv::test::converse;
using thv::test::good;
using thv::test::rig;
using thv::test::table;
using thv::test::within;
namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;

namespace {

/// Passes bytes between a TCP client, with TLS or without, and the test engine's unix socket. All
/// in one thread.
class front {
 public:
  front(std::string const& host, ssl::context* tls)
      : tls_(tls), acceptor_(io_, {asio::ip::make_address(host), 0}) {
    accept();
    loop_ = std::thread([this] { io_.run(); });
  }
  ~front() {
    io_.stop();
    loop_.join();
  }

  [[nodiscard]] int port() const { return acceptor_.local_endpoint().port(); }

 private:
  using error_code = boost::system::error_code;

  struct link {
    link(asio::ip::tcp::socket socket, ssl::context& context)
        : client(std::move(socket), context), engine(client.get_executor()) {}
    ssl::stream<asio::ip::tcp::socket> client;
    asio::local::stream_protocol::socket engine;
    std::array<char, 16384> to_engine;
    std::array<char, 16384> to_client;
  };

  void accept() {
    acceptor_.async_accept([this](error_code ec, asio::ip::tcp::socket s) {
      if (ec) return;
      auto l = std::make_shared<link>(std::move(s), tls_ ? *tls_ : none_);
      l->engine.connect({thv::test::needed("THV_TEST_DOCKER_HOST").substr(7)}, ec);
      if (!tls_) {
        join(l, l->client.next_layer());
      } else {
        l->client.async_handshake(ssl::stream_base::server, [this, l](error_code failed) {
          if (!failed) this->join(l, l->client);
        });
      }
      accept();
    });
  }

  template <class Client>
  static void join(std::shared_ptr<link> const& l, Client& client) {
    copy(l, client, l->engine, l->to_engine);
    copy(l, l->engine, client, l->to_client);
  }

  template <class From, class To>
  static void copy(std::shared_ptr<link> const& l, From& from, To& to,
                   std::array<char, 16384>& bytes) {
    from.async_read_some(asio::buffer(bytes), [&, l](error_code ec, std::size_t n) {
      if (ec) return close(*l);
      asio::async_write(to, asio::buffer(bytes.data(), n), [&, l](error_code failed, std::size_t) {
        if (failed) return close(*l);
        copy(l, from, to, bytes);
      });
    });
  }

  static void close(link& l) {
    error_code ignored;
    l.client.next_layer().close(ignored);
    l.engine.close(ignored);
  }

  asio::io_context io_;
  ssl::context none_{ssl::context::tls_server};
  ssl::context* tls_;
  asio::ip::tcp::acceptor acceptor_;
  std::thread loop_;
};

/// An address of this machine that is no loopback one.
std::string own_address() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) throw std::runtime_error("getifaddrs failed");
  std::string found;
  for (auto const* i = list; i; i = i->ifa_next) {
    if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !(i->ifa_flags & IFF_UP)) continue;
    auto const* in = reinterpret_cast<sockaddr_in const*>(i->ifa_addr);
    auto const address = asio::ip::make_address_v4(ntohl(in->sin_addr.s_addr));
    if (!address.is_loopback()) found = address.to_string();
  }
  ::freeifaddrs(list);
  if (found.empty()) throw std::runtime_error("this machine has no address but loopback");
  return found;
}

}  // namespace

TEST_CASE("An engine behind TLS is spoken to with a client certificate", "[docker]") {
  thv::test::certificate const server("IP:127.0.0.1");
  thv::test::certificate const client("DNS:client");
  ssl::context context(ssl::context::tls_server);
  context.use_certificate_chain_file(server.certificate_file());
  context.use_private_key_file(server.key_file(), ssl::context::pem);
  context.load_verify_file(client.certificate_file());
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  front const proxy("127.0.0.1", &context);
  auto const endpoint = "tcp://127.0.0.1:" + std::to_string(proxy.port());
  SECTION("that it knows") {
    rig docker(table{{"endpoint", endpoint},
                     {"ca", server.certificate_file()},
                     {"cert", client.certificate_file()},
                     {"key", client.key_file()}});
    REQUIRE(docker->identify(within(5s)));
    auto const made = good(docker->deploy(within(30s), docker.tiny("tls")));
    auto const s = good(docker->attach(within(5s), made.id));
    CHECK_THAT(converse(s, thv::test::initialize), ContainsSubstring("serverInfo"));
    CHECK_THAT(converse(s, R"({"jsonrpc":"2.0","id":2,"method":"tools/list"})"),
               ContainsSubstring("\"tools\""));
    ::close(s.read_fd);
    CHECK(docker->remove(within(20s), made.id));
  }
  SECTION("that it does not know") {
    rig docker(table{{"endpoint", endpoint}, {"ca", server.certificate_file()}});
    CHECK(docker->identify(within(5s)).error().code == errc::unavailable);
  }
  SECTION("and not at all where its own is not trusted") {
    rig docker(table{{"endpoint", endpoint},
                     {"ca", client.certificate_file()},
                     {"cert", client.certificate_file()},
                     {"key", client.key_file()}});
    auto const f = docker->identify(within(5s));
    REQUIRE_FALSE(f);
    CHECK(f.error().code == errc::unavailable);
    CHECK_THAT(f.error().message, ContainsSubstring("certificate"));
  }
}

TEST_CASE("An engine on another machine needs an address to publish on", "[docker]") {
  auto const address = own_address();
  front const proxy(address, nullptr);
  auto const endpoint = "tcp://" + address + ":" + std::to_string(proxy.port());
  SECTION("else HTTP members are refused with that hint") {
    rig docker(table{{"endpoint", endpoint}});
    auto const refused =
        docker->deploy(within(30s), docker.tiny("http", thv::transport::streamable_http));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::unsupported);
    CHECK_THAT(refused.error().hint, ContainsSubstring("publish = "));
    auto const stdio = docker->deploy(within(30s), docker.tiny("stdio"));
    REQUIRE(stdio);
    CHECK(stdio->pid == 0);
  }
  SECTION("on which they answer") {
    rig docker(table{{"endpoint", endpoint}, {"publish", address}});
    auto const made =
        docker->deploy(within(30s), docker.tiny("http", thv::transport::streamable_http));
    REQUIRE(made);
    auto const where = docker->where(within(5s), made->id);
    REQUIRE(where);
    CHECK_THAT(where->url, StartsWith("http://" + address + ":"));
    CHECK_THAT(thv::test::initialize_at(where->url), ContainsSubstring("serverInfo"));
  }
}
