// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <boost/json/parse.hpp>

#include "program.hpp"

using namespace cli_test;

namespace {

/// What `proxy stdio NAME` answers to these lines, sorted.
std::vector<std::string> proxied(user const& u, std::string const& name,
                                 std::vector<std::string> const& lines) {
  std::string input;
  for (auto const& line : lines) input += line + "\n";
  auto const path = u.write("input", input);
  auto const seen = u.run_program(
      "/bin/sh", {"-c", fmt::format("{} proxy stdio {} < {}", THV_PROGRAM, name, path)});
  INFO(seen.err);
  CHECK(seen.status == 0);
  std::vector<std::string> answers;
  std::istringstream out(seen.out);
  for (std::string line; std::getline(out, line);) answers.push_back(line);
  std::sort(answers.begin(), answers.end());
  return answers;
}

std::string const initialize =
    R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",)"
    R"("capabilities":{},"clientInfo":{"name":"c","version":"1"}}})";
std::string const initialized = R"({"jsonrpc":"2.0","method":"notifications/initialized"})";

boost::json::value answer_to(std::vector<std::string> const& answers,
                             boost::json::value const& id) {
  for (auto const& text : answers)
    if (auto const value = boost::json::parse(text); value.at("id") == id) return value;
  FAIL("no answer");
  return {};
}

}  // namespace

TEST_CASE("a member's tools are listed and called", "[cli][mcp]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  CHECK(u.expect_done({"mcp", "list", "one"}) ==
        "NAME      DESCRIPTION\n"
        "echo      Says the message again\n"
        "get-env   Its environment\n"
        "pid       Its process id\n");
  auto const tools = u.json({"mcp", "list", "one", "tools"}).as_array();
  REQUIRE(tools.size() == 3);
  CHECK(tools[0].at("inputSchema").at("type") == "object");
  CHECK(u.expect_done({"mcp", "list", "one", "prompts"}) == "The server has no prompts.\n");
  CHECK(u.json({"mcp", "list", "one", "resources"}).as_array().empty());
  CHECK(u.expect_done({"mcp", "call", "one", "echo", "--arg", "message=a=b c"}) == "Echo: a=b c\n");
  auto const answer = u.json({"mcp", "call", "one", "echo", "--arg", "message=x"});
  CHECK(answer.at("content").at(0).at("text") == "Echo: x");
}

TEST_CASE("a wrong call of a tool is told", "[cli][mcp]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  auto const message_of = [&](std::vector<std::string> const& words, int status) {
    auto const seen = u.run(words);
    CHECK(seen.status == status);
    CHECK(seen.out.empty());
    return seen.err;
  };
  CHECK(message_of({"mcp", "call", "one", "ecoh"}, 1) ==
        "thv-engine: 'one' has no tool 'ecoh'\nHint: did you mean 'echo'?\n");
  CHECK(message_of({"mcp", "call", "one", "echo", "--arg", "mesage=x"}, 2) ==
        "thv-engine: --arg: the tool has no argument 'mesage'\nHint: did you mean 'message'?\n");
  CHECK(message_of({"mcp", "call", "one", "echo", "--arg", "message"}, 2).find("KEY=VALUE") !=
        std::string::npos);
  CHECK(message_of({"mcp", "call", "one", "echo", "--json", "[]"}, 2) ==
        "thv-engine: --json: is no JSON object\n");
  CHECK(message_of({"mcp", "list", "nosuch"}, 1).find("'nosuch' does not exist") !=
        std::string::npos);
  CHECK(message_of({"mcp", "list", "one", "things"}, 2).find("tools, prompts or resources") !=
        std::string::npos);
  CHECK(message_of({"mcp", "list", "one", "--timeout", "soon"}, 2).find("--timeout") !=
        std::string::npos);
}

TEST_CASE("a member is served on standard input and output", "[cli][mcp]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  auto const answers =
      proxied(u, "one",
              {initialize, initialized, R"({"jsonrpc":"2.0","id":2,"method":"tools/list"})", "",
               R"({"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"echo",)"
               R"("arguments":{"message":"hi"}}})",
               R"({"jsonrpc":"2.0","id":3,"method":"nosuch/method"})"});
  REQUIRE(answers.size() == 4);
  CHECK(answer_to(answers, 1).at("result").at("protocolVersion") == "2025-06-18");
  CHECK(answer_to(answers, 2).at("result").at("tools").as_array().size() == 3);
  CHECK(answer_to(answers, "x").at("result").at("content").at(0).at("text") == "Echo: hi");
  CHECK(answer_to(answers, 3).at("error").at("code") == -32601);
}

TEST_CASE("a client of the stateless revision is served on standard input too", "[cli][mcp]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  std::string const meta = R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                           R"("io.modelcontextprotocol/clientCapabilities":{},)"
                           R"("io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"}})";
  auto const answers =
      proxied(u, "one",
              {R"({"jsonrpc":"2.0","id":1,"method":"server/discover","params":{)" + meta + "}}",
               R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo",)"
               R"("arguments":{"message":"hi"},)" +
                   meta + "}}"});
  REQUIRE(answers.size() == 2);
  CHECK(answer_to(answers, 1).at("result").as_object().contains("supportedVersions"));
  CHECK(answer_to(answers, 2).at("result").at("content").at(0).at("text") == "Echo: hi");
}

TEST_CASE("a client on standard input outlives the gateway", "[cli][mcp]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  auto const input = (u.home() / "input").string();
  auto const output = (u.home() / "output").string();
  REQUIRE(mkfifo(input.c_str(), 0600) == 0);
  running proxy({"-c", fmt::format("exec {} proxy stdio one <{} >{}", THV_PROGRAM, input, output)},
                u.variables(), "/bin/sh", u.home().string());
  std::ofstream client(input);
  auto const answered = [&](std::string const& id) {
    for (int i = 0; i < 500; ++i, std::this_thread::sleep_for(std::chrono::milliseconds(20))) {
      std::ifstream file(output);
      for (std::string line; std::getline(file, line);)
        if (line.find("\"id\":" + id + ",") != std::string::npos)
          return line.find("\"result\"") != std::string::npos;
    }
    return false;
  };
  client << initialize << '\n' << initialized << '\n';
  client << R"({"jsonrpc":"2.0","id":2,"method":"tools/list"})" << std::endl;
  REQUIRE(answered("2"));
  u.expect_done({"gateway", "stop"});
  u.expect_done({"gateway", "start"});
  client << R"({"jsonrpc":"2.0","id":3,"method":"tools/list"})" << std::endl;
  CHECK(answered("3"));
  auto const sessions = [&] { return u.json({"gateway", "status"}).at("sessions").as_int64(); };
  CHECK(sessions() == 1);
  client.close();
  CHECK(proxy.wait().status == 0);
  CHECK(sessions() == 0);
}

TEST_CASE("what is no message gets an error, and the others go on", "[cli][mcp]") {
  user u;
  u.expect_done({"run", "--name", "one", TINY_SERVER});
  auto const answers = proxied(u, "one",
                               {"nonsense", "[]", R"({"jsonrpc":"2.0"})", initialize, initialized,
                                R"({"jsonrpc":"2.0","id":2,"method":"ping"})"});
  REQUIRE(answers.size() == 5);
  CHECK(answer_to(answers, 2).at("result").as_object().empty());
  CHECK(std::count_if(answers.begin(), answers.end(), [](auto const& a) {
          return a.find(R"("id":null)") != std::string::npos;
        }) == 3);
  auto const unknown = u.run({"proxy", "stdio", "nosuch"});
  CHECK(unknown.status == 1);
  CHECK(unknown.err.find("does not exist") != std::string::npos);
}
