// SPDX-License-Identifier: Apache-2.0
#include <run_config_of.hpp>

#include <catch2/catch_test_macros.hpp>

#include <thv/registry/read.hpp>

using namespace thv;
using namespace thv::cli;

namespace {

result<registry::package const*> first_package(registry::server const& server) {
  return &server.packages.front();
}

run_flags flags_for(std::string what) {
  run_flags f;
  f.what = {std::move(what)};
  return f;
}

run_config made(run_flags const& flags, std::vector<registry::document> const& documents = {}) {
  auto config = run_config_of(flags, documents, first_package);
  if (!config) FAIL(to_string(config.error()));
  return *config;
}

error refused(run_flags const& flags, std::vector<registry::document> const& documents = {}) {
  auto const config = run_config_of(flags, documents, first_package);
  REQUIRE_FALSE(config);
  return config.error();
}

std::vector<registry::document> registry_of(std::string const& servers) {
  auto read = registry::read("{\"servers\": {" + servers + "}}", "registry.json");
  if (!read) FAIL(to_string(read.error()));
  return {*read};
}

}  // namespace

TEST_CASE("the kind of a word is seen from its form", "[cli][run]") {
  CHECK(kind_of_word("./server") == word_kind::program);
  CHECK(kind_of_word("/bin/server") == word_kind::program);
  CHECK(kind_of_word("file:///bin/server") == word_kind::program);
  CHECK(kind_of_word("npx://@a/b@1") == word_kind::package);
  CHECK(kind_of_word("https://host/mcp") == word_kind::url);
  CHECK(kind_of_word("ghcr.io/org/server:1.2") == word_kind::image);
  CHECK(kind_of_word("server@sha256:abc") == word_kind::image);
  CHECK(kind_of_word("host:5000/server") == word_kind::server_or_image);
  CHECK(kind_of_word("io.github.user/weather") == word_kind::server_or_image);
  CHECK(kind_of_word("fetch") == word_kind::server_or_image);
}

TEST_CASE("transports have ToolHive's default for images, stdio for packages", "[cli][run]") {
  CHECK(made(flags_for("ghcr.io/org/server:1")).transport == transport::streamable_http);
  CHECK(made(flags_for("npx://a")).transport == transport::stdio);
  CHECK(made(flags_for("https://api.example.com/mcp")).remote_url == "https://api.example.com/mcp");
  CHECK(made(flags_for("https://api.example.com/mcp")).name == "example");
  auto sse = flags_for("npx://a");
  sse.transport = "sse";
  sse.target_port = "8080";
  CHECK(made(sse).transport == transport::sse);
  CHECK(made(sse).target_port == 8080);
}

TEST_CASE("flags win over what the registry says", "[cli][run]") {
  auto const documents = registry_of(
      R"("fetch": {"image": "img:1", "transport": "stdio", "args": ["a"],
         "env_vars": [{"name": "MODE", "description": "d", "default": "quiet"}]})");
  auto plain = made(flags_for("fetch"), documents);
  CHECK(plain.image == "img:1");
  CHECK(plain.transport == transport::stdio);
  CHECK(plain.cmd_args == std::vector<std::string>{"a"});
  CHECK(plain.env_vars.at("MODE") == "quiet");
  CHECK(plain.registry_server_name == "fetch");

  auto flags = flags_for("fetch");
  flags.name = "mine";
  flags.arguments = {"b", "--c"};
  flags.env = {"MODE=loud", "EMPTY=", "EQ=a=b"};
  flags.permission_profile = "none";
  flags.network = "host";
  auto const changed = made(flags, documents);
  CHECK(changed.name == "mine");
  CHECK(changed.cmd_args == std::vector<std::string>{"b", "--c"});
  CHECK(changed.env_vars.at("MODE") == "loud");
  CHECK(changed.env_vars.at("EMPTY").empty());
  CHECK(changed.env_vars.at("EQ") == "a=b");
  CHECK(changed.permission_profile->name == "none");
  CHECK(changed.permission_profile->network.mode == "host");
}

TEST_CASE("a bare word that no registry knows is no image", "[cli][run]") {
  auto const documents = registry_of(R"("fetch": {"image": "img:1"})");
  auto const e = refused(flags_for("fetchh"), documents);
  CHECK(e.code == errc::not_found);
  CHECK(e.hint == "did you mean 'fetch'?; for an image write fetchh:latest");
  CHECK(made(flags_for("fetchh:latest"), documents).image == "fetchh:latest");
  CHECK(made(flags_for("org/fetchh"), documents).image == "org/fetchh");
  CHECK(made(flags_for("fetchh")).image == "fetchh");
}

TEST_CASE("an ambiguous name is refused", "[cli][run]") {
  auto const documents =
      registry_of(R"("io.a/time": {"image": "a:1"}, "io.b/time": {"image": "b:1"})");
  CHECK(refused(flags_for("time"), documents).message.find("multiple servers match 'time'") == 0);
  CHECK(made(flags_for("io.b/time"), documents).image == "b:1");
}

TEST_CASE("headers are for remote servers, and not those of the connection", "[cli][run]") {
  auto remote = flags_for("https://host.example/mcp");
  remote.forward_headers = {"X-Team=a=b"};
  remote.forward_secret_headers = {"Authorization=token"};
  auto const config = made(remote);
  CHECK(config.plaintext_headers.at("X-Team") == "a=b");
  CHECK(config.secret_headers.at("Authorization") == "token");
  remote.forward_headers = {"Transfer-Encoding=chunked"};
  CHECK(refused(remote).where == "--remote-forward-headers");
  remote.forward_headers = {"X=a\r\nHost: evil"};
  CHECK(refused(remote).message == "the value of the header 'X' has a line break");
  auto local = flags_for("npx://a");
  local.forward_headers = {"A=b"};
  CHECK(refused(local).where == "--remote-forward-headers");
}

TEST_CASE("names are made valid and groups are checked", "[cli][run]") {
  auto flags = flags_for("npx://a");
  flags.name = "my server!";
  CHECK(made(flags).name == "my-server-");
  flags.group = "Upper";
  CHECK(refused(flags).message == "invalid group name in --group: group name must be lowercase");
}

TEST_CASE("a server on demand may stop when nobody asks", "[cli][run]") {
  auto f = flags_for("npx://p");
  CHECK_FALSE(made(f).on_demand);
  f.on_demand = true;
  CHECK(made(f).on_demand);
  CHECK(made(f).idle_timeout_ms == 0);
  f.on_demand = false;
  f.idle_timeout = "1m30s";
  CHECK(made(f).on_demand);
  CHECK(made(f).idle_timeout_ms == 90'000);
  f.idle_timeout = "soon";
  CHECK(refused(f).where == "--idle-timeout");
  auto remote = flags_for("https://host/mcp");
  remote.on_demand = true;
  CHECK(refused(remote).where == "--on-demand");
}

TEST_CASE("a secret as a file is written as one, and refused for a remote server", "[cli][run]") {
  auto flags = flags_for("npx://a");
  flags.secrets = {"one,target=A,as=file", "two,target=B,as=env"};
  CHECK(made(flags).secrets == std::vector<std::string>{"one,target=A,as=file", "two,target=B"});
  auto const documents = registry_of(R"("fetch": {"image": "img:1"})");
  auto named = flags_for("fetch");
  named.secrets = flags.secrets;
  CHECK(made(named, documents).secrets == made(flags).secrets);
  flags.secrets = {"one,target=A,as=pipe"};
  CHECK(refused(flags).where == "--secret");
  auto remote = flags_for("https://host.example/mcp");
  remote.secrets = {"one,target=A,as=file"};
  auto const e = refused(remote);
  CHECK(to_string(e) == "--secret: a remote server takes no files");
  CHECK(e.hint == "use --remote-forward-headers-secret HEADER=one");
}
