// SPDX-License-Identifier: Apache-2.0
#include <thv/registry/members.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <thv/model/run_config_json.hpp>
#include <thv/registry/read.hpp>

namespace registry = thv::registry;

namespace {

registry::group seed_group() {
  std::ifstream file(std::string(THV_TEST_DATA) + "/registry/mobile-app-team-toolkit.json");
  std::string const text(std::istreambuf_iterator<char>(file), {});
  auto const d = registry::read(text, "r.json");
  REQUIRE(d);
  return d->groups.at(0);
}

registry::group group_of(std::string const& members) {
  auto const d = registry::read(R"({"groups":[{"name":"g",)" + members + "}]}", "r.json");
  if (!d) FAIL(thv::to_string(d.error()));
  return d->groups.at(0);
}

registry::targets targets_of(registry::group const& g, registry::target_flags const& flags) {
  auto t = registry::parse_targets(flags, registry::member_names(g));
  if (!t) FAIL(thv::to_string(t.error()));
  return *t;
}

}  // namespace

TEST_CASE("the members of the proposal's group become run configs", "[registry][unit]") {
  auto const g = seed_group();
  auto const t = targets_of(g, {.env = {"internal-company-server.DEBUG=1"},
                                .secrets = {"user,target=internal-company-server.USER_ID"}});
  auto const configs = registry::member_configs(
      g, t, {.group_name = "mobile-app-team-toolkit", .registry = "r.json", .runtime = "docker"});
  REQUIRE(configs);
  REQUIRE(configs->size() == 3);
  CHECK(thv::canonical_text((*configs)[0]) ==
        R"({"group":"mobile-app-team-toolkit","host":"127.0.0.1",)"
        R"("image":"ghcr.io/stackloklabs/gofetch/server:0.0.6","name":"fetch",)"
        R"("permission_profile":{"network":{"outbound":{"allow_port":[443],)"
        R"("insecure_allow_all":true}}},"port":0,"registry_server_name":"fetch",)"
        R"("registry_url":"r.json","runtime":"docker","schema_version":"v0.1.0",)"
        R"("transport":"streamable-http"})");
  auto const& remote = (*configs)[1];
  CHECK(remote.name == "huggingface");
  CHECK(remote.remote_url == "https://huggingface.co/mcp");
  CHECK(remote.image.empty());
  CHECK(remote.runtime.empty());
  CHECK_FALSE(remote.permission_profile);
  auto const& internal = (*configs)[2];
  CHECK(internal.env_vars ==
        std::map<std::string, std::string>{{"DEBUG", "1"}, {"TEAM_ID", "mobile-app-team"}});
  CHECK(internal.secrets == std::vector<std::string>{"user,target=USER_ID"});
  CHECK(internal.permission_profile == thv::network_only_permissions());
}

TEST_CASE("a second copy of a group runs under a prefix", "[registry][unit]") {
  auto const g = seed_group();
  auto const t = targets_of(
      g, {.env = {"internal-company-server.USER_ID=7", "internal-company-server.TEAM_ID=other"}});
  auto const configs =
      registry::member_configs(g, t, {.group_name = "staging", .prefix = "staging-"});
  REQUIRE(configs);
  CHECK((*configs)[0].name == "staging-fetch");
  CHECK((*configs)[0].group == "staging");
  CHECK((*configs)[2].name == "staging-internal-company-server");
  CHECK((*configs)[2].registry_server_name == "internal-company-server");
  CHECK((*configs)[2].env_vars ==
        std::map<std::string, std::string>{{"TEAM_ID", "other"}, {"USER_ID", "7"}});
}

TEST_CASE("all required values that are missing are one error", "[registry][unit]") {
  auto const g = group_of(R"("servers":{
      "api":{"image":"i","env_vars":[{"name":"TOKEN","required":true},
                                     {"name":"MODE","required":true,"default":""},
                                     {"name":"EXTRA"}]},
      "db":{"image":"i","optional":true,
            "env_vars":[{"name":"PASSWORD","required":true,"secret":true}]}},
      "remote_servers":{"far":{"url":"https://x/mcp",
            "headers":[{"name":"X-Key","required":true,"secret":true}]}})");
  auto const r = registry::member_configs(g, {}, {.group_name = "g"});
  REQUIRE_FALSE(r);
  CHECK(r.error().code == thv::errc::invalid_argument);
  CHECK(r.error().message ==
        "missing required values: api.TOKEN, db.PASSWORD (secret), far.X-Key (secret)");
  CHECK(
      r.error().hint ==
      "add --env api.TOKEN=VALUE --secret NAME,target=db.PASSWORD --secret NAME,target=far.X-Key");
  auto const given = targets_of(
      g, {.env = {"api.TOKEN=", "db.PASSWORD=plain"}, .secrets = {"k,target=far.x-key"}});
  auto const configs = registry::member_configs(g, given, {.group_name = "g"});
  REQUIRE(configs);
  CHECK((*configs)[0].env_vars == std::map<std::string, std::string>{{"MODE", ""}, {"TOKEN", ""}});
  CHECK((*configs)[1].env_vars.at("PASSWORD") == "plain");
  CHECK((*configs)[1].optional);
  CHECK((*configs)[2].secret_headers == std::map<std::string, std::string>{{"X-Key", "k"}});
}

TEST_CASE("a secret takes the place of a plain value for the same variable", "[registry][unit]") {
  auto const g =
      group_of(R"("servers":{"api":{"image":"i","env_vars":[{"name":"T","default":"d"}]}})");
  auto const t = targets_of(g, {.env = {"api.T=plain"}, .secrets = {"name,target=api.T"}});
  auto const configs = registry::member_configs(g, t, {.group_name = "g"});
  REQUIRE(configs);
  CHECK((*configs)[0].env_vars.empty());
  CHECK((*configs)[0].secrets == std::vector<std::string>{"name,target=T"});
}

TEST_CASE("targets of a remote server are its headers", "[registry][unit]") {
  auto const g = group_of(R"("remote_servers":{"far":{"url":"https://x/mcp","transport":"sse",
      "headers":[{"name":"X-Region","default":"eu"},{"name":"X-Team"}]},
      "bare":{"url":"https://y/mcp","transport":"stdio"}})");
  auto const configs = registry::member_configs(
      g, targets_of(g, {.env = {"far.x-team=mobile"}, .secrets = {"t,target=far.authorization"}}),
      {.group_name = "g"});
  REQUIRE(configs);
  auto const& far = (*configs)[1];
  CHECK(far.transport == thv::transport::sse);
  CHECK(far.plaintext_headers ==
        std::map<std::string, std::string>{{"X-Region", "eu"}, {"X-Team", "mobile"}});
  CHECK(far.secret_headers == std::map<std::string, std::string>{{"Authorization", "t"}});
  CHECK(far.env_vars.empty());
  CHECK((*configs)[0].transport == thv::transport::streamable_http);

  auto const wrong =
      registry::member_configs(g, targets_of(g, {.env = {"far.X-Tema=1"}}), {.group_name = "g"});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message == "remote server 'far' declares no header 'X-Tema'");
  CHECK(wrong.error().hint == "its headers: X-Region, X-Team");
}

TEST_CASE("a member's own settings come from its entry", "[registry][unit]") {
  auto const g = group_of(R"("servers":{
      "http":{"image":"i","transport":"streamable-http","target_port":8080,"proxy_port":9000,
              "args":["-v"],"runtime":"podman"},
      "pipe":{"image":"npx://p@1","target_port":8080}})");
  auto const configs = registry::member_configs(g, {}, {.group_name = "g", .runtime = "process"});
  REQUIRE(configs);
  CHECK((*configs)[0].target_port == 8080);
  CHECK((*configs)[0].port == 9000);
  CHECK((*configs)[0].cmd_args == std::vector<std::string>{"-v"});
  CHECK((*configs)[0].runtime == "podman");
  CHECK((*configs)[1].transport == thv::transport::stdio);
  CHECK((*configs)[1].target_port == 0);
  CHECK((*configs)[1].runtime == "process");
}

TEST_CASE("the package that the runtime can run is taken", "[registry][unit]") {
  auto const g = group_of(R"("servers":[{"name":"x.y/z","packages":[
      {"registryType":"oci","identifier":"ghcr.io/x/z:1"},
      {"registryType":"npm","identifier":"z","version":"1",
       "environmentVariables":[{"name":"A","isRequired":true}]}]}])");
  auto const& s = g.servers[0];
  using thv::source_kind;
  CHECK(registry::source_kinds(s) ==
        std::vector<source_kind>{source_kind::image, source_kind::npm});
  REQUIRE(registry::choose_package(s, {source_kind::npm, source_kind::pypi}));
  CHECK((*registry::choose_package(s, {source_kind::npm}))->reference == "npx://z@1");
  CHECK((*registry::choose_package(s, {source_kind::npm, source_kind::image}))->reference ==
        "ghcr.io/x/z:1");
  CHECK_FALSE(registry::choose_package(s, {source_kind::pypi}));
  CHECK(registry::describe_sources(s) == "an image or an npx package");

  registry::member_options options{.group_name = "g"};
  auto const first = registry::member_configs(g, {}, options);
  REQUIRE(first);
  CHECK((*first)[0].image == "ghcr.io/x/z:1");
  CHECK((*first)[0].name == "x-y-z");
  options.choose = [](registry::server const& server) -> thv::result<registry::package const*> {
    return *registry::choose_package(server, {source_kind::npm});
  };
  auto const npm = registry::member_configs(g, {}, options);
  REQUIRE_FALSE(npm);
  CHECK(npm.error().message == "missing required values: x.y/z.A");
}

TEST_CASE("a member that nothing can run, and two of one name, are errors", "[registry][unit]") {
  auto const nuget = registry::member_configs(
      group_of(
          R"("servers":[{"name":"x/z","packages":[{"registryType":"nuget","identifier":"Z"}]}])"),
      {}, {.group_name = "g"});
  REQUIRE_FALSE(nuget);
  CHECK(nuget.error().code == thv::errc::unsupported);
  CHECK(nuget.error().message ==
        "server 'x/z' cannot run: it has only nuget packages, which no runtime can run");
  auto const twice = registry::member_configs(
      group_of(R"("servers":{"a/b":{"image":"i"},"a-b":{"image":"i"}})"), {}, {.group_name = "g"});
  REQUIRE_FALSE(twice);
  CHECK(twice.error().message == "servers 'a-b' and 'a/b' would both run as 'a-b'");
  auto const longer =
      registry::member_configs(group_of(R"("servers":{"a":{"image":"i"}})"), {},
                               {.group_name = "g", .prefix = std::string(100, 'p')});
  REQUIRE_FALSE(longer);
  CHECK(longer.error().message.starts_with("invalid workload name: workload name of 101"));
}

TEST_CASE("one server alone becomes a run config the same way", "[registry][unit]") {
  auto const g =
      group_of(R"("servers":{"api":{"image":"i","env_vars":[{"name":"TOKEN","required":true}]}})");
  auto const missing = registry::server_config(g.servers[0], {}, {.group_name = "default"});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message == "missing required values: api.TOKEN");
  auto const config = registry::server_config(g.servers[0], targets_of(g, {.env = {"api.TOKEN=1"}}),
                                              {.group_name = "default"});
  REQUIRE(config);
  CHECK(config->name == "api");
  CHECK(config->group == "default");
}

TEST_CASE("a secret as a file is kept in the reference, and is no header", "[registry][unit]") {
  auto const g = group_of(R"("servers":{"api":{"image":"i","env_vars":[
      {"name":"KEY_FILE","required":true}]}},
      "remote_servers":{"far":{"url":"https://x/mcp","headers":[{"name":"X-Key"}]}})");
  auto const configs = registry::member_configs(
      g, targets_of(g, {.secrets = {"k,target=api.KEY_FILE,as=file"}}), {.group_name = "g"});
  REQUIRE(configs);
  CHECK((*configs)[0].secrets == std::vector<std::string>{"k,target=KEY_FILE,as=file"});

  auto const refused = registry::member_configs(
      g, targets_of(g, {.secrets = {"k,target=api.KEY_FILE", "k,target=far.x-key,as=file"}}),
      {.group_name = "g"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == thv::errc::invalid_argument);
  CHECK(refused.error().message == "'far' is a remote server: its header 'X-Key' cannot be a file");
  CHECK(refused.error().hint == "leave out ',as=file' for the secret k");
}
