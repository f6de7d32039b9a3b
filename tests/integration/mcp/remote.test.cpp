// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <catch2/catch_test_macros.hpp>
#include <remote/driver.hpp>

#include "support.hpp"

using namespace std::chrono_literals;
using thv::test::child;
using thv::test::within;

TEST_CASE("a remote server is deployed by its URL and proved ready there",
          "[remote][integration]") {
  child server({"node", THV_MCP_STATELESS, thv::test::stateless_sdk(), "http", "serve"});
  std::string folder = "/tmp/thv-remote-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()));
  thv::plugin::host_context host;
  host.state_directory = folder;
  {
    auto runtime = thv::plugin::make_runtime<thv::remote::driver>(host).value();
    thv::plugin::workload_spec spec;
    spec.name = "far";
    spec.source = thv::parse_source("http://127.0.0.1:" + server.line() + "/mcp");
    spec.transport = thv::transport::streamable_http;
    spec.headers = {{"X-Team", "blue"}};
    auto const made = runtime->deploy(within(5s), spec).value();
    auto const where = runtime->where(within(5s), made.id).value();
    auto const found = thv::mcp::probe_http(within(30s), where, made.transport);
    INFO((found ? std::string() : to_string(found.error())));
    REQUIRE(found);
    CHECK(found->tools.size() == 2);
    CHECK(runtime->remove(within(5s), made.id));
  }
  std::filesystem::remove_all(folder);
}
