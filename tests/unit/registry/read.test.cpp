// SPDX-License-Identifier: Apache-2.0
#include <thv/registry/read.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <thv/registry/packages.hpp>

namespace registry = thv::registry;

namespace {

std::string test_file(std::string const& name) {
  std::ifstream file(std::string(THV_TEST_DATA) + "/registry/" + name, std::ios::binary);
  REQUIRE(file);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

registry::document read_file(std::string const& name) {
  auto d = registry::read(test_file(name), name);
  if (!d) FAIL(thv::to_string(d.error()));
  return *std::move(d);
}

std::string problem(std::string_view text, registry::read_options const& options = {}) {
  auto const r = registry::read(text, "r.json", options);
  REQUIRE_FALSE(r);
  return thv::to_string(r.error());
}

std::vector<std::string> names(std::vector<registry::server> const& servers) {
  std::vector<std::string> out;
  for (auto const& s : servers) out.push_back(s.name);
  return out;
}

}  // namespace

TEST_CASE("the example of the proposal is read whole", "[registry][unit]") {
  auto const d = read_file("mobile-app-team-toolkit.json");
  CHECK(d.origin == "mobile-app-team-toolkit.json");
  CHECK(d.servers.empty());
  REQUIRE(d.groups.size() == 1);
  auto const& g = d.groups[0];
  CHECK(g.name == "mobile-app-team-toolkit");
  CHECK(g.description == "MCP servers for the mobile app development team's workflows");
  CHECK(g.pointer == "/groups/0");
  REQUIRE(names(g.servers) ==
          std::vector<std::string>{"fetch", "huggingface", "internal-company-server"});

  auto const& fetch = g.servers[0];
  CHECK(fetch.tier == "Community");
  CHECK(fetch.status == "Active");
  CHECK(fetch.transport == thv::transport::streamable_http);
  CHECK(fetch.tools == std::vector<std::string>{"fetch"});
  CHECK(fetch.stars == 17);
  CHECK(fetch.repository_url == "https://github.com/stackloklabs/gofetch");
  CHECK(fetch.pointer == "/groups/0/servers/fetch");
  REQUIRE(fetch.packages.size() == 1);
  CHECK(fetch.packages[0].reference == "ghcr.io/stackloklabs/gofetch/server:0.0.6");
  REQUIRE(fetch.permissions);
  CHECK(fetch.permissions->network.outbound_allow_all);
  CHECK(fetch.permissions->network.outbound_allow_port == std::vector<std::uint16_t>{443});

  auto const& internal = g.servers[2];
  REQUIRE(internal.packages.at(0).env_vars.size() == 2);
  CHECK(internal.packages[0].env_vars[0] ==
        registry::variable{"TEAM_ID", "Internal team identifier", true, false, "mobile-app-team"});
  CHECK(internal.packages[0].env_vars[1] ==
        registry::variable{"USER_ID", "Internal user identifier", true, true, std::nullopt});
  CHECK_FALSE(internal.permissions);

  auto const& huggingface = g.servers[1];
  CHECK(huggingface.remote());
  CHECK(huggingface.url == "https://huggingface.co/mcp");
  CHECK(huggingface.tools.size() == 10);
  CHECK(huggingface.pointer == "/groups/0/remote_servers/huggingface");
}

TEST_CASE("the array form gives the same members as the object form", "[registry][unit]") {
  auto const object = read_file("mobile-app-team-toolkit.json");
  auto const array = read_file("array-form.json");
  CHECK(names(array.servers) == std::vector<std::string>{"everything"});
  REQUIRE(array.groups.size() == 1);
  CHECK(array.groups[0].name == "Mobile App Team Toolkit");
  auto const& a = array.groups[0].servers;
  auto const& o = object.groups[0].servers;
  REQUIRE(names(a) == names(o));
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].packages == o[i].packages);
    CHECK(a[i].url == o[i].url);
    CHECK(a[i].permissions == o[i].permissions);
    CHECK(a[i].tools == o[i].tools);
  }
  CHECK(a[0].pointer == "/groups/0/servers/0");
  CHECK(a[1].pointer == "/groups/0/remote_servers/0");
}

TEST_CASE("the upstream format is read with its packages, remotes and extensions",
          "[registry][unit]") {
  auto const d = read_file("upstream.json");
  REQUIRE(names(d.servers) == std::vector<std::string>{"io.github.example/dotnet-only",
                                                       "io.github.example/search",
                                                       "io.github.example/weather"});
  auto const& weather = d.servers[2];
  CHECK(weather.title == "Weather");
  CHECK(weather.stars == 42);
  CHECK(weather.tags == std::vector<std::string>{"weather", "maps"});
  CHECK(weather.tools == std::vector<std::string>{"forecast", "alerts"});
  REQUIRE(weather.permissions);
  CHECK(weather.permissions->network.outbound_allow_host ==
        std::vector<std::string>{"api.example.com"});
  CHECK(weather.unsupported_packages == std::vector<std::string>{"nuget"});
  REQUIRE(weather.packages.size() == 3);
  CHECK(weather.packages[0].reference == "npx://@example/weather@1.0.2");
  CHECK(weather.packages[0].args ==
        std::vector<std::string>{"serve", "--units=metric", "-l", "en", "--quiet"});
  CHECK(weather.packages[0].env_vars ==
        std::vector<registry::variable>{
            {"WEATHER_KEY", "Key of the service", true, true, std::nullopt},
            {"REGION", "", false, false, "eu"}});
  CHECK(weather.packages[1].reference == "uvx://example-weather@1.0.2");
  CHECK(weather.packages[2].reference == "ghcr.io/example/weather:1.0.2");
  CHECK(weather.packages[2].transport == thv::transport::streamable_http);
  CHECK(weather.packages[2].target_port == 8080);

  auto const& search = d.servers[1];
  CHECK(search.remote());
  CHECK(search.url == "https://search.example.com/mcp");
  CHECK(search.transport == thv::transport::streamable_http);
  REQUIRE(search.headers.size() == 2);
  CHECK(search.headers[0] ==
        registry::variable{"Authorization", "as Bearer {token}", true, true, std::nullopt});
  CHECK(search.headers[1].default_value == "eu");

  auto const& dotnet = d.servers[0];
  CHECK(dotnet.packages.empty());
  CHECK(registry::describe_sources(dotnet) == "only nuget packages, which no runtime can run");

  SECTION("also inside groups, beside entries of the other format") {
    REQUIRE(d.groups.size() == 1);
    REQUIRE(names(d.groups[0].servers) ==
            std::vector<std::string>{"io.github.example/weather", "plain"});
    CHECK(d.groups[0].servers[0].packages.at(0).reference == "ghcr.io/example/weather:1.0.2");
    CHECK(d.groups[0].servers[0].pointer == "/data/groups/0/servers/0");
  }
}

TEST_CASE("groups beside the data of an upstream document count too", "[registry][unit]") {
  auto const d = registry::read(
      R"({"data":{"servers":[]},"groups":[{"name":"g","servers":{"abc":{"image":"i"}}}]})",
      "r.json");
  REQUIRE(d);
  REQUIRE(d->groups.size() == 1);
  CHECK(d->groups[0].servers.size() == 1);
}

TEST_CASE("an entry needs an image, a package or a URL, and nothing else", "[registry][unit]") {
  auto const d = registry::read(R"({"servers":{"a":{"image":"i"},"b":{"image":"npx://@s/p@1"},
      "c":{"url":"https://x/mcp"}},"remote_servers":{"d":{"url":"http://y"}}})",
                                "r.json");
  REQUIRE(d);
  CHECK(names(d->servers) == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(d->servers[2].remote());

  CHECK(problem(R"({"groups":[{"name":"g","servers":{"fetch":{"transport":"stdio"}}}]})") ==
        "r.json: /groups/0/servers/fetch/image: missing");
  CHECK(problem(R"({"servers":{"a":{"image":""}}})") == "r.json: /servers/a/image: missing");
  CHECK(problem(R"({"servers":[{"image":"i"}]})") == "r.json: /servers/0/name: missing");
  CHECK(problem(R"({"remote_servers":{"a":{"image":"i"}}})") ==
        "r.json: /remote_servers/a/url: missing");
  CHECK(problem(R"({"remote_servers":{"a":{"url":"ftp://x"}}})") ==
        "r.json: /remote_servers/a/url: not an http:// or https:// URL: \"ftp://x\"");
  CHECK(problem(R"({"groups":[{"servers":{}}]})") == "r.json: /groups/0/name: missing");
  CHECK(problem(R"({"servers":{"a":{"image":"https://x"}}})") ==
        "r.json: /servers/a/image: a URL where an image is expected");
  CHECK(problem(R"({"servers":{"a":{"image":"go://x"}}})") ==
        "r.json: /servers/a/image: unknown scheme: \"go://x\"");
  CHECK(problem(R"({"servers":{"a":{"image":"npx://"}}})") ==
        "r.json: /servers/a/image: no name after the scheme: \"npx://\"");
  CHECK(problem(R"({"servers":{"a":{"image":"i j"}}})") ==
        "r.json: /servers/a/image: image reference with whitespace: \"i j\"");
}

TEST_CASE("a program is taken from a local file only", "[registry][unit]") {
  auto const* const text = R"({"servers":{"a":{"image":"file:///usr/bin/server"}}})";
  auto const local = registry::read(text, "r.json", {.local = true});
  REQUIRE(local);
  CHECK(local->servers[0].packages[0].reference == "file:///usr/bin/server");
  CHECK(problem(text) ==
        "r.json: /servers/a/image: a program in a registry that is no file on this machine");
  CHECK(problem(R"({"servers":{"a":{"image":"file://bin/server"}}})", {.local = true}) ==
        "r.json: /servers/a/image: not an absolute path: \"file://bin/server\"");
}

TEST_CASE("a wrong type is an error at its pointer", "[registry][unit]") {
  CHECK(problem("[]") == "r.json: not an object but an array");
  CHECK(problem(R"({"servers":5})") == "r.json: /servers: not an object or an array but a number");
  CHECK(problem(R"({"groups":{}})") == "r.json: /groups: not an array but an object");
  CHECK(problem(R"({"groups":[5]})") == "r.json: /groups/0: not an object but a number");
  CHECK(problem(R"({"servers":{"a":"image"}})") ==
        "r.json: /servers/a: not an object but a string");
  CHECK(problem(R"({"servers":{"a":{"image":["i"]}}})") ==
        "r.json: /servers/a/image: not a string but an array");
  CHECK(problem(R"({"servers":{"a":{"image":"i","args":["x",null]}}})") ==
        "r.json: /servers/a/args/1: not a string but null");
  CHECK(problem(R"({"servers":{"a":{"image":"i","target_port":99999}}})") ==
        "r.json: /servers/a/target_port: not a port number (0 to 65535)");
  CHECK(problem(R"({"servers":{"a":{"image":"i","transport":"http"}}})") ==
        "r.json: /servers/a/transport: unknown transport \"http\"");
  CHECK(problem(R"({"servers":{"a":{"image":"i","env_vars":[{"required":true}]}}})") ==
        "r.json: /servers/a/env_vars/0/name: missing");
  CHECK(problem(R"({"servers":{"a":{"image":"i","env_vars":[{"name":"A","default":1}]}}})") ==
        "r.json: /servers/a/env_vars/0/default: not a string but a number");
  CHECK(problem(R"({"servers":{"a":{"image":"i","permissions":{"network":[]}}}})") ==
        "r.json: /servers/a/permissions/network: not an object but an array");
  CHECK(problem(R"({"servers":[{"name":"a/b","packages":[{"registryType":"npm"}]}]})") ==
        "r.json: /servers/0/packages/0/identifier: missing");
}

TEST_CASE("a name that comes twice is an error", "[registry][unit]") {
  CHECK(problem(R"({"servers":{"a":{"image":"i"},"a":{"image":"j"}}})") ==
        "r.json: /servers/a: duplicate key");
  CHECK(problem(R"({"servers":[{"name":"a","image":"i"},{"name":"a","image":"j"}]})") ==
        "r.json: /servers/1: duplicate server name \"a\"");
  CHECK(problem(R"({"groups":[{"name":"g","servers":{"a":{"image":"i"}},
      "remote_servers":{"a":{"url":"https://x"}}}]})") ==
        "r.json: /groups/0/remote_servers/a: duplicate server name \"a\"");
  CHECK(problem(R"({"groups":[{"name":"g"},{"name":"g"}]})") ==
        "r.json: /groups/1/name: duplicate group name \"g\"");
  CHECK(problem(R"({"servers":{"a":{"image":"i","env_vars":[{"name":"A"},{"name":"A"}]}}})") ==
        "r.json: /servers/a/env_vars/1/name: duplicate name \"A\"");
  SECTION("one name in two groups is fine") {
    CHECK(registry::read(R"({"servers":{"a":{"image":"i"}},"groups":[
        {"name":"g","servers":{"a":{"image":"i"}}},{"name":"h","servers":{"a":{"image":"i"}}}]})",
                         "r.json"));
  }
}

TEST_CASE("names that would spoil a terminal are refused", "[registry][unit]") {
  CHECK(problem(R"({"servers":{"a\u001b[2J":{"image":"i"}}})")
            .ends_with("name with a control character"));
  CHECK(problem(R"({"groups":[{"name":"a\u0007"}]})") ==
        "r.json: /groups/0/name: name with a control character");
}

TEST_CASE("broken rules of the schema are warnings", "[registry][unit]") {
  auto const d = registry::read(R"({"version":"1","last_updated":"yesterday","servers":{"A_b":{
      "image":"i","description":"short","tier":"Gold","status":"Active","transport":"stdio",
      "tools":[],"colour":"red","env_vars":[{"name":"9X","description":"d"}]}},
      "groups":[{"name":"My Group","description":"Something to be found"}]})",
                                "r.json");
  REQUIRE(d);
  CHECK(d->warnings ==
        std::vector<std::string>{
            "r.json: /version: not a semantic version as 1.0.0",
            "r.json: /last_updated: not a time as 2025-09-05T02:29:06Z",
            "r.json: /servers/A_b: name \"A_b\" is not lowercase letters, digits and dashes, 3 or "
            "more",
            "r.json: /servers/A_b/description: 5 characters, expected 10 to 500",
            "r.json: /servers/A_b/tier: \"Gold\", expected one of: Official, Community",
            "r.json: /servers/A_b/tools: no tools",
            "r.json: /servers/A_b/env_vars/0/name: \"9X\" is no name of a variable",
            "r.json: /servers/A_b/colour: unknown member",
            "r.json: /groups/0/name: \"My Group\" is no group name, it runs as \"my-group\"",
        });
  CHECK(read_file("mobile-app-team-toolkit.json").warnings ==
        std::vector<std::string>{"mobile-app-team-toolkit.json: /version: missing",
                                 "mobile-app-team-toolkit.json: /last_updated: missing"});
}

TEST_CASE("the number of warnings is bounded", "[registry][unit]") {
  std::string text = R"({"version":"1.0.0","last_updated":"2025-09-05T02:29:06Z","servers":{)";
  for (int i = 0; i < 100; ++i)
    text += (i != 0 ? ",\"server" : "\"server") + std::to_string(i) + R"(":{"image":"i"})";
  auto const d = registry::read(text + "}}", "r.json", {.max_warnings = 10});
  REQUIRE(d);
  REQUIRE(d->warnings.size() == 11);
  CHECK(d->warnings.back() == "r.json: and 490 more warnings");
}

TEST_CASE("our own members are read in both formats", "[registry][unit]") {
  auto const d = registry::read(R"({"servers":[
      {"name":"abc","image":"i","runtime":"docker","optional":true},
      {"name":"x.y/z","optional":true,"runtime":"process",
       "packages":[{"registryType":"npm","identifier":"p"}]}]})",
                                "r.json");
  REQUIRE(d);
  CHECK(d->servers[0].runtime == "docker");
  CHECK(d->servers[0].optional);
  CHECK(d->servers[1].runtime == "process");
  CHECK(d->servers[1].optional);
}

TEST_CASE("an image of an upstream entry is completed from its parts", "[registry][unit]") {
  using registry::detail::image_reference;
  CHECK(image_reference("ghcr.io/a/b:1", "2", "") == "ghcr.io/a/b:1");
  CHECK(image_reference("a/b", "2", "https://docker.io") == "docker.io/a/b:2");
  CHECK(image_reference("a/b@sha256:0", "2", "") == "a/b@sha256:0");
  CHECK(image_reference("localhost:5000/b", "", "https://docker.io") == "localhost:5000/b");
  CHECK(registry::detail::port_of("http://localhost:8080/mcp") == 8080);
  CHECK(registry::detail::port_of("http://localhost:{port}/mcp") == 0);
  CHECK(registry::detail::port_of("http://localhost:99999") == 0);
  CHECK(registry::detail::port_of("http://localhost:/") == 0);
}

TEST_CASE("the number of entries is bounded", "[registry][unit]") {
  CHECK(problem(R"({"servers":{"a":{"image":"i"},"b":{"image":"i"}},"groups":[{"name":"g"}]})",
                {.max_entries = 2}) == "r.json: /groups: more than 2 servers and groups");
  std::string text = "{\"servers\":[{}";
  for (int i = 0; i < 1'000'000; ++i) text += ",{}";
  CHECK(problem(text + "]}") == "r.json: /servers: more than 100000 servers and groups");
}

TEST_CASE("a long list of variables is read in reasonable time", "[registry][unit]") {
  std::string text = R"({"servers":{"a":{"image":"i","env_vars":[{"name":"first"})";
  for (int i = 0; i < 200'000; ++i) text += ",{\"name\":\"V" + std::to_string(i) + "\"}";
  CHECK(registry::read(text + "]}}}", "r.json"));
  CHECK(problem(text + ",{\"name\":\"first\"}]}}}") ==
        "r.json: /servers/a/env_vars/200001/name: duplicate name \"first\"");
}
