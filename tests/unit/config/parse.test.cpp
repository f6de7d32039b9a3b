// SPDX-License-Identifier: Apache-2.0
#include <thv/config/config.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

using namespace std::chrono_literals;
using thv::errc;
using thv::config::configuration;
using thv::config::parse;

TEST_CASE("an empty document is the defaults", "[config]") {
  auto const c = parse("", "config.toml");
  REQUIRE(c);
  CHECK(*c == configuration{});
  CHECK(c->default_runtime.empty());
  CHECK(c->auto_create);
  CHECK(c->deploy_parallel == 8);
  CHECK(c->deploy_timeout == 120s);
}

TEST_CASE("every key is read", "[config]") {
  auto const c = parse(R"(
default_runtime = "big"

[runtimes.big]
plugin = "docker"
endpoint = "tcp://10.0.0.5:2376"
tls_verify = true
publish = "10.0.0.5"
retries = 3

[runtimes.process]

[registry]
sources = ["a.json", "https://example.org/r.json"]

[group_defaults]
auto_create = false

[groups.staging]
runtime = "process"
timeout = "5m"
parallel = 2

[groups.production]

[deploy]
parallel = 16
timeout = "1m30s"
)",
                       "c.toml");
  REQUIRE(c);
  CHECK(c->default_runtime == "big");
  CHECK(c->default_runtime_where == "c.toml:2:19");
  REQUIRE(c->runtimes.size() == 2);
  auto const& big = c->runtimes.at("big");
  CHECK(big.plugin == "docker");
  CHECK(big.where == "c.toml:4:11");
  CHECK(big.settings == std::map<std::string, std::string>{{"endpoint", "tcp://10.0.0.5:2376"},
                                                           {"tls_verify", "true"},
                                                           {"publish", "10.0.0.5"},
                                                           {"retries", "3"}});
  CHECK(c->runtimes.at("process").plugin == "process");
  CHECK(c->registry_sources == std::vector<std::string>{"a.json", "https://example.org/r.json"});
  CHECK_FALSE(c->auto_create);
  REQUIRE(c->groups.size() == 2);
  CHECK(c->groups.at("staging").runtime == "process");
  CHECK(c->groups.at("staging").timeout == 5min);
  CHECK(c->groups.at("staging").parallel == 2);
  CHECK(c->groups.at("production") == thv::config::group_table{});
  CHECK(c->deploy_parallel == 16);
  CHECK(c->deploy_timeout == 90s);
}

TEST_CASE("what is wrong is told with file, line and column", "[config]") {
  struct example {
    char const* text;
    char const* message;
    char const* hint = "";
  };
  auto const e = GENERATE(values<example>({
      {"defualt_runtime = \"docker\"",
       "c.toml:1:1: unknown key 'defualt_runtime' in the document; did you mean "
       "'default_runtime'?",
       "known keys: default_runtime, runtimes, registry, group_defaults, groups, deploy, gateway, "
       "secrets"},
      {"\n[deploy]\n  paralel = 3",
       "c.toml:3:3: unknown key 'paralel' in [deploy]; did you mean "
       "'parallel'?",
       "known keys: parallel, timeout"},
      {"[deploy]\nzzz = 3", "c.toml:2:1: unknown key 'zzz' in [deploy]",
       "known keys: parallel, timeout"},
      {"[registy]\nsources = []",
       "c.toml:1:2: unknown key 'registy' in the document; did you mean 'registry'?",
       "known keys: default_runtime, runtimes, registry, group_defaults, groups, deploy, gateway, "
       "secrets"},
      {"[groups.a]\nruntimes = \"x\"",
       "c.toml:2:1: unknown key 'runtimes' in [groups.a]; did you mean 'runtime'?",
       "known keys: runtime, timeout, parallel, autostart"},
      {"default_runtime = 3",
       "c.toml:1:19: 'default_runtime' is a whole number; expected a string"},
      {"default_runtime = \"\"", "c.toml:1:19: 'default_runtime' is empty"},
      {"default_runtime = \"a\\u0000b\"", "c.toml:1:19: 'default_runtime' holds a zero byte"},
      {"deploy = 1", "c.toml:1:10: 'deploy' is a whole number; expected a table"},
      {"runtimes = []", "c.toml:1:12: 'runtimes' is an array; expected a table of tables"},
      {"[runtimes]\ndocker = 1.5",
       "c.toml:2:10: 'runtimes.docker' is a floating-point number; expected a table"},
      {"[runtimes.d]\nplugin = true",
       "c.toml:2:10: 'runtimes.d.plugin' is a boolean; expected a "
       "string"},
      {"[runtimes.d]\nendpoint = [\"a\"]",
       "c.toml:2:12: 'runtimes.d.endpoint' is an array; expected a string, a whole number or a "
       "boolean"},
      {"[runtimes.\"../x\"]", "c.toml:1:11: '../x' is no name for a runtime",
       "use letters, digits, '.', '_' and '-', at most 64, the first a letter or a digit"},
      {"[registry]\nsources = \"a\"",
       "c.toml:2:11: 'registry.sources' is a string; expected an array of strings"},
      {"[registry]\nsources = [\"a\",\n  1]",
       "c.toml:3:3: 'registry.sources' is a whole number; expected a string"},
      {"[group_defaults]\nauto_create = \"no\"",
       "c.toml:2:15: 'group_defaults.auto_create' is a string; expected true or false"},
      {"[deploy]\nparallel = 0", "c.toml:2:12: 'deploy.parallel': 0 is not between 1 and 64"},
      {"[deploy]\nparallel = 65", "c.toml:2:12: 'deploy.parallel': 65 is not between 1 and 64"},
      {"[deploy]\nparallel = \"8\"",
       "c.toml:2:12: 'deploy.parallel' is a string; expected a whole number"},
      {"[deploy]\ntimeout = 120",
       "c.toml:2:11: 'deploy.timeout' is a whole number; expected a "
       "duration in quotes, such as \"120s\""},
      {"[deploy]\ntimeout = \"2 minutes\"",
       "c.toml:2:11: 'deploy.timeout': '2 minutes' is no duration",
       "write whole numbers with their units, such as 500ms, 120s, 2m or 1m30s"},
      {"[deploy]\ntimeout = 1979-05-27",
       "c.toml:2:11: 'deploy.timeout' is a date or time; expected a duration in quotes, such as "
       "\"120s\""},
      {"[groups.a]\ntimeout = \"25h\"",
       "c.toml:2:11: 'groups.a.timeout': the duration '25h' is not between 1ms and 24h"},
  }));
  auto const c = parse(e.text, "c.toml");
  REQUIRE_FALSE(c);
  CHECK(c.error().code == errc::invalid_argument);
  CHECK(to_string(c.error()) == e.message);
  CHECK(c.error().hint == e.hint);
}

TEST_CASE("the gateway's table says where it listens and who may come", "[config]") {
  auto const c = parse(R"([gateway]
listen = "[::1]:5000"
token = "0123456789abcdef"
log_format = "json"
allowed_origins = ["https://app.example.org"]
allowed_hosts = ["gateway.lan"]

[groups.tools]
autostart = true
)",
                       "c.toml");
  REQUIRE(c);
  CHECK(c->gateway.host == "::1");
  CHECK(c->gateway.port == 5000);
  CHECK(c->gateway.token == "0123456789abcdef");
  CHECK(c->gateway.json_log);
  CHECK(c->gateway.allowed_origins == std::vector<std::string>{"https://app.example.org"});
  CHECK(c->gateway.allowed_hosts == std::vector<std::string>{"gateway.lan"});
  CHECK(c->groups.at("tools").autostart);
  auto const defaults = parse("", "c.toml");
  REQUIRE(defaults);
  CHECK(defaults->gateway.host == "127.0.0.1");
  CHECK(defaults->gateway.port == 4483);
  CHECK_FALSE(defaults->gateway.json_log);
}

TEST_CASE("what is wrong with the gateway's table is told with its place", "[config]") {
  struct wrong {
    std::string text;
    std::string message;
  };
  auto const e = GENERATE(values<wrong>({
      {"[gateway]\nlisten = \"4483\"",
       "c.toml:2:10: 'gateway.listen': '4483' is no address with a port"},
      {"[gateway]\nlisten = \"::1:4483\"",
       "c.toml:2:10: 'gateway.listen': '::1:4483' is no address with a port"},
      {"[gateway]\nlisten = \"localhost:70000\"",
       "c.toml:2:10: 'gateway.listen': 'localhost:70000' is no address with a port"},
      {"[gateway]\nlisten = \"localhost:\"",
       "c.toml:2:10: 'gateway.listen': 'localhost:' is no address with a port"},
      {"[gateway]\ntoken = \"too-short\"", "c.toml:2:9: 'gateway.token': is no token"},
      {"[gateway]\ntoken_file = \"token\"",
       "c.toml:2:14: 'gateway.token_file' is no absolute path"},
      {"[gateway]\ntoken_file = \"/t\"\ntoken = \"0123456789abcdef\"",
       "c.toml:1:1: [gateway] has both 'token' and 'token_file'"},
      {"[gateway]\nlog_format = \"xml\"",
       "c.toml:2:14: 'gateway.log_format' is 'xml'; expected json or text"},
      {"[groups.a]\nautostart = 1",
       "c.toml:2:13: 'groups.a.autostart' is a whole number; expected true or false"},
  }));
  auto const c = parse(e.text, "c.toml");
  REQUIRE_FALSE(c);
  CHECK(to_string(c.error()) == e.message);
}

TEST_CASE("what is no TOML is told with file, line and column", "[config]") {
  auto const text = GENERATE(as<std::string>{}, "a = ", "[x\n", "a = 1\na = 2", "= 3", "a = \"\n\"",
                             "\xff\xfe", "a = 'x' b");
  auto const c = parse(text, "dir/c.toml");
  REQUIRE_FALSE(c);
  CHECK(c.error().code == errc::invalid_argument);
  CHECK(c.error().where.starts_with("dir/c.toml:"));
  CHECK_FALSE(c.error().message.empty());
}

TEST_CASE("deep nesting is an error, not a crash", "[config]") {
  auto const c = parse("a = " + std::string(100'000, '['), "c.toml");
  REQUIRE_FALSE(c);
  CHECK(c.error().code == errc::invalid_argument);
}
