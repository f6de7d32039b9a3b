// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

#include "support.hpp"

using namespace std::chrono_literals;
using thv::errc;
using thv::transport;
using thv::mcp::probe_http;
using thv::test::child;
using thv::test::free_port;
using thv::test::official_server;
using thv::test::probe_until_up;
using thv::test::within;

namespace {

/// The everything server on a port of its own. Its output goes nowhere that anybody waits for.
class everything {
 public:
  explicit everything(std::string mode)
      : server_({"sh", "-c", "exec node \"$0\" \"$1\" >&2", official_server("everything"), mode},
                {{"PORT", std::to_string(port_)}}) {}

  [[nodiscard]] thv::plugin::endpoint at(std::string const& path) const {
    thv::plugin::endpoint e;
    e.url = fmt::format("http://127.0.0.1:{}{}", port_, path);
    return e;
  }
  [[nodiscard]] child const& process() const { return server_; }

 private:
  std::uint16_t port_ = free_port();
  child server_;
};

}  // namespace

TEST_CASE("a Streamable HTTP server is ready, and its session is ended", "[mcp][integration]") {
  everything server("streamableHttp");
  for (int round = 0; round < 5; ++round) {
    auto const found = probe_until_up(server.at("/mcp"), transport::streamable_http);
    INFO((found ? std::string() : to_string(found.error())));
    REQUIRE(found);
    CHECK(found->server_name == "mcp-servers/everything");
    CHECK(found->protocol_version == "2025-11-25");
    CHECK(found->tools.size() == 16);
  }
  CHECK(server.process().says("Received session termination request"));
}

TEST_CASE("an HTTP+SSE server is ready", "[mcp][integration]") {
  everything server("sse");
  for (int round = 0; round < 5; ++round) {
    auto const found = probe_until_up(server.at("/sse"), transport::sse);
    INFO((found ? std::string() : to_string(found.error())));
    REQUIRE(found);
    CHECK(found->tools.size() == 16);
  }
}

TEST_CASE("the wrong transport or path is told with a hint", "[mcp][integration]") {
  everything streamable("streamableHttp");
  REQUIRE(probe_until_up(streamable.at("/mcp"), transport::streamable_http));
  auto const as_sse = probe_http(within(10s), streamable.at("/mcp"), transport::sse);
  REQUIRE_FALSE(as_sse);
  CHECK(as_sse.error().code == errc::engine);
  CHECK(as_sse.error().hint.find("transport") != std::string::npos);
  auto const lost = probe_http(within(10s), streamable.at("/nope"), transport::streamable_http);
  REQUIRE_FALSE(lost);
  CHECK(lost.error().message == "the server answered initialize with HTTP status 404");

  everything sse("sse");
  REQUIRE(probe_until_up(sse.at("/sse"), transport::sse));
  auto const as_streamable = probe_http(within(10s), sse.at("/sse"), transport::streamable_http);
  REQUIRE_FALSE(as_streamable);
  CHECK(as_streamable.error().hint.find("the other HTTP transport") != std::string::npos);
}
