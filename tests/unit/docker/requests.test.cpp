// SPDX-License-Identifier: Apache-2.0
#include "docker/protocol.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using Catch::Matchers::ContainsSubstring;
using thv::errc;
using thv::docker::container_body;
using thv::docker::parse_image;
using thv::docker::port_plan;
using thv::plugin::workload_spec;
namespace json = boost::json;

namespace {

workload_spec stdio_spec() {
  return {.name = "fetch",
          .group = "team",
          .store = "store-1",
          .config_hash = "abc",
          .source = thv::parse_source("ghcr.io/o/fetch:1"),
          .environment = {{"TOKEN", "value"}},
          .secret_names = {"gh,target=TOKEN"}};
}

workload_spec http_spec() {
  auto s = stdio_spec();
  s.transport = thv::transport::streamable_http;
  return s;
}

json::object body_of(workload_spec const& spec, port_plan const& ports = {}) {
  auto const body = container_body(spec, ports, "n0nce");
  INFO((body ? "" : to_string(body.error())));
  REQUIRE(body);
  return json::parse(*body).as_object();
}

thv::error refused(workload_spec const& spec, port_plan const& ports = {}) {
  auto const body = container_body(spec, ports, "n0nce");
  REQUIRE_FALSE(body);
  return body.error();
}

bool has(json::array const& list, std::string_view text) {
  for (auto const& v : list)
    if (v.as_string() == text) return true;
  return false;
}

}  // namespace

TEST_CASE("A stdio member's container keeps its input open and is confined", "[docker]") {
  auto const body = body_of(stdio_spec());
  CHECK(body.at("Image") == "ghcr.io/o/fetch:1");
  CHECK(body.at("OpenStdin") == true);
  CHECK(body.at("StdinOnce") == false);
  CHECK(body.at("Tty") == false);
  CHECK_FALSE(body.contains("Cmd"));
  CHECK(body.at("ExposedPorts").as_object().empty());
  auto const& env = body.at("Env").as_array();
  CHECK(has(env, "TOKEN=value"));
  CHECK(has(env, "MCP_TRANSPORT=stdio"));
  CHECK(env.size() == 2);
  auto const& host = body.at("HostConfig").as_object();
  CHECK(host.at("Init") == true);
  CHECK(host.at("CapDrop") == json::array{"ALL"});
  CHECK(host.at("SecurityOpt") == json::array{"no-new-privileges"});
  CHECK(host.at("Privileged") == false);
  CHECK(host.at("RestartPolicy").at("Name") == "unless-stopped");
  CHECK(host.at("LogConfig").at("Type") == "json-file");
  CHECK(host.at("LogConfig").at("Config").at("max-size") == "1m");
  CHECK(host.at("LogConfig").at("Config").at("max-file") == "1");
  CHECK_FALSE(host.contains("NetworkMode"));
  CHECK(host.at("PortBindings").as_object().empty());
}

TEST_CASE("Labels are ours, the user's beside them, and hold no value of a secret", "[docker]") {
  auto spec = stdio_spec();
  spec.labels = {{"team", "blue"}, {"toolhive", "false"}, {"thv.store", "other"}};
  auto const body = body_of(spec);
  auto const& labels = body.at("Labels").as_object();
  CHECK(labels.at("toolhive") == "true");
  CHECK(labels.at("toolhive-name") == "fetch");
  CHECK(labels.at("toolhive-basename") == "fetch");
  CHECK(labels.at("toolhive-transport") == "stdio");
  CHECK(labels.at("thv.group") == "team");
  CHECK(labels.at("thv.store") == "store-1");
  CHECK(labels.at("thv.config-hash") == "abc");
  CHECK(labels.at("thv.secrets") == R"(["gh,target=TOKEN"])");
  CHECK(labels.at("team") == "blue");
  CHECK(json::serialize(labels).find("value") == std::string::npos);
}

TEST_CASE("An HTTP member is told its port, which is published at random", "[docker]") {
  auto spec = http_spec();
  spec.arguments = {"--flag", "a b"};
  spec.publish = {"9000:9001"};
  auto const body = body_of(spec, {.container_port = 8080, .publish_on = "127.0.0.1"});
  auto const& env = body.at("Env").as_array();
  for (auto const* entry :
       {"MCP_PORT=8080", "PORT=8080", "FASTMCP_PORT=8080", "MCP_TRANSPORT=streamable-http"})
    CHECK(has(env, entry));
  CHECK(body.at("Cmd") == json::array{"--flag", "a b"});
  CHECK(body.at("OpenStdin") == false);
  CHECK(body.at("Labels").at("toolhive-port") == "8080");
  auto const& bindings = body.at("HostConfig").at("PortBindings").as_object();
  CHECK(bindings.at("8080/tcp") == json::array{{{"HostIp", "127.0.0.1"}, {"HostPort", "0"}}});
  CHECK(bindings.at("9001/tcp") == json::array{{{"HostIp", "127.0.0.1"}, {"HostPort", "9000"}}});
  CHECK(body.at("ExposedPorts").as_object().size() == 2);
  SECTION("and what the user says wins") {
    spec.environment["PORT"] = "7";
    auto const again = body_of(spec, {.container_port = 8080, .publish_on = "127.0.0.1"});
    CHECK(has(again.at("Env").as_array(), "PORT=7"));
    CHECK_FALSE(has(again.at("Env").as_array(), "PORT=8080"));
  }
}

TEST_CASE("With the host's network nothing is published", "[docker]") {
  auto spec = http_spec();
  spec.permissions.network.mode = "host";
  auto const body = body_of(spec, {.container_port = 8080, .publish_on = ""});
  CHECK(body.at("HostConfig").at("NetworkMode") == "host");
  CHECK(body.at("HostConfig").at("PortBindings").as_object().empty());
}

TEST_CASE("Mounts come from volumes and the permission profile", "[docker]") {
  auto spec = stdio_spec();
  spec.mounts = {{.source = "/a", .target = "/data", .read_only = true}};
  spec.permissions.read = {"/etc/hosts", "/b:/inside", "/other:/data"};
  spec.permissions.write = {"/a:/data"};
  spec.permissions.privileged = true;
  auto const body = body_of(spec);
  auto const& host = body.at("HostConfig").as_object();
  CHECK(host.at("Privileged") == true);
  CHECK(host.at("SecurityOpt") == json::array{"no-new-privileges", "label=disable"});
  auto const mount = [](char const* source, char const* target, bool read_only) {
    return json::object{
        {"Type", "bind"}, {"Source", source}, {"Target", target}, {"ReadOnly", read_only}};
  };
  CHECK(host.at("Mounts") == json::array{mount("/a", "/data", false),
                                         mount("/etc/hosts", "/etc/hosts", true),
                                         mount("/b", "/inside", true)});
}

TEST_CASE("What cannot be said to the engine is refused", "[docker]") {
  auto spec = stdio_spec();
  SECTION("a name of a variable") {
    spec.environment["A=B"] = "hidden";
    auto const e = refused(spec);
    CHECK(e.code == errc::invalid_argument);
    CHECK_THAT(e.message, ContainsSubstring("'A=B'") && !ContainsSubstring("hidden"));
  }
  SECTION("a value with a zero byte") {
    spec.environment["A"] = std::string("x\0y", 3);
    CHECK(refused(spec).code == errc::invalid_argument);
  }
  SECTION("a relative mount") {
    spec.permissions.read = {"data"};
    CHECK_THAT(refused(spec).message, ContainsSubstring("'data'"));
  }
  SECTION("a resource as a mount") {
    spec.permissions.write = {"volume://x:/y"};
    CHECK(refused(spec).code == errc::unsupported);
  }
  SECTION("ports to publish") {
    for (auto const* text : {"80", "a:80", "80:", "0:80", "80:70000", "80:80/udp"}) {
      spec.publish = {text};
      CHECK_THAT(refused(spec, {.publish_on = "127.0.0.1"}).message, ContainsSubstring(text));
    }
  }
}

TEST_CASE("A value that is no UTF-8 is refused, since Docker would change it", "[docker]") {
  auto spec = stdio_spec();
  spec.environment["TOKEN"] = "gr\xfc\xdf-s3cret";
  auto const e = refused(spec);
  CHECK(e.code == errc::unsupported);
  CHECK_THAT(e.message, ContainsSubstring("the value of TOKEN is no UTF-8"));
  CHECK(to_string(e).find("s3cret") == std::string::npos);
  CHECK_FALSE(e.hint.empty());
  spec.environment["TOKEN"] = "größe";
  CHECK(has(body_of(spec).at("Env").as_array(), "TOKEN=größe"));
  // In a file it is any bytes.
  spec.environment.erase("TOKEN");
  spec.secret_files["TOKEN"] = "\xff";
  CHECK(body_of(spec).contains("Env"));
}

TEST_CASE("Image references are split as the engine wants them", "[docker]") {
  auto const is = [](std::string_view text, std::string name, std::string tag, bool moves) {
    auto const r = parse_image(text);
    CHECK(r.name == name);
    CHECK(r.tag == tag);
    CHECK(r.moves() == moves);
  };
  is("fetch", "fetch", "", true);
  is("fetch:latest", "fetch", "latest", true);
  is("fetch:1.2", "fetch", "1.2", false);
  is("localhost:5000/a/fetch", "localhost:5000/a/fetch", "", true);
  is("localhost:5000/a/fetch:1", "localhost:5000/a/fetch", "1", false);
  is("fetch@sha256:ab", "fetch", "sha256:ab", false);
  is("h:1/fetch:2@sha256:ab", "h:1/fetch", "sha256:ab", false);
}

TEST_CASE("Requests name their paths and encode what stands in them", "[docker]") {
  using namespace thv::docker;
  CHECK(create_container("/v1.41", "a b", "{}").target == "/v1.41/containers/create?name=a%20b");
  CHECK(create_container("/v1.41", "a", "{}").headers.at("Content-Type") == "application/json");
  CHECK(container_action("/v1.41", "id/../x", "start").target ==
        "/v1.41/containers/id%2F..%2Fx/start");
  CHECK(remove_container("/v1.41", "id").target == "/v1.41/containers/id?force=1&v=1");
  CHECK(remove_container("/v1.41", "id").method == "DELETE");
  CHECK(list_containers("/v1.41").target ==
        "/v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22toolhive%3Dtrue%22%5D%7D");
  CHECK_THAT(watch_events("/v1.41").target,
             ContainsSubstring("%22type%22%3A%5B%22container%22%5D"));
  CHECK(pull_image("/v1.41", "h:5/a").target ==
        "/v1.41/images/create?fromImage=h%3A5%2Fa&tag=latest");
  CHECK(pull_image("/v1.41", "a@sha256:b").target ==
        "/v1.41/images/create?fromImage=a&tag=sha256%3Ab");
  auto const attach = attach_container("/v1.41", "id");
  CHECK(attach.target == "/v1.41/containers/id/attach?stream=1&stdin=1&stdout=1");
  CHECK(attach.headers.at("Upgrade") == "tcp");
}

TEST_CASE("Secrets as files are mounted where their variables say", "[docker]") {
  auto s = stdio_spec();
  s.secret_names.push_back("key,target=KEY_FILE,as=file");
  s.secret_files = {{"KEY_FILE", "the-secret"}};
  s.mounts = {{"/home/me/data", "/data", false}};
  std::map<std::string, std::string> const paths{{"KEY_FILE", "/dev/shm/x/KEY_FILE"}};
  auto const text = container_body(s, {}, "n0nce", paths);
  REQUIRE(text);
  CHECK_THAT(*text, !ContainsSubstring("the-secret"));
  auto const body = json::parse(*text).as_object();
  CHECK(has(body.at("Env").as_array(), "KEY_FILE=/run/secrets/KEY_FILE"));
  CHECK_THAT(std::string(body.at("Labels").at("thv.secrets").as_string()),
             ContainsSubstring("key,target=KEY_FILE,as=file"));
  auto const& mounts = body.at("HostConfig").at("Mounts").as_array();
  REQUIRE(mounts.size() == 2);
  CHECK(mounts[1] == json::value{{"Type", "bind"},
                                 {"Source", "/dev/shm/x/KEY_FILE"},
                                 {"Target", "/run/secrets/KEY_FILE"},
                                 {"ReadOnly", true}});
  for (auto const* target : {"/run/secrets", "/run/secrets/", "/run/secrets/KEY_FILE"}) {
    s.mounts = {{"/home/me/data", target, false}};
    auto const refused = container_body(s, {}, "n0nce", paths);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid_argument);
    CHECK_THAT(refused.error().message, ContainsSubstring(target));
  }
  s.mounts = {{"/home/me/data", "/run/secrets/other", false}};
  CHECK(container_body(s, {}, "n0nce", paths));
}
