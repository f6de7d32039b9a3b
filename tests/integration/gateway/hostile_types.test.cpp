// SPDX-License-Identifier: Apache-2.0
// Members and clients of both eras that say what is of the wrong type, in every field of every
// message: nothing crashes or hangs, every request is answered, and nothing is left behind.
#include <atomic>
#include <optional>
#include <random>
#include <set>

#include <fmt/format.h>
#include <boost/json.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "scripted.hpp"
#include "support.hpp"
#include "wire.hpp"

using namespace thv;
using namespace thv::test;
using namespace std::chrono_literals;

namespace json = boost::json;

namespace {

constexpr unsigned seed = 20260728;

gateway::server_options hurried() {
  gateway::server_options o;
  o.limits.call_time = 1000ms;
  o.limits.start_time = 2000ms;
  return o;
}

std::string const all_capabilities =
    R"({"sampling":{},"elicitation":{"form":{}},"roots":{"listChanged":true}})";

std::string greeting_of_client() {
  return R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":)"
         R"("2025-11-25","capabilities":)" +
         all_capabilities + R"(,"clientInfo":{"name":"wire","version":"1"}}})";
}

std::string envelope() {
  return R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
         R"("io.modelcontextprotocol/clientCapabilities":)" +
         all_capabilities +
         R"(,"io.modelcontextprotocol/clientInfo":{"name":"wire","version":"1"},)"
         R"("io.modelcontextprotocol/logLevel":"debug","progressToken":"t"})";
}

std::string modern_fields(std::string_view method, std::string_view name = {}) {
  auto fields = fmt::format("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {}\r\n", method);
  if (!name.empty()) fields += fmt::format("Mcp-Name: {}\r\n", name);
  return fields;
}

std::string path_of(std::string const& member, std::string_view end = "/mcp") {
  return "/servers/" + member + std::string(end);
}

/// A request of an era for act `i` of a member.
std::string act(std::string const& member, bool modern, std::string const& session, std::size_t i) {
  if (modern)
    return post(path_of(member),
                fmt::format(R"({{"jsonrpc":"2.0","id":"c{}","method":"tools/call","params":)"
                            R"({{"name":"act","arguments":{{"i":{}}},{}}}}})",
                            i, i, envelope()),
                modern_fields("tools/call", "act") + fmt::format("Mcp-Param-I: {}\r\n", i));
  return post(
      path_of(member),
      fmt::format(R"({{"jsonrpc":"2.0","id":"c{}","method":"tools/call","params":)"
                  R"({{"name":"act","arguments":{{"i":{}}},"_meta":{{"progressToken":"t"}}}}}})",
                  i, i),
      fmt::format("Mcp-Session-Id: {}\r\nMCP-Protocol-Version: 2025-11-25\r\n", session));
}

std::string open_session(wire& line, std::string const& member) {
  auto const t = talk(line, post(path_of(member), greeting_of_client()));
  return t.session;
}

struct kind {
  char const* name;
  thv::transport transport;
  bool stateless;
  bool events;
};

constexpr kind kinds[] = {
    {"legacy over stdio", transport::stdio, false, false},
    {"stateless over stdio", transport::stdio, true, false},
    {"legacy over HTTP", transport::streamable_http, false, false},
    {"legacy over HTTP with events", transport::streamable_http, false, true},
    {"stateless over HTTP", transport::streamable_http, true, false},
    {"stateless over HTTP with events", transport::streamable_http, true, true},
    {"HTTP+SSE", transport::sse, false, true},
};

std::vector<std::vector<std::string>> hostile_acts(bool stateless) {
  std::string const last =
      stateless ? R"({"jsonrpc":"2.0","id":"@ID@","result":{"resultType":"complete","content":[]}})"
                : R"({"jsonrpc":"2.0","id":"@ID@","result":{"content":[]}})";
  std::vector<std::vector<std::string>> acts;
  auto const alone = [&](std::string_view text) {
    for (auto& one : mutations(text)) acts.push_back({std::move(one)});
  };
  auto const before = [&](std::string_view text) {
    for (auto& one : mutations(text)) acts.push_back({std::move(one), last});
  };
  alone(
      R"({"jsonrpc":"2.0","id":"@ID@","result":{"content":[{"type":"text","text":"x"}],"structuredContent":{"n":1},"isError":true,"resultType":"complete","_meta":{"io.modelcontextprotocol/x":1,"io.modelcontextprotocol/subscriptionId":"@ID@"}}})");
  alone(
      R"({"jsonrpc":"2.0","id":"@ID@","error":{"code":-32602,"message":"no","data":{"supported":["2025-11-25"]}}})");
  alone(
      R"({"jsonrpc":"2.0","id":"@ID@","result":{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object"}}},"b":{"method":"roots/list"}},"requestState":"s"}})");
  before(
      R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"@TOKEN@","progress":1,"total":2,"_meta":{"io.modelcontextprotocol/x":1}}})");
  before(
      R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","logger":"l","data":{"a":1}}})");
  before(
      R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"@LISTEN@"}}})");
  before(
      R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b","_meta":{"io.modelcontextprotocol/subscriptionId":"@LISTEN@"}}})");
  before(
      R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{},"_meta":{"io.modelcontextprotocol/subscriptionId":"@LISTEN@"}}})");
  before(
      R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7,"reason":"r"}})");
  before(
      R"({"jsonrpc":"2.0","id":7,"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"type":"text","text":"x"}}],"maxTokens":1,"_meta":{"progressToken":3}}})");
  before(
      R"({"jsonrpc":"2.0","id":"e","method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object"}}})");
  before(R"({"jsonrpc":"2.0","id":8,"method":"roots/list","params":{}})");
  before(R"({"jsonrpc":"2.0","id":9,"method":"ping"})");
  acts.push_back({last});
  return acts;
}

}  // namespace

TEST_CASE("members that answer with wrong types leave every call answered",
          "[gateway][integration][types]") {
  for (auto const& k : kinds) {
    SECTION(k.name) {
      auto const acts = hostile_acts(k.stateless);
      auto script = sound_script(k.stateless);
      script.acts = acts;
      script.events = k.events;
      scripted_members members;
      constexpr std::size_t shards = 128;
      for (std::size_t i = 0; i < shards; ++i)
        members.add(fmt::format("m{}", i), k.transport, script);
      scripted_gateway gateway(members, hurried());
      for (bool const modern : {false, true}) {
        std::atomic<std::size_t> next = 0;
        std::vector<std::function<void()>> jobs;
        std::mutex guard;
        std::vector<std::size_t> silent;
        for (std::size_t shard = 0; shard < shards; ++shard)
          jobs.emplace_back([&, shard] {
            auto const member = fmt::format("m{}", shard);
            auto line = std::make_unique<wire>(gateway.port());
            auto session = modern ? std::string() : open_session(*line, member);
            for (auto i = next++; i < acts.size(); i = next++) {
              auto const t = talk(*line, act(member, modern, session, i));
              if (t.status == 0) {
                std::lock_guard const lock(guard);
                silent.push_back(i);
                line = std::make_unique<wire>(gateway.port());
              }
              // A member may end the session.
              if (t.status == 404 && !modern) session = open_session(*line, member);
            }
          });
        at_once(shards, jobs);
        for (auto const i : silent) UNSCOPED_INFO("never answered: " << acts[i][0]);
        CHECK(silent.empty());
        // The last act is a sound one.
        for (std::size_t shard = 0; shard < shards; ++shard) {
          auto const member = fmt::format("m{}", shard);
          wire line(gateway.port());
          auto const session = modern ? std::string() : open_session(line, member);
          auto const t = talk(line, act(member, modern, session, acts.size() - 1));
          CAPTURE(modern, member, t.body);
          CHECK(t.status == 200);
          CHECK(t.body.find("\"content\":[]") != std::string::npos);
        }
      }
      // Calls that are parked for a client that does not come back end with their time.
      for (auto const& m : gateway.server().status().members) CHECK(m.state == "ready");
    }
  }
}

TEST_CASE("members that greet with wrong types are down or ready, and asked in time",
          "[gateway][integration][types]") {
  for (auto const& k : kinds) {
    if (k.events && k.transport != transport::sse) continue;  // the same
    SECTION(k.name) {
      auto const sound = sound_script(k.stateless);
      scripted_members members;
      std::size_t count = 0;
      for (auto const* const method :
           {k.stateless ? "server/discover" : "initialize", "tools/list", "resources/list"}) {
        auto const all = mutations(sound.answers.at(method));
        for (auto const& text : all) {
          auto words = sound;
          words.answers[method] = text;
          words.events = k.events;
          members.add(fmt::format("m{}", count++), k.transport, std::move(words));
        }
      }
      if (k.stateless)
        for (auto const& text : mutations(sound.answers.at("initialize"))) {
          auto words = sound;
          words.answers["initialize"] = text;
          members.add(fmt::format("m{}", count++), k.transport, std::move(words));
        }
      members.add("sound", k.transport, sound);
      scripted_gateway gateway(members, hurried());
      std::atomic<int> unanswered = 0;
      std::vector<std::function<void()>> jobs;
      for (std::size_t i = 0; i < count; ++i)
        jobs.emplace_back([&, i] {
          auto const member = fmt::format("m{}", i);
          wire line(gateway.port());
          auto const t = talk(line, post(path_of(member), greeting_of_client()));
          if (t.status == 0) {
            ++unanswered;
            return;
          }
          for (auto const* const method : {"tools/list", "resources/list"}) {
            auto const fields = t.session.empty()
                                    ? std::string()
                                    : fmt::format("Mcp-Session-Id: {}\r\n", t.session);
            if (talk(line, post(path_of(member),
                                fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"{}"}})", method),
                                fields))
                    .status == 0)
              ++unanswered;
            if (talk(line,
                     post(path_of(member),
                          fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"{}","params":{{{}}}}})",
                                      method, envelope()),
                          modern_fields(method)))
                    .status == 0)
              ++unanswered;
          }
        });
      at_once(128, jobs);
      CHECK(unanswered == 0);
      wire line(gateway.port());
      CHECK(talk(line, get("/servers/sound/ready")).status == 200);
    }
  }
}

TEST_CASE("clients that say what is of the wrong type are answered, and nobody else is disturbed",
          "[gateway][integration][types]") {
  for (auto const& k : kinds) {
    if (k.events && k.transport != transport::sse) continue;
    SECTION(k.name) {
      auto script = sound_script(k.stateless);
      script.acts = {{script.answers.at("tools/list")}};
      script.events = k.events;
      scripted_members members;
      constexpr std::size_t shards = 12;
      for (std::size_t i = 0; i < shards; ++i)
        members.add(fmt::format("m{}", i), k.transport, script);
      members.add("sound", k.transport, script);
      scripted_gateway gateway(members, hurried());

      struct attack {
        std::string body;
        std::string fields;  ///< "s": of the session
      };
      std::vector<attack> all;
      auto const legacy = [&](std::string_view text) {
        for (auto& one : mutations(text)) all.push_back({std::move(one), "s"});
      };
      auto const modern = [&](std::string_view method, std::string const& params,
                              std::string_view name = {}) {
        auto const text =
            fmt::format(R"({{"jsonrpc":"2.0","id":5,"method":"{}","params":{{{}{}}}}})", method,
                        params.empty() ? "" : params + ",", envelope());
        for (auto& one : mutations(text))
          all.push_back({std::move(one), modern_fields(method, name)});
      };
      legacy(greeting_of_client());
      for (auto& one : mutations(greeting_of_client())) all.push_back({std::move(one), ""});
      legacy(
          R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"act","arguments":{"i":0},"_meta":{"progressToken":"t","io.modelcontextprotocol/x":1}}})");
      legacy(R"({"jsonrpc":"2.0","id":5,"method":"resources/subscribe","params":{"uri":"a:b"}})");
      legacy(R"({"jsonrpc":"2.0","id":5,"method":"logging/setLevel","params":{"level":"debug"}})");
      legacy(R"({"jsonrpc":"2.0","id":5,"method":"prompts/get","params":{"name":"p"}})");
      legacy(
          R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5,"reason":"r"}})");
      legacy(
          R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":5,"progress":1}})");
      legacy(
          R"({"jsonrpc":"2.0","method":"notifications/initialized","params":{"_meta":{"a":1}}})");
      legacy(
          R"({"jsonrpc":"2.0","id":1,"result":{"roots":[],"_meta":{"io.modelcontextprotocol/x":1}}})");
      legacy(R"({"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}})");
      modern("server/discover", "");
      modern("tools/list", R"("cursor":"x")");
      modern("tools/call", R"("name":"act","arguments":{"i":0})", "act");
      modern(
          "tools/call",
          R"("name":"act","arguments":{},"requestState":"x","inputResponses":{"a":{"action":"accept"}})",
          "act");
      modern("resources/read", R"("uri":"a:b")", "a:b");
      modern("subscriptions/listen",
             R"("notifications":{"toolsListChanged":true,"resourceSubscriptions":["a:b",5]})");
      // Two places at once, of any two messages.
      std::mt19937 random(seed);
      for (int i = 0; i < 400; ++i) {
        auto& one = all[random() % all.size()];
        auto again = mutations(one.body);
        if (!again.empty()) all.push_back({again[random() % again.size()], one.fields});
      }

      std::atomic<std::size_t> next = 0;
      std::mutex guard;
      std::vector<std::string> silent;
      std::vector<std::function<void()>> jobs;
      for (std::size_t shard = 0; shard < shards; ++shard)
        jobs.emplace_back([&, shard] {
          auto const member = fmt::format("m{}", shard);
          auto line = std::make_unique<wire>(gateway.port());
          auto const session = open_session(*line, member);
          for (auto i = next++; i < all.size(); i = next++) {
            auto const& a = all[i];
            auto const fields =
                a.fields == "s"
                    ? fmt::format("Mcp-Session-Id: {}\r\nMCP-Protocol-Version: 2025-11-25\r\n",
                                  session)
                    : a.fields;
            if (a.body.find("subscriptions/listen") != std::string::npos) {
              // Its stream does not end: its head is its answer.
              wire own(gateway.port());
              own.send(post(path_of(member), a.body, fields));
              if (own.until("\r\n\r\n", 8s)) continue;
            } else if (talk(*line, post(path_of(member), a.body, fields)).status != 0) {
              continue;
            }
            std::lock_guard const lock(guard);
            silent.push_back(a.body);
            line = std::make_unique<wire>(gateway.port());
          }
        });
      at_once(shards, jobs);
      for (auto const& text : silent) UNSCOPED_INFO("never answered: " << text);
      CHECK(silent.empty());
      wire line(gateway.port());
      CHECK(talk(line, get("/servers/sound/ready")).status == 200);
      // A stateless member has one subscription of the gateway's own.
      std::size_t const most = k.stateless ? shards : 0;
      CHECK(gateway.in_flight(6s, most) <= most);
    }
  }
}
