// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support.hpp"

using namespace std::chrono_literals;
using thv::mcp::probe_stdio;
using thv::test::child;
using thv::test::official_server;
using thv::test::within;

namespace {

bool has(std::vector<std::string> const& tools, std::string const& name) {
  return std::find(tools.begin(), tools.end(), name) != tools.end();
}

}  // namespace

TEST_CASE("the official servers are ready with all of their tools", "[mcp][integration]") {
  struct expectation {
    std::string server;
    std::string name;
    std::size_t tools;
    std::string one_of_them;
  };
  // `everything` has 13 tools, one more for a client with roots, and two more for one with
  // sampling and elicitation.
  auto const wanted = GENERATE(
      expectation{"everything", "mcp-servers/everything", 16, "get-roots-list"},
      expectation{"filesystem", "secure-filesystem-server", 14, "read_text_file"},
      expectation{"memory", "memory-server", 9, "create_entities"},
      expectation{"sequential-thinking", "sequential-thinking-server", 1, "sequentialthinking"});
  std::vector<std::string> command{"node", official_server(wanted.server)};
  if (wanted.server == "filesystem") command.push_back("/tmp");
  child server(command);
  auto const found = probe_stdio(within(30s), server.stream(), false);
  INFO((found ? std::string() : to_string(found.error())));
  REQUIRE(found);
  CHECK(found->protocol_version == "2025-11-25");
  CHECK(found->server_name == wanted.name);
  CHECK(found->tools.size() == wanted.tools);
  CHECK(has(found->tools, wanted.one_of_them));
}

TEST_CASE("a session is opened once and used by the next ones", "[mcp][integration]") {
  child server({"node", official_server("everything")});
  REQUIRE(probe_stdio(within(30s), server.stream(), false));
  for (bool const dirty : {false, true, false}) {
    auto stream = server.stream();
    stream.dirty = dirty;
    auto const found = probe_stdio(within(10s), stream, true);
    INFO((found ? std::string() : to_string(found.error())));
    REQUIRE(found);
    CHECK(found->tools.size() == 16);
    CHECK(found->initialize_result.empty());
  }
}

TEST_CASE("a line that an earlier owner left half written is overcome", "[mcp][integration]") {
  child server({"node", official_server("memory")});
  auto stream = server.stream();
  REQUIRE(probe_stdio(within(30s), stream, false));
  std::string const half = R"({"jsonrpc":"2.0","id":5,"method":"tools/li)";
  REQUIRE(::write(stream.write_fd, half.data(), half.size()) == ssize_t(half.size()));
  stream.dirty = true;
  auto const found = probe_stdio(within(10s), stream, true);
  REQUIRE(found);
  CHECK(found->tools.size() == 9);
}

TEST_CASE("all tools are seen every time, though some come after initialisation",
          "[mcp][integration]") {
  for (int round = 0; round < 10; ++round) {
    child server({"node", official_server("everything")});
    auto const found = probe_stdio(within(30s), server.stream(), false);
    REQUIRE(found);
    CHECK(found->tools.size() == 16);
  }
}

TEST_CASE("a server that ends with prose is quoted", "[mcp][integration]") {
  child server({"node", "-e", "console.log('Usage: bogus'); process.exit(1)"});
  auto const found = probe_stdio(within(30s), server.stream(), false);
  REQUIRE_FALSE(found);
  CHECK(found.error().code == thv::errc::exited);
  CHECK(found.error().engine_message == "it sent, instead of JSON-RPC: Usage: bogus");
}

TEST_CASE("a program that is no MCP server is a timeout", "[mcp][integration]") {
  child server({"sleep", "60"});
  auto const found = probe_stdio(within(300ms), server.stream(), false);
  REQUIRE_FALSE(found);
  CHECK(found.error().code == thv::errc::timeout);
}
