// SPDX-License-Identifier: Apache-2.0
#include <thv/mcp/probe.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "../net/server.hpp"

using namespace std::chrono_literals;
using thv::errc;
using thv::mcp::probe_http;
using thv::test::peer;
using thv::test::tcp_server;
using thv::test::within;
namespace json = boost::json;

namespace {

/// One request as the server sees it. Names of headers in lower case.
struct request {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;
  std::string body;

  [[nodiscard]] json::object message() const { return json::parse(body).as_object(); }
  [[nodiscard]] std::string rpc_method() const {
    auto const m = message();
    return m.contains("method") ? std::string(m.at("method").as_string()) : std::string();
  }
};

request read_request(peer& p) {
  request r;
  auto const head = p.head();
  auto const first = head.substr(0, head.find("\r\n"));
  r.method = first.substr(0, first.find(' '));
  r.target = first.substr(r.method.size() + 1, first.rfind(' ') - r.method.size() - 1);
  for (std::size_t at = first.size() + 2; at < head.size();) {
    auto const end = head.find("\r\n", at);
    auto const line = head.substr(at, end - at);
    at = end + 2;
    auto const colon = line.find(": ");
    if (colon == std::string::npos) continue;
    auto name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), ::tolower);
    r.headers[name] = line.substr(colon + 2);
  }
  if (auto const size = r.headers.find("content-length"); size != r.headers.end())
    r.body = p.take(std::stoul(size->second));
  return r;
}

std::string reply(int status, std::string_view type, std::string_view body,
                  std::string_view more = "") {
  return fmt::format(
      "HTTP/1.1 {} X\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}",
      status, type, body.size(), more, body);
}

std::string result_for(json::object const& message) {
  auto const method = message.at("method").as_string();
  std::string_view result = R"({"tools":[{"name":"a"},{"name":"b"}]})";
  if (method == "initialize")
    result =
        R"({"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}})";
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{}}})", message.at("id").as_int64(),
                     result);
}

/// Requests that were seen, in order.
class seen_requests {
 public:
  void add(request const& r) {
    std::lock_guard const guard(mutex_);
    all_.push_back(r);
  }
  [[nodiscard]] std::vector<request> all() const {
    std::lock_guard const guard(mutex_);
    return all_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<request> all_;
};

thv::plugin::endpoint at(tcp_server const& server, std::string const& path) {
  thv::plugin::endpoint e;
  e.url = fmt::format("http://127.0.0.1:{}{}", server.local().port(), path);
  return e;
}

thv::result<thv::mcp::probe_result> probe(thv::plugin::endpoint const& where,
                                          thv::transport t = thv::transport::streamable_http) {
  return probe_http(within(5s), where, t);
}

/// The outcome of a probe against a server that answers every request with one text.
thv::error refusal(std::string const& text, thv::transport t = thv::transport::streamable_http) {
  tcp_server server([&](peer& p) {
    (void)read_request(p);
    p.write(text);
  });
  auto const found = probe(at(server, "/mcp"), t);
  REQUIRE_FALSE(found);
  return found.error();
}

}  // namespace

TEST_CASE("a session over Streamable HTTP is opened, used and ended", "[mcp][unit]") {
  seen_requests seen;
  bool const events = GENERATE_COPY(false, true);
  tcp_server server([&](peer& p) {
    auto const r = read_request(p);
    seen.add(r);
    if (r.method == "DELETE") {
      p.write(reply(200, "text/plain", ""));
    } else if (r.rpc_method() == "notifications/initialized") {
      p.write("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    } else if (events) {
      auto const text = ": hi\r\nevent: message\r\ndata: " + result_for(r.message()) + "\r\n\r\n";
      p.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nMcp-Session-Id: s-1\r\n\r\n");
      p.write(text);
      p.until_closed();  // The stream stays open: the answer alone must be enough.
    } else {
      p.write(reply(200, "application/json; charset=utf-8", result_for(r.message()),
                    "Mcp-Session-Id: s-1\r\n"));
    }
  });
  auto where = at(server, "/mcp?team=x");
  where.headers = {{"Authorization", "Bearer abc"}, {"accept", "nothing"}};
  auto const found = probe(where);
  REQUIRE(found);
  CHECK(found->protocol_version == "2025-06-18");
  CHECK(found->tools == std::vector<std::string>{"a", "b"});

  auto const all = seen.all();
  REQUIRE(all.size() == 4);
  CHECK(all[0].target == "/mcp?team=x");
  CHECK_FALSE(all[0].headers.contains("mcp-session-id"));
  CHECK_FALSE(all[0].headers.contains("mcp-protocol-version"));
  CHECK(all[1].rpc_method() == "notifications/initialized");
  CHECK(all[2].rpc_method() == "tools/list");
  CHECK(all[2].headers.at("mcp-protocol-version") == "2025-06-18");
  CHECK(all[3].method == "DELETE");
  for (auto const& r : all) {
    CHECK(r.headers.at("authorization") == "Bearer abc");
    CHECK(r.headers.at("accept") == "application/json, text/event-stream");
    if (&r != &all[0]) CHECK(r.headers.at("mcp-session-id") == "s-1");
  }
}

TEST_CASE("the server's own requests are answered while its stream is open", "[mcp][unit]") {
  std::mutex mutex;
  std::condition_variable answered;
  bool pong = false;
  tcp_server server([&](peer& p) {
    auto const r = read_request(p);
    if (r.method != "POST") return;
    if (r.rpc_method().empty()) {
      std::lock_guard const guard(mutex);
      pong = r.message().at("id") == "q";
      answered.notify_all();
      p.write("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    } else if (r.rpc_method() == "tools/list") {
      p.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
      p.write("data: {\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"ping\"}\n\n");
      std::unique_lock lock(mutex);
      if (answered.wait_for(lock, 4s, [&] { return pong; }))
        p.write("data: " + result_for(r.message()) + "\n\n");
    } else if (r.rpc_method() == "initialize") {
      p.write(reply(200, "application/json", result_for(r.message())));
    } else {
      p.write("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    }
  });
  CHECK(probe(at(server, "/mcp")));
}

TEST_CASE("a stream that ends before the answer is resumed", "[mcp][unit]") {
  seen_requests seen;
  tcp_server server([&](peer& p) {
    auto const r = read_request(p);
    seen.add(r);
    if (r.method == "GET") {
      auto const asked = seen.all().at(2).message();
      auto const text = "id: e2\ndata: " + result_for(asked) + "\n\n";
      p.write(reply(200, "text/event-stream", text));
    } else if (r.rpc_method() == "tools/list") {
      p.write(reply(200, "text/event-stream", "id: e1\nretry: 10\ndata:\n\n"));
    } else if (r.rpc_method() == "initialize") {
      p.write(reply(200, "application/json", result_for(r.message())));
    } else {
      p.write("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    }
  });
  REQUIRE(probe(at(server, "/mcp")));
  auto const all = seen.all();
  REQUIRE(all.size() == 4);
  CHECK(all[3].headers.at("last-event-id") == "e1");
}

TEST_CASE("a server of the stateless revision gets its headers on every request", "[mcp][unit]") {
  seen_requests seen;
  tcp_server server([&](peer& p) {
    auto const r = read_request(p);
    seen.add(r);
    auto const id = r.message().at("id").as_int64();
    if (r.rpc_method() == "initialize")
      p.write(reply(400, "application/json",
                    R"({"jsonrpc":"2.0","id":null,"error":{"code":-32020,"message":"header"}})"));
    else if (r.rpc_method() == "server/discover")
      p.write(reply(
          200, "application/json",
          fmt::format(
              R"({{"jsonrpc":"2.0","id":{},"result":{{"supportedVersions":["2026-07-28"],"capabilities":{{"tools":{{}}}}}}}})",
              id),
          "Mcp-Session-Id: ignored\r\n"));
    else
      p.write(reply(200, "application/json", result_for(r.message())));
  });
  auto const found = probe(at(server, "/mcp"));
  REQUIRE(found);
  CHECK(found->protocol_version == "2026-07-28");
  auto const all = seen.all();
  REQUIRE(all.size() >= 3);
  for (int i : {1, 2}) {
    CHECK(all[i].headers.at("mcp-protocol-version") == "2026-07-28");
    CHECK(all[i].headers.at("mcp-method") == all[i].rpc_method());
    CHECK_FALSE(all[i].headers.contains("mcp-session-id"));
  }
}

TEST_CASE("a status that is no success is told in words", "[mcp][unit]") {
  CHECK(refusal(reply(401, "text/plain", "no token")).code == errc::unauthenticated);
  CHECK(refusal(reply(403, "text/html", "<h1>no</h1>")).code == errc::unauthenticated);
  CHECK(refusal(reply(403, "text/html", "<h1>no</h1>")).engine_message.empty());
  CHECK(refusal(reply(503, "text/plain", "starting")).code == errc::unavailable);
  auto const missing = refusal(reply(404, "text/plain", "no such page"));
  CHECK(missing.code == errc::engine);
  CHECK(missing.message == "the server answered initialize with HTTP status 404");
  CHECK(missing.engine_message == "no such page");
  CHECK(missing.hint.find("path") != std::string::npos);
  CHECK(refusal(reply(405, "text/plain", "")).hint.find("sse by GET") != std::string::npos);
  CHECK(refusal(reply(302, "text/plain", "")).hint.find("redirects") != std::string::npos);
  CHECK(refusal(reply(401, "text/plain", ""), thv::transport::sse).code == errc::unauthenticated);
}

TEST_CASE("a JSON-RPC error under a bad status is the server's answer", "[mcp][unit]") {
  auto const e = refusal(reply(
      400, "application/json",
      R"({"jsonrpc":"2.0","id":"server-error","error":{"code":-32000,"message":"not today"}})"));
  CHECK(e.code == errc::engine);
  CHECK(e.message == "the server refused initialize (code -32000)");
  CHECK(e.engine_message == "not today");
}

TEST_CASE("what is no MCP endpoint is seen", "[mcp][unit]") {
  CHECK(refusal(reply(200, "text/html", "<html>")).message ==
        "the server answered in 'text/html' instead of JSON or an event stream");
  CHECK(refusal(reply(200, "application/json", "{\"hello\":1}")).engine_message ==
        "it sent, instead of JSON-RPC: {\"hello\":1}");
  CHECK(refusal(reply(200, "application/json", "")).code == errc::engine);
  CHECK(refusal(reply(200, "text/html", "x"), thv::transport::sse).message ==
        "the server answered in 'text/html' instead of an event stream");
}

TEST_CASE("nobody at the address is unavailable, a silent server a timeout", "[mcp][unit]") {
  thv::plugin::endpoint nowhere;
  nowhere.url = "http://127.0.0.1:1/mcp";
  for (auto t : {thv::transport::streamable_http, thv::transport::sse})
    CHECK(probe(nowhere, t).error().code == errc::unavailable);
  tcp_server silent([](peer& p) { p.until_closed(); });
  for (auto t : {thv::transport::streamable_http, thv::transport::sse}) {
    auto const found = probe_http(within(200ms), at(silent, "/mcp"), t);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == errc::timeout);
  }
}

TEST_CASE("a stop ends the exchange at once", "[mcp][unit]") {
  tcp_server silent([](peer& p) { p.until_closed(); });
  std::stop_source stop;
  std::thread canceller([&] {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  auto const before = std::chrono::steady_clock::now();
  auto const found =
      probe_http(within(60s, stop.get_token()), at(silent, "/"), thv::transport::streamable_http);
  canceller.join();
  REQUIRE_FALSE(found);
  CHECK(found.error().code == errc::cancelled);
  CHECK(std::chrono::steady_clock::now() - before < 5s);
}

TEST_CASE("a header's value that the server repeats is not in the error", "[mcp][unit]") {
  tcp_server server([&](peer& p) {
    auto const r = read_request(p);
    p.write(reply(401, "text/plain", "bad token " + r.headers.at("authorization").substr(7)));
  });
  auto where = at(server, "/mcp");
  where.headers = {{"Authorization", "Bearer hunter2-hunter2"}};
  auto const e = probe(where).error();
  CHECK(e.engine_message == "bad token ***");
  CHECK(thv::to_string(e).find("hunter2") == std::string::npos);
}

TEST_CASE("a query of the URL is in no error", "[mcp][unit]") {
  tcp_server server([&](peer& p) {
    (void)read_request(p);
    p.write(reply(404, "text/plain", ""));
  });
  for (auto t : {thv::transport::streamable_http, thv::transport::sse}) {
    auto const e = probe(at(server, "/mcp?key=hunter2"), t).error();
    CHECK((thv::to_string(e) + e.hint).find("hunter2") == std::string::npos);
  }
}

namespace {

/// A server of HTTP+SSE: what is posted is answered on the open stream.
class sse_server {
 public:
  explicit sse_server(std::string endpoint)
      : endpoint_(std::move(endpoint)), server_([this](peer& p) { serve(p); }) {}

  [[nodiscard]] thv::plugin::endpoint where() const { return at(server_, "/base/sse"); }
  [[nodiscard]] std::vector<request> posts() const { return posts_.all(); }

 private:
  void serve(peer& p) {
    auto const r = read_request(p);
    if (r.method == "GET") {
      p.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
      stream_ = &p;  // before the client knows where to post
      p.write("event: endpoint\ndata: " + endpoint_ + "\n\n");
      p.until_closed();
      return;
    }
    posts_.add(r);
    p.write("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    if (r.message().contains("id"))
      stream_.load()->write("event: message\ndata: " + result_for(r.message()) + "\n\n");
  }

  std::string endpoint_;
  seen_requests posts_;
  std::atomic<peer*> stream_ = nullptr;
  tcp_server server_;
};

}  // namespace

TEST_CASE("a session over HTTP+SSE posts to the address that the stream names", "[mcp][unit]") {
  for (auto const& [named, wanted] :
       std::vector<std::pair<std::string, std::string>>{{"/message?id=1", "/message?id=1"},
                                                        {"message?id=1", "/base/message?id=1"},
                                                        {"?id=1", "/base/sse?id=1"}}) {
    sse_server server(named);
    auto where = server.where();
    where.headers = {{"X-Team", "blue"}};
    auto const found = probe(where, thv::transport::sse);
    REQUIRE(found);
    CHECK(found->tools == std::vector<std::string>{"a", "b"});
    auto const posts = server.posts();
    REQUIRE(posts.size() == 3);
    for (auto const& r : posts) {
      CHECK(r.target == wanted);
      CHECK(r.headers.at("x-team") == "blue");
    }
  }
}

TEST_CASE("headers are not sent to another host that a stream names", "[mcp][unit]") {
  for (std::string const named : {"http://127.0.0.2:9/message", "//localhost/message",
                                  "https://127.0.0.1/message", "http://user@127.0.0.1/"}) {
    sse_server server(named);
    auto const found = probe(server.where(), thv::transport::sse);
    INFO(named);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == errc::engine);
    CHECK(server.posts().empty());
  }
}

TEST_CASE("a stream that ends too early is told", "[mcp][unit]") {
  auto const e = refusal(reply(200, "text/event-stream", "event: endpoint\ndata: /mcp\n\n"),
                         thv::transport::sse);
  CHECK((e.code == errc::unavailable || e.code == errc::engine));
}

TEST_CASE("a URL cannot be spoken to over stdio", "[mcp][unit]") {
  thv::plugin::endpoint e;
  e.url = "http://127.0.0.1:1/";
  CHECK(probe(e, thv::transport::stdio).error().code == errc::invalid_argument);
  e.url = "ftp://x/";
  CHECK(probe(e).error().code == errc::invalid_argument);
}
