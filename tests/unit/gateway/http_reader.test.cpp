// SPDX-License-Identifier: Apache-2.0
#include <gateway/http_reader.hpp>

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

using namespace thv::gateway;

namespace {

/// What a request says, as one text to compare.
std::string told(http_request const& r) {
  std::string out = r.method;
  for (auto const& part :
       {r.target, r.host, r.origin, r.accept, r.content_type, r.authorization, r.session,
        r.revision, r.mcp_method, r.mcp_name, r.last_event_id, r.parameters, std::string(r.body)})
    out += "|" + part;
  for (bool const flag : {r.has_host, r.has_origin, r.has_revision, r.has_mcp_method,
                          r.has_mcp_name, r.repeated, r.keep_alive})
    out += flag ? '1' : '0';
  return out;
}

/// Reads pieces as a connection does: what was not used is fed again, with the next in front.
std::vector<std::string> read(std::vector<std::string_view> const& pieces,
                              std::size_t head_limit = 4096, std::size_t body_limit = 4096) {
  request_reader reader(head_limit, body_limit);
  std::vector<std::string> all;
  std::string rest;
  for (auto const piece : pieces) {
    rest += piece;
    std::string_view bytes = rest;
    for (bool more = true; more && !bytes.empty();) {
      std::size_t used = 0;
      auto const outcome = reader.feed(bytes, used);
      bytes.remove_prefix(used);
      more = outcome == http_outcome::done;
      if (outcome == http_outcome::done) all.push_back(told(reader.request()));
      if (outcome == http_outcome::bad) return all.push_back("bad"), all;
      if (outcome == http_outcome::head_large) return all.push_back("431"), all;
      if (outcome == http_outcome::body_large) return all.push_back("413"), all;
    }
    rest = std::string(bytes);
  }
  return all;
}

std::vector<std::string> const samples{
    "POST /servers/a/mcp HTTP/1.1\r\nHost: localhost:4483\r\nOrigin: http://localhost\r\n"
    "Accept: application/json\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n"
    "mcp-session-id: abc\r\nMCP-PROTOCOL-VERSION: 2025-11-25\r\nMcp-Method: tools/call\r\n"
    "Mcp-Name: echo\r\nMcp-Param-City: Bern\r\nAuthorization: Bearer x\r\nLast-Event-ID: 4\r\n"
    "Content-Length: 9\r\n\r\n{\"id\": 1}",
    "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: u\r\n\r\n",
    "GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /b HTTP/1.0\r\nHost: a\r\n\r\n",
    "DELETE /c HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET /d HTTP/1.1\r\nHost: a\r\n\r\nGET /e HTTP/1.1\r\nHost: b\r\n\r\n",
    "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
};

}  // namespace

TEST_CASE("the fields of a request are found, whatever their case", "[gateway][unit]") {
  auto const got = read({samples[0]});
  REQUIRE(got.size() == 1);
  CHECK(got[0] ==
        "POST|/servers/a/mcp|localhost:4483|http://localhost|application/json,text/event-stream|"
        "application/json|Bearer x|abc|2025-11-25|tools/call|echo|4|Mcp-Param-City: Bern\r\n|"
        "{\"id\": 1}1111101");
  CHECK(read({samples[1]}).at(0).find("|abcdefg") != std::string::npos);
  CHECK(read({samples[2]}).at(0).back() == '0');                 // is not kept alive
  CHECK(read({samples[3]}) == std::vector<std::string>{"bad"});  // HTTP/1.0
  CHECK(read({samples[4]}).at(0).substr(read({samples[4]}).at(0).size() - 2) == "11");
  CHECK(read({samples[5]}).size() == 2);
  CHECK(read({samples[6]}) == std::vector<std::string>{"bad"});
}

TEST_CASE("requests read the same whole and cut at every byte", "[gateway][unit]") {
  for (std::string_view const text : samples) {
    auto const whole = read({text});
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      CAPTURE(text, cut);
      REQUIRE(read({text.substr(0, cut), text.substr(cut)}) == whole);
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
    CAPTURE(text);
    CHECK(read(bytes) == whole);
  }
}

TEST_CASE("what is over a limit is told as soon as it is", "[gateway][unit]") {
  CHECK(read({"GET /" + std::string(5000, 'x')}) == std::vector<std::string>{"431"});
  std::string const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ";
  CHECK(read({head + "4097\r\n\r\n"}) == std::vector<std::string>{"413"});
  CHECK(read({head + "4096\r\n\r\n", std::string(4096, 'x')}).size() == 1);
  CHECK(read({"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1001\r\n" +
              std::string(4097, 'x') + "\r\n0\r\n\r\n"}) == std::vector<std::string>{"413"});
}

TEST_CASE("a client that waits for leave to send is told once", "[gateway][unit]") {
  request_reader reader(4096, 4096);
  std::size_t used = 0;
  std::string const head =
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
  CHECK_FALSE(reader.wants_continue());
  REQUIRE(reader.feed(head, used) == http_outcome::more);
  CHECK(used == head.size());
  CHECK(reader.begun());
  CHECK(reader.wants_continue());
  CHECK_FALSE(reader.wants_continue());
  REQUIRE(reader.feed("{}", used) == http_outcome::done);
  CHECK(reader.request().body == "{}");
}

TEST_CASE("answers of members are read in pieces", "[gateway][unit]") {
  std::string const text =
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
      "Mcp-Session-Id: s\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n3\r\n x\n\r\n0\r\n\r\n";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    response_reader reader;
    http_response head;
    std::string body;
    std::string rest;
    auto last = http_outcome::more;
    for (auto const& piece : {text.substr(0, cut), text.substr(cut)}) {
      rest += piece;
      for (;;) {
        std::size_t used = 0;
        last = reader.feed(rest, used, head, body);
        rest.erase(0, used);
        if (last != http_outcome::head) break;
      }
    }
    CAPTURE(cut);
    REQUIRE(last == http_outcome::done);
    CHECK(head.status == 200);
    CHECK(head.content_type == "text/event-stream");
    CHECK(head.session == "s");
    CHECK(head.chunked_or_endless);
    CHECK(body == "data: x\n");
  }
  auto const idle = [](std::string const& fields) {
    response_reader reader;
    http_response into;
    std::string none;
    std::size_t taken = 0;
    CHECK(reader.feed("HTTP/1.1 202 Accepted\r\n" + fields + "Content-Length: 0\r\n\r\n", taken,
                      into, none) == http_outcome::done);
    return into.idle_timeout;
  };
  CHECK(idle("Keep-Alive: timeout=5\r\n") == 5U);
  CHECK(idle("keep-alive: max=100, Timeout=75\r\n") == 75U);
  for (auto const* const nothing :
       {"", "Keep-Alive: \r\n", "Keep-Alive: timeout=\r\n", "Keep-Alive: timeout=x,,\r\n",
        "Keep-Alive: timeout=99999999999\r\n", "Keep-Alive: max=5\r\n"})
    CHECK_FALSE(idle(nothing));
  response_reader endless;
  http_response head;
  std::string body;
  std::size_t used = 0;
  CHECK(endless.feed("HTTP/1.1 200 OK\r\n\r\nabc", used, head, body) == http_outcome::head);
  CHECK(endless.finish() == http_outcome::done);
  CHECK(body == "abc");
  response_reader broken;
  CHECK(broken.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", used, head, body) ==
        http_outcome::head);
  CHECK(broken.finish() == http_outcome::bad);
}
