// SPDX-License-Identifier: Apache-2.0
// Everything comes and goes at once: sessions, streams, calls, questions, members. What matters is
// that the gateway lives, holds on to nothing, and serves whoever is left.
#include <deque>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <boost/json.hpp>
#include <catch2/catch_test_macros.hpp>

#include "scripted.hpp"
#include "support.hpp"
#include "wire.hpp"

using namespace thv;
using namespace thv::test;
using namespace std::chrono_literals;

namespace json = boost::json;

namespace {

constexpr unsigned seed = 20260728;
constexpr auto duration = 8s;

std::string const capabilities = R"({"sampling":{},"elicitation":{"form":{}},"roots":{}})";

std::vector<std::vector<std::string>> acts(bool stateless) {
  std::string const last =
      stateless ? R"({"jsonrpc":"2.0","id":"@ID@","result":{"resultType":"complete","n":1}})"
                : R"({"jsonrpc":"2.0","id":"@ID@","result":{"n":1}})";
  std::string const ask =
      R"({"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"m"}})";
  return {
      {last},
      {R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"@TOKEN@","progress":1}})",
       R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}})",
       last},
      {ask, last},
      {ask, R"({"jsonrpc":"2.0","id":3,"method":"sampling/createMessage","params":{}})",
       R"({"jsonrpc":"2.0","id":4,"method":"roots/list"})"},
      {R"({"jsonrpc":"2.0","id":"@ID@","result":{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{}},"b":{"method":"roots/list"}},"requestState":"s"}})"},
      {R"({"jsonrpc":"2.0","id":"@ID@","result":{"resultType":"input_required","requestState":"s"}})"},
      {std::string(hang)},
      {R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"q"}})",
       R"({"jsonrpc":"2.0","method":"notifications/resources/list_changed"})", last},
      {R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}})",
       last},
      {std::string(lose), last},
      {last, std::string(die)},
      {std::string(die)},
  };
}

class client {
 public:
  client(std::uint16_t port, std::vector<std::string> members, unsigned number)
      : port_(port), members_(std::move(members)), random_(seed + number) {}

  void run(std::chrono::steady_clock::time_point until) {
    while (std::chrono::steady_clock::now() < until) {
      member_ = members_[dice(members_.size())];
      switch (dice(12)) {
        case 0:
        case 1:
          open();
          break;
        case 2:
          end();
          break;
        case 3:
          stream();
          break;
        case 4:
          old();
          break;
        case 5:
          listen();
          break;
        case 6:
          small();
          break;
        case 7:
        case 8:
        case 9:
          modern();
          break;
        default:
          call();
      }
      while (kept_.size() > 6) kept_.pop_front();
      while (sessions_.size() > 4) sessions_.pop_front();
    }
  }

 private:
  std::size_t dice(std::size_t sides) { return random_() % sides; }
  std::string path(std::string_view end = "/mcp") const {
    return "/servers/" + member_ + std::string(end);
  }
  static std::string fields(std::string const& session) {
    return fmt::format("Mcp-Session-Id: {}\r\n", session);
  }
  std::string tool() {
    // Members that go are in trouble most of the time: not each time.
    auto i = dice(12);
    if (i >= 9 && dice(6) != 0) i = 0;
    return fmt::format(R"("name":"act","arguments":{{"i":{}}})", i);
  }
  struct place {
    std::string member;
    std::string session;
  };
  bool choose() {
    if (sessions_.empty()) return false;
    auto const& one = sessions_[dice(sessions_.size())];
    member_ = one.member;
    session_ = one.session;
    return true;
  }

  void open() {
    wire line(port_);
    auto const t = talk(
        line,
        post(
            path(),
            fmt::format(
                R"({{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{{"name":"c","version":"1"}}}}}})",
                dice(3) == 0 ? "{}" : capabilities)),
        500ms);
    if (!t.session.empty()) sessions_.push_back({member_, t.session});
  }

  void end() {
    if (!choose()) return;
    wire line(port_);
    line.send("DELETE " + path() + " HTTP/1.1\r\nHost: localhost\r\n" + fields(session_) + "\r\n");
    (void)line.answer(300ms);
  }

  void stream() {
    if (!choose()) return;
    wire line(port_);
    line.send(get(path(), fields(session_)));
    (void)line.until("\r\n\r\n", 100ms);
    kept_.push_back(std::move(line));
  }

  void old() {
    wire line(port_);
    line.send(get(path("/sse")));
    auto const endpoint = line.until("\n\n", 300ms);
    if (!endpoint) return;
    auto const at = endpoint->find("/servers/");
    if (at == std::string::npos) return;
    auto const messages = endpoint->substr(at, endpoint->find('\n', at) - at);
    wire other(port_);
    for (
        auto const& text :
        {fmt::format(
             R"({{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{{"name":"c","version":"1"}}}}}})",
             capabilities),
         fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{}}}}})", tool()),
         fmt::format(R"({{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{{}}}}})", tool()),
         std::string(R"({"jsonrpc":"2.0","id":1,"result":{"roots":[]}})")}) {
      other.send(post(messages, text));
      (void)other.answer(std::chrono::milliseconds(20 + dice(100)));
    }
    if (dice(2) == 0) kept_.push_back(std::move(line));
  }

  static std::string envelope() {
    return R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
           R"("io.modelcontextprotocol/clientCapabilities":)" +
           capabilities + R"(,"io.modelcontextprotocol/logLevel":"info","progressToken":1})";
  }

  void listen() {
    wire line(port_);
    line.send(post(
        path(),
        fmt::format(
            R"({{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}},{}}}}})",
            envelope()),
        "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\n"));
    (void)line.until("\r\n\r\n", 100ms);
    if (dice(2) == 0) kept_.push_back(std::move(line));
  }

  void small() {
    if (!choose()) return;
    wire line(port_);
    for (auto const* const text :
         {R"({"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"a:b"}})",
          R"({"jsonrpc":"2.0","id":2,"method":"logging/setLevel","params":{"level":"debug"}})",
          R"({"jsonrpc":"2.0","method":"notifications/initialized"})",
          R"({"jsonrpc":"2.0","id":3,"method":"tools/list"})",
          R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}})",
          R"({"jsonrpc":"2.0","id":1,"result":{"action":"accept"}})",
          R"({"jsonrpc":"2.0","id":2,"error":{"code":-1,"message":"no"}})",
          R"({"jsonrpc":"2.0","id":4,"method":"resources/unsubscribe","params":{"uri":"a:b"}})"})
      if (dice(2) == 0) {
        line.send(post(path(), text, fields(session_)));
        (void)line.answer(100ms);
      }
  }

  /// A call whose questions are answered, or not, or which is taken back, or left.
  void call() {
    if (!choose()) return;
    wire line(port_);
    line.send(post(
        path(),
        fmt::format(
            R"({{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{{{},"_meta":{{"progressToken":9}}}}}})",
            tool()),
        fields(session_)));
    for (int i = 0; i < 4; ++i) {
      auto const event = line.until("\n\n", std::chrono::milliseconds(10 + dice(150)));
      if (!event) break;
      auto const at = event->find("\"id\":");
      if (at == std::string::npos || event->find("\"method\"") == std::string::npos) continue;
      auto const id = event->substr(at + 5, event->find_first_of(",}", at) - at - 5);
      if (dice(4) == 0) continue;
      wire other(port_);
      other.send(post(path(),
                      fmt::format(R"({{"jsonrpc":"2.0","id":{},{}}})", id,
                                  dice(3) == 0 ? R"("error":{"code":-1,"message":"no"})"
                                               : R"("result":{"action":"accept"})"),
                      fields(session_)));
      (void)other.answer(100ms);
    }
    if (dice(3) == 0) {
      wire other(port_);
      other.send(
          post(path(),
               R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}})",
               fields(session_)));
      (void)other.answer(100ms);
    }
    if (dice(3) == 0) kept_.push_back(std::move(line));
  }

  void modern() {
    wire line(port_);
    auto const asked = tool();
    auto const send = [&](std::string const& more) {
      return talk(
          line,
          post(path(),
               fmt::format(
                   R"({{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{{{},{}{}}}}})",
                   asked, more, envelope()),
               "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: act\r\n" +
                   fmt::format("Mcp-Param-I: {}\r\n",
                               asked.substr(asked.find("\"i\":") + 4,
                                            asked.find('}') - asked.find("\"i\":") - 4))),
          std::chrono::milliseconds(20 + dice(200)));
    };
    auto answer = send("");
    for (int i = 0; i < 3 && answer.body.find("input_required") != std::string::npos; ++i) {
      if (dice(4) == 0) return;
      json::error_code ec;
      auto const at = answer.body.find('{');
      auto const value =
          json::parse({answer.body.data() + at, answer.body.rfind('}') - at + 1}, ec);
      auto const* state = value.find_pointer("/result/requestState", ec);
      std::string responses;
      if (auto const* all = value.find_pointer("/result/inputRequests", ec);
          all && all->is_object())
        for (auto const& one : all->get_object())
          responses += (responses.empty() ? "" : ",") + json::serialize(one.key()) +
                       R"(:{"action":"accept"})";
      answer = send(fmt::format(R"("requestState":{},"inputResponses":{{{}}},)",
                                state && dice(5) != 0 ? json::serialize(*state) : "\"wrong\"",
                                responses));
    }
  }

  std::uint16_t port_;
  std::vector<std::string> members_;
  std::mt19937 random_;
  std::string member_;
  std::string session_;
  std::deque<place> sessions_;
  std::deque<wire> kept_;
};

}  // namespace

TEST_CASE("everything comes and goes at once", "[gateway][integration][chaos]") {
  scripted_members members;
  std::vector<std::string> names;
  for (bool const stateless : {false, true})
    for (auto const transport : {transport::stdio, transport::streamable_http, transport::sse})
      for (bool const events : {false, true}) {
        if (transport != transport::streamable_http && events) continue;
        if (transport == transport::sse && stateless) continue;
        auto words = sound_script(stateless);
        words.acts = acts(stateless);
        words.events = words.talks = events;
        names.push_back(fmt::format("m{}", names.size()));
        members.add(names.back(), transport, std::move(words));
      }
  gateway::server_options options;
  options.limits.call_time = 2000ms;
  options.limits.start_time = 2000ms;
  options.limits.session_time = 2000ms;
  options.limits.sessions = 60;
  scripted_gateway gateway(members, options);
  auto const until = std::chrono::steady_clock::now() + duration;
  {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 24; ++i)
      threads.emplace_back([&, i] { client(gateway.port(), names, i).run(until); });
    std::mt19937 random(seed);
    while (std::chrono::steady_clock::now() < until) {
      auto const name = names[random() % names.size()];
      plugin::call c;
      c.deadline = std::chrono::steady_clock::now() + 300ms;
      switch (random() % 3) {
        case 0:
          gateway.server().release(name);
          break;
        case 1:
          (void)gateway.server().prove(c, name);
          break;
        default:
          gateway.server().refresh();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
    }
    for (auto& thread : threads) thread.join();
  }
  gateway.server().refresh();
  for (auto const& name : names) {
    plugin::call c;
    c.deadline = std::chrono::steady_clock::now() + 20s;
    auto const ready = gateway.server().prove(c, name);
    CAPTURE(name);
    CHECK((ready ? "ready" : to_string(ready.error())) == "ready");
  }
  std::this_thread::sleep_for(5s);  // calls and sessions have their time
  auto const status = gateway.server().status();
  CHECK(status.sessions == 0);
  CHECK(status.connections == 0);
  for (auto const& m : status.members) {
    CAPTURE(m.name, m.state, m.message);
    CHECK(m.in_flight <= (m.revision == "2026-07-28" ? 1 : 0));  // its own subscription may last
    CHECK(m.sessions == 0);
  }
}
