// SPDX-License-Identifier: Apache-2.0
// Very many clients of the data plane: what they cost, and that it is given back.
#include <sys/resource.h>

#include <thread>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

#include "support.hpp"
#include "wire.hpp"

using namespace thv::test;
using namespace std::chrono_literals;

namespace {

std::string const odd = "odd=stdio:" THV_ODD_MEMBER;
std::string const path = "/servers/odd/mcp";
std::string const initialize =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25",)"
    R"("capabilities":{},"clientInfo":{"name":"wire","version":"1"}}})";

void many_files() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

TEST_CASE("the memory of abandoned sessions returns", "[gateway][integration]") {
  gateway_process const gateway({odd, "session_time=2000"});
  session_client const warm(gateway.port(), "odd");
  auto const before = gateway.memory();
  wire line(gateway.port());
  for (int i = 0; i < 10'000; ++i) {
    line.send(post(path, initialize));
    REQUIRE(line.answer().status == 200);
  }
  auto const full = gateway.memory();
  auto after = full;
  for (int tries = 0; tries < 16 && after > before + 3'000; ++tries) {
    std::this_thread::sleep_for(500ms);
    after = gateway.memory();
  }
  INFO(before << " KiB before, " << full << " KiB with 10,000 sessions, " << after << " KiB after");
  CHECK(full > before + 1'000);
  CHECK(after < before + 3'000);
  session_client next(gateway.port(), "odd");
  CHECK(next.call("echo", R"({"text":"still serves"})") == "still serves");
}

TEST_CASE("an idle connection costs little", "[gateway][integration]") {
  many_files();
  gateway_process const gateway({odd});
  session_client warm(gateway.port(), "odd");
  auto const before = gateway.memory();
  std::vector<session_client> clients;
  clients.reserve(5'000);
  for (int i = 0; i < 5'000; ++i) {
    clients.emplace_back(gateway.port(), "odd");
  }
  auto const each = (gateway.memory() - before) * 1024 / clients.size();
  WARN(each << " bytes for an idle session with its connection");
  CHECK(each <= 2'048);
  CHECK(warm.call("echo", R"({"text":"beside them"})") == "beside them");
  CHECK(clients.back().call("echo", R"({"text":"the last"})") == "the last");
}
