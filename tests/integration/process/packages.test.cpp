// SPDX-License-Identifier: Apache-2.0
// Real servers from npm and the Python index.
#include <set>

#include "support.hpp"

using namespace process_test;

static constexpr char everything[] = "npx://@modelcontextprotocol/server-everything";

/// A house whose packages come from the cache that tests share.
struct shared_house : house {
  shared_house() {
    cache = shared_cache();
    runtime = make();
  }
};

static std::set<std::string> tool_names(json::object const& answer) {
  std::set<std::string> names;
  for (auto const& tool : answer.at("tools").as_array()) names.emplace(tool.at("name").as_string());
  return names;
}

TEST_CASE("server-everything runs as one process and sees only its own environment",
          "[process][integration][npm]") {
  for (auto const* name : {"THV_SECRET_OTHER", "TOOLHIVE_SECRET_OTHER", "UNRELATED_VARIABLE"})
    ::setenv(name, "must-not-be-seen", 1);
  ::setenv("NO_PROXY", "localhost", 1);
  shared_house h;
  auto spec = h.spec("everything", everything);
  spec.environment = {{"GREETING", "hello"}, {"API_KEY", "given"}};
  spec.secret_names = {"API_KEY"};
  must(h.runtime->prepare(within(180s), spec));
  auto const member = must(h.runtime->deploy(within(20s), spec));
  client c(must(h.runtime->attach({}, member.id)));
  CHECK(c.initialize().at("serverInfo").as_object().contains("name"));
  CHECK(h.processes().size() == 1);
  auto const answer = c.ask(2, "tools/call", {{"name", "get-env"}, {"arguments", json::object{}}});
  auto const text = answer.at("content").at(0).at("text").as_string();
  auto const variables = json::parse(text).as_object();
  CHECK(variables.at("GREETING") == "hello");
  CHECK(variables.at("API_KEY") == "given");
  CHECK(variables.at("THV_WORKLOAD") == "everything");
  CHECK(variables.at("THV_GROUP") == "tools");
  CHECK(variables.at("THV_STORE").as_string() == json::string_view(h.store));
  CHECK(variables.at("NO_PROXY") == "localhost");
  std::set<std::string> const ours{"THV_WORKLOAD", "THV_GROUP", "THV_STORE", "THV_INSTANCE"};
  for (auto const& item : variables) {
    std::string const key(item.key());
    INFO(key);
    CHECK(item.value() != "must-not-be-seen");
    if (key.starts_with("THV_")) CHECK(ours.count(key) == 1);
    CHECK_FALSE(key.starts_with("TOOLHIVE_"));
  }
}

TEST_CASE("server-memory keeps its state over client processes", "[process][integration][npm]") {
  shared_house h;
  auto spec = h.spec("memory", "npx://@modelcontextprotocol/server-memory");
  spec.environment["MEMORY_FILE_PATH"] = h.root() + "/memory.json";
  must(h.runtime->prepare(within(180s), spec));
  auto const member = must(h.runtime->deploy(within(20s), spec));
  {
    client c(must(h.runtime->attach({}, member.id)));
    c.initialize();
  }
  peer second(h, "exchange", member.id,
              R"({"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}})");
  auto const answer = json::parse(second.read_line());
  CHECK(tool_names(answer.at("result").as_object()).count("create_entities") == 1);
  CHECK(second.wait() == 0);
  auto const before = std::chrono::steady_clock::now();
  must(h.runtime->stop(within(15s), member.id));
  CHECK(std::chrono::steady_clock::now() - before < 5s);  // it ends on TERM
  CHECK(h.processes().empty());
}

TEST_CASE("server-everything over HTTP gets its port", "[process][integration][npm]") {
  shared_house h;
  auto spec = h.spec("web", everything);
  spec.transport = transport::streamable_http;
  spec.arguments = {"streamableHttp"};
  must(h.runtime->prepare(within(180s), spec));
  auto const member = must(h.runtime->deploy(within(20s), spec));
  CHECK(eventually(
      [&] {
        auto const notes = must(h.runtime->inspect({}, member.id)).notes;
        return notes.size() == 1 &&
               notes.front().find(":" + std::to_string(member.port)) != std::string::npos;
      },
      20s));
}

TEST_CASE("mcp-server-time runs from the Python index", "[process][integration][pypi]") {
  shared_house h;
  auto spec = h.spec("time", "uvx://mcp-server-time");
  spec.arguments = {"--local-timezone", "Europe/Paris"};
  must(h.runtime->prepare(within(220s), spec));
  auto const member = must(h.runtime->deploy(within(20s), spec));
  client c(must(h.runtime->attach({}, member.id)));
  c.initialize();
  CHECK(tool_names(c.ask(2, "tools/list")).count("get_current_time") == 1);
  CHECK(h.processes().size() == 1);
}
