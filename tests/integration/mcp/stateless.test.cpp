// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include "support.hpp"

using namespace std::chrono_literals;
using thv::mcp::probe_http;
using thv::mcp::probe_stdio;
using thv::test::child;
using thv::test::stateless_sdk;
using thv::test::within;

namespace {

std::vector<std::string> command(std::string transport, std::string legacy) {
  return {"node", THV_MCP_STATELESS, stateless_sdk(), std::move(transport), std::move(legacy)};
}

std::vector<std::string> const tools{"add", "echo"};

}  // namespace

TEST_CASE("a stdio server of revision 2026-07-28 alone is ready", "[mcp][integration]") {
  child server(command("stdio", "reject"));
  auto const found = probe_stdio(within(30s), server.stream(), false);
  INFO((found ? std::string() : to_string(found.error())));
  REQUIRE(found);
  CHECK(found->protocol_version == "2026-07-28");
  CHECK(found->server_name == "stateless");
  CHECK(found->server_version == "1.2.3");
  CHECK(found->initialize_result.find("supportedVersions") != std::string::npos);
  CHECK(found->tools == tools);

  auto const again = probe_stdio(within(10s), server.stream(), true);
  REQUIRE(again);
  CHECK(again->tools == tools);
}

TEST_CASE("a stdio server of both eras is initialised", "[mcp][integration]") {
  child server(command("stdio", "serve"));
  auto const found = probe_stdio(within(30s), server.stream(), false);
  REQUIRE(found);
  CHECK(found->protocol_version == "2025-11-25");
  CHECK(found->tools == tools);
  CHECK(probe_stdio(within(10s), server.stream(), true));
}

TEST_CASE("an HTTP server of revision 2026-07-28 is ready, with and without the older ones",
          "[mcp][integration]") {
  for (std::string const legacy : {"reject", "serve"}) {
    child server(command("http", legacy));
    thv::plugin::endpoint where;
    where.url = "http://127.0.0.1:" + server.line() + "/mcp";
    auto const found = probe_http(within(30s), where, thv::transport::streamable_http);
    INFO((found ? std::string() : to_string(found.error())));
    REQUIRE(found);
    CHECK(found->protocol_version == (legacy == "reject" ? "2026-07-28" : "2025-11-25"));
    CHECK(found->server_name == "stateless");
    CHECK(found->tools == tools);
  }
}
