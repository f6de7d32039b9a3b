// SPDX-License-Identifier: Apache-2.0
#include <thv/net/http.hpp>

#include <catch2/catch_test_macros.hpp>

using thv::errc;
using thv::net::parse_url;

TEST_CASE("URLs are split into an address and a target", "[net]") {
  auto const https = parse_url("https://host.test/mcp?a=b%20c");
  REQUIRE(https);
  CHECK(https->first.host == "host.test");
  CHECK(https->first.port == 443);
  CHECK(https->first.tls);
  CHECK(https->second == "/mcp?a=b%20c");

  auto const plain = parse_url("http://[::1]:8080");
  REQUIRE(plain);
  CHECK(plain->first.host == "::1");
  CHECK(plain->first.port == 8080);
  CHECK_FALSE(plain->first.tls);
  CHECK(plain->second == "/");

  auto const socket = parse_url("unix:///run/engine.sock");
  REQUIRE(socket);
  CHECK(socket->first.unix_path == "/run/engine.sock");

  auto const tcp = parse_url("tcp://10.0.0.1:2375");
  REQUIRE(tcp);
  CHECK(tcp->first.host == "10.0.0.1");
  CHECK(tcp->first.port == 2375);
}

TEST_CASE("What is no URL is refused with a reason", "[net]") {
  for (auto const* text :
       {"", "host", "host:1", "unix://relative", "ftp://host/", "http://", "http://host:0/",
        "http://host:99999/", "http://user:secret@host/", "http://ho st/"}) {
    INFO(text);
    auto const url = parse_url(text);
    REQUIRE_FALSE(url);
    CHECK(url.error().code == errc::invalid_argument);
    CHECK(url.error().message.find("secret") == std::string::npos);
  }
}
