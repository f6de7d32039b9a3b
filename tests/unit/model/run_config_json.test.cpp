// SPDX-License-Identifier: Apache-2.0
#include <thv/model/run_config_json.hpp>

#include <string>
#include <string_view>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch_test_macros.hpp>

namespace {

// Every field of ToolHive's that we support, some that we do not, at every level.
constexpr std::string_view full = R"({
  "schema_version": "v0.1.0",
  "image": "ghcr.io/example/server:1",
  "registry_url": "https://registry.example.com/r.json",
  "registry_server_name": "server",
  "cmd_args": ["--flag", "value"],
  "name": "server",
  "base_name": "server",
  "transport": "streamable-http",
  "host": "127.0.0.1",
  "port": 14243,
  "target_port": 8080,
  "publish": ["9000:9000"],
  "permission_profile_name_or_path": "network",
  "permission_profile": {
    "name": "network",
    "read": ["/data"],
    "write": ["/work:/work"],
    "network": {
      "mode": "bridge",
      "outbound": {"insecure_allow_all": true, "allow_host": ["a.example"], "allow_port": [443],
                   "allow_protocol": ["tcp"]},
      "inbound": {"allow_host": ["localhost"]},
      "dns": "strict"
    },
    "privileged": true,
    "future": {"deep": [1, 2]}
  },
  "env_vars": {"A": "1", "B": ""},
  "volumes": ["/a:/b:ro"],
  "container_labels": {"team": "mobile"},
  "secrets": ["token,target=TOKEN"],
  "group": "mobile",
  "session_ttl": "2h",
  "ignore_config": {"LoadGlobal": true, "PrintOverlays": false},
  "middleware_configs": [{"type": "auth", "parameters": {"x": null}}],
  "header_forward": {
    "add_plaintext_headers": {"X-A": "1"},
    "add_headers_from_secret": {"Authorization": "token"},
    "later": true
  },
  "runtime": "docker",
  "optional": true,
  "on_demand": true,
  "idle_timeout_ms": 600000
})";

thv::run_config read(std::string_view text) {
  auto const r = thv::run_config_from_json(boost::json::parse(text), "config.json");
  REQUIRE(r);
  return *r;
}

std::string problem(std::string_view text) {
  auto const r = thv::run_config_from_json(boost::json::parse(text), "config.json");
  REQUIRE_FALSE(r);
  return thv::to_string(r.error());
}

}  // namespace

TEST_CASE("a run config is read under ToolHive's names", "[model][unit]") {
  auto const c = read(full);
  CHECK(c.image == "ghcr.io/example/server:1");
  CHECK(c.name == "server");
  CHECK(c.group == "mobile");
  CHECK(c.cmd_args == std::vector<std::string>{"--flag", "value"});
  CHECK(c.transport == thv::transport::streamable_http);
  CHECK(c.port == 14243);
  CHECK(c.target_port == 8080);
  CHECK(c.publish == std::vector<std::string>{"9000:9000"});
  CHECK(c.env_vars.at("B").empty());
  CHECK(c.secrets == std::vector<std::string>{"token,target=TOKEN"});
  CHECK(c.plaintext_headers.at("X-A") == "1");
  CHECK(c.secret_headers.at("Authorization") == "token");
  CHECK(c.registry_server_name == "server");
  CHECK(c.runtime == "docker");
  CHECK(c.optional);
  CHECK(c.on_demand);
  CHECK(c.idle_timeout_ms == 600'000);
  REQUIRE(c.permission_profile);
  CHECK(c.permission_profile->network.outbound_allow_port == std::vector<std::uint16_t>{443});
  CHECK(c.permission_profile->network.inbound_allow_host == std::vector<std::string>{"localhost"});
  CHECK(c.permission_profile->privileged);
}

TEST_CASE("a read and write round trip changes nothing, unknown members included",
          "[model][unit]") {
  auto const written = thv::to_json(read(full));
  CHECK(thv::json::canonical(written) == thv::json::canonical(boost::json::parse(full)));
  CHECK(read(boost::json::serialize(written)) == read(full));
  auto const direct = thv::run_config_from_json(written, "config.json");
  REQUIRE(direct);
  CHECK(*direct == read(full));
}

TEST_CASE("only what we do not know is kept as unknown", "[model][unit]") {
  auto const c = read(full);
  CHECK(thv::json::canonical(c.unknown) ==
        R"({"base_name":"server","header_forward":{"later":true},)"
        R"("ignore_config":{"LoadGlobal":true,"PrintOverlays":false},)"
        R"("middleware_configs":[{"parameters":{"x":null},"type":"auth"}],)"
        R"("permission_profile":{"future":{"deep":[1,2]},)"
        R"("network":{"dns":"strict","outbound":{"allow_protocol":["tcp"]}}},"session_ttl":"2h"})");
  SECTION("a value that was changed is written, not what was read") {
    auto changed = c;
    changed.permission_profile->network.mode = "host";
    auto const written = thv::to_json(changed);
    CHECK(written.at("permission_profile").at("network").at("mode") == "host");
    CHECK(written.at("permission_profile").at("network").at("dns") == "strict");
  }
}

TEST_CASE("null and absent members keep their defaults", "[model][unit]") {
  auto const c = read(R"({"name":"a","cmd_args":null,"env_vars":null,"permission_profile":null})");
  CHECK(c.schema_version == "v0.1.0");
  CHECK(c.host == "127.0.0.1");
  CHECK(c.cmd_args.empty());
  CHECK_FALSE(c.permission_profile);
  CHECK(c.unknown.empty());
}

TEST_CASE("a wrong member is named by its JSON pointer", "[model][unit]") {
  CHECK(problem("[]") == "config.json: not an object but an array");
  CHECK(problem(R"({"name": 5})") == "config.json: /name: not a string but a number");
  CHECK(problem(R"({"cmd_args": ["a", {}]})") ==
        "config.json: /cmd_args/1: not a string but an object");
  CHECK(problem(R"({"env_vars": {"A/B": 1}})") ==
        "config.json: /env_vars/A~1B: not a string but a number");
  CHECK(problem(R"({"port": 70000})") == "config.json: /port: not a port number (0 to 65535)");
  CHECK(problem(R"({"port": 1.5})") == "config.json: /port: not a whole number of 64 bits");
  CHECK(problem(R"({"transport": "inspector"})") ==
        "config.json: /transport: unknown transport \"inspector\"");
  CHECK(problem(R"({"permission_profile": {"network": {"outbound": {"allow_port": [0, -1]}}}})") ==
        "config.json: /permission_profile/network/outbound/allow_port/1: not a port number (0 to "
        "65535)");
  CHECK(problem(R"({"permission_profile": {"read": ["/a", "/b;rm"]}})") ==
        "config.json: /permission_profile/read/1: mount holds one of the characters $ & ; | `");
  CHECK(problem(R"({"cmd_args": ["a\u0000b"]})") ==
        "config.json: /cmd_args/0: holds a NUL character");
}

TEST_CASE("a config that is to run needs a valid name and a source", "[model][unit]") {
  auto const check = [](thv::run_config const& c) {
    auto const r = thv::validate_run_config(c, "c.json");
    return r ? std::string() : thv::to_string(r.error());
  };
  CHECK(check({}) == "c.json: /name: missing");
  CHECK(check({.name = "a"}) == "c.json: /image: missing");
  CHECK(check({.name = "a b", .image = "i"}).starts_with("c.json: /name: invalid workload name:"));
  CHECK(check({.name = "a", .group = "G", .image = "i"}) ==
        "c.json: /group: invalid group name: group name must be lowercase");
  CHECK(check({.name = "a", .image = "i"}).empty());
  CHECK(check({.name = "a", .remote_url = "https://x"}).empty());
}

TEST_CASE("equal configs have equal canonical text, others do not", "[model][unit]") {
  auto const a = read(R"({"name":"a","image":"i","zeta":1,"alpha":{"y":1,"x":2}})");
  auto const b = read(R"({"alpha":{"x":2,"y":1},"image":"i","zeta":1,"name":"a"})");
  CHECK(thv::canonical_text(a) == thv::canonical_text(b));
  CHECK(thv::canonical_text(a) ==
        R"({"alpha":{"x":2,"y":1},"host":"127.0.0.1","image":"i","name":"a",)"
        R"("permission_profile":null,"port":0,"schema_version":"v0.1.0",)"
        R"("transport":"streamable-http","zeta":1})");
  auto c = a;
  c.env_vars["A"] = "1";
  CHECK(thv::canonical_text(c) != thv::canonical_text(a));
}
