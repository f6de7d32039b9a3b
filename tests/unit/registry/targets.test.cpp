// SPDX-License-Identifier: Apache-2.0
#include <thv/registry/targets.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>
#include <catch2/catch_test_macros.hpp>

namespace registry = thv::registry;

namespace {

std::vector<std::string> const members = {"api-server", "k8s", "internal-company-server"};

std::string env_problem(std::string_view text, std::vector<std::string> const& names = members) {
  registry::targets t;
  auto const r = registry::add_env(t, text, names);
  REQUIRE_FALSE(r);
  CHECK(t == registry::targets{});
  return thv::to_string(r.error());
}

std::string secret_problem(std::string_view text) {
  registry::targets t;
  auto const r = registry::add_secret(t, text, members);
  REQUIRE_FALSE(r);
  CHECK(t == registry::targets{});
  return thv::to_string(r.error());
}

}  // namespace

TEST_CASE("the flags of the proposal's command line are routed", "[registry][unit]") {
  auto const t = registry::parse_targets(
      {.env = {"api-server.DEBUG=true"},
       .secrets = {"k8s_token,target=k8s.TOKEN", "playwright_token,target=playwright.TOKEN"}},
      {"k8s", "playwright", "api-server"});
  REQUIRE(t);
  CHECK(t->env.at("api-server").at("DEBUG") == "true");
  CHECK(t->secrets.at("k8s") == std::vector<registry::secret_reference>{{"k8s_token", "TOKEN"}});
  CHECK(t->secrets.at("playwright") ==
        std::vector<registry::secret_reference>{{"playwright_token", "TOKEN"}});
}

TEST_CASE("errors of --env are those of ToolHive", "[registry][unit]") {
  CHECK(env_problem("k8s.KEY") ==
        "invalid env var format 'k8s.KEY': expected 'SERVER_NAME.KEY=VALUE'");
  CHECK(env_problem("") == "invalid env var format '': expected 'SERVER_NAME.KEY=VALUE'");
  CHECK(env_problem("KEY=a.b") ==
        "invalid env var format 'KEY=a.b': expected 'SERVER_NAME.KEY=VALUE'");
  CHECK(env_problem(".KEY=v") == "server name cannot be empty in env var '.KEY=v'");
  CHECK(env_problem("k8s.=v") == "key name cannot be empty in env var 'k8s.=v'");
  CHECK(env_problem("nobody.KEY=v") ==
        "env var cannot be set because the MCP server named 'nobody' does not exist in group");
  CHECK(env_problem("k8.KEY=v").find("'k8'") != std::string::npos);
  registry::targets t;
  CHECK(registry::add_env(t, "nobody.KEY=v", members).error().hint ==
        "members of the group: api-server, k8s, internal-company-server");
}

TEST_CASE("errors of --secret are those of ToolHive", "[registry][unit]") {
  CHECK(secret_problem("token") ==
        "invalid secret format 'token': expected 'NAME,target=SERVER_NAME.TARGET'");
  CHECK(secret_problem("a,target=k8s.A,target=k8s.B") ==
        "invalid secret format 'a,target=k8s.A,target=k8s.B': expected "
        "'NAME,target=SERVER_NAME.TARGET'");
  CHECK(secret_problem(",target=k8s.A") == "secret name cannot be empty in ',target=k8s.A'");
  CHECK(secret_problem("a,target=") == "target cannot be empty in secret 'a,target='");
  CHECK(secret_problem("a,target=k8s") ==
        "invalid target format in secret 'a,target=k8s': expected 'SERVER_NAME.TARGET'");
  CHECK(secret_problem("a,target=.A") ==
        "server name cannot be empty in secret target 'a,target=.A'");
  CHECK(secret_problem("a,target=nobody.A") ==
        "secret cannot be set because the MCP server named 'nobody' does not exist in group");
  CHECK(secret_problem("a,target=k8s.") ==
        "environment variable name cannot be empty in secret target 'a,target=k8s.'");
}

TEST_CASE("values may be empty and hold anything, the last of two counts", "[registry][unit]") {
  registry::targets t;
  for (auto const* const text : {"k8s.A=", "k8s.B=x=y.z", "k8s.C=1", "k8s.C=2", "k8s.D.E=dotted"})
    REQUIRE(registry::add_env(t, text, members));
  CHECK(t.env.at("k8s") == std::map<std::string, std::string>{
                               {"A", ""}, {"B", "x=y.z"}, {"C", "2"}, {"D.E", "dotted"}});
  for (auto const* const text : {"one,target=k8s.T", "other,target=k8s.U", "two,target=k8s.T"})
    REQUIRE(registry::add_secret(t, text, members));
  CHECK(t.secrets.at("k8s") ==
        std::vector<registry::secret_reference>{{"other", "U"}, {"two", "T"}});
}

TEST_CASE("the longest member name that matches wins", "[registry][unit]") {
  std::vector<std::string> const dotted = {"a", "a.b", "io.github.x/weather", "a.b.c.d"};
  registry::targets t;
  for (auto const* const text :
       {"a.KEY=1", "a.b.KEY=2", "a.b.c.KEY=3", "io.github.x/weather.KEY=4", "a.bc.KEY=5"})
    REQUIRE(registry::add_env(t, text, dotted));
  CHECK(t.env.at("a") == std::map<std::string, std::string>{{"KEY", "1"}, {"bc.KEY", "5"}});
  CHECK(t.env.at("a.b") == std::map<std::string, std::string>{{"KEY", "2"}, {"c.KEY", "3"}});
  CHECK(t.env.at("io.github.x/weather") == std::map<std::string, std::string>{{"KEY", "4"}});
  REQUIRE(registry::add_secret(t, "s,target=a.b.TOKEN", dotted));
  CHECK(t.secrets.contains("a.b"));
  CHECK(env_problem("a.b.=x", dotted) == "key name cannot be empty in env var 'a.b.=x'");
}

TEST_CASE("an env file is read line by line", "[registry][unit]") {
  registry::targets t;
  REQUIRE(registry::add_env_file(t,
                                 "# comment\n\n  \nk8s.A=1\r\nexport k8s.B=\"quoted\"\n"
                                 "   api-server.C= spaces kept \nk8s.A=2",
                                 "team.env", members));
  CHECK(t.env.at("k8s") == std::map<std::string, std::string>{{"A", "2"}, {"B", "\"quoted\""}});
  CHECK(t.env.at("api-server").at("C") == " spaces kept ");
}

TEST_CASE("an error in an env file has file and line, and no value", "[registry][unit]") {
  auto const problem = [](std::string_view text) {
    registry::targets t;
    auto const r = registry::add_env_file(t, text, "team.env", members);
    REQUIRE_FALSE(r);
    return thv::to_string(r.error());
  };
  CHECK(problem("k8s.A=1\n\nTOKEN=hunter2\n") ==
        "team.env:3: invalid env var format 'TOKEN=…': expected 'SERVER_NAME.KEY=VALUE'");
  CHECK(problem("hunter2") ==
        "team.env:1: invalid env var format '…': expected 'SERVER_NAME.KEY=VALUE'");
  CHECK(problem(".A=hunter2") == "team.env:1: server name cannot be empty in env var '.A=…'");
  CHECK(problem("#\nnobody.A=hunter2") ==
        "team.env:2: env var cannot be set because the MCP server named 'nobody' does not exist in "
        "group");
}

TEST_CASE("a value of --env wins over --env-file, and a missing file is an error",
          "[registry][unit]") {
  auto const path =
      std::filesystem::temp_directory_path() / ("targets-" + std::to_string(::getpid()) + ".env");
  std::ofstream(path) << "k8s.A=file\nk8s.B=file\n";
  auto const t =
      registry::parse_targets({.env = {"k8s.A=flag"}, .env_files = {path.native()}}, members);
  REQUIRE(t);
  CHECK(t->env.at("k8s") == std::map<std::string, std::string>{{"A", "flag"}, {"B", "file"}});
  std::filesystem::remove(path);
  auto const missing = registry::parse_targets({.env_files = {path.native()}}, members);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message == "env file '" + path.native() + "' cannot be read");
  CHECK_FALSE(registry::parse_targets({.env_files = {path.parent_path().native()}}, members));
}

TEST_CASE("a secret can be asked for as a file", "[registry][unit]") {
  registry::targets t;
  for (auto const* const text : {"one,target=k8s.A,as=file", "two,target=k8s.B,as=env",
                                 "three,target=k8s.C", "four,target=k8s.C,as=file"})
    REQUIRE(registry::add_secret(t, text, members));
  CHECK(t.secrets.at("k8s") ==
        std::vector<registry::secret_reference>{{"one", "A", thv::secret_delivery::file},
                                                {"two", "B"},
                                                {"four", "C", thv::secret_delivery::file}});
  CHECK(secret_problem("a,target=k8s.A,as=pipe") ==
        "unknown way 'pipe' to give a secret in 'a,target=k8s.A,as=pipe'");
  CHECK(secret_problem("a,target=k8s.A,mode=0400") ==
        "unknown option 'mode=0400' in 'a,target=k8s.A,mode=0400'");
  CHECK(secret_problem("a,target=k8s./etc/x,as=file") ==
        "'/etc/x' cannot be the name of a file with a secret");
  CHECK(secret_problem("a,target=k8s.,as=file") ==
        "environment variable name cannot be empty in secret target 'a,target=k8s.,as=file'");
  CHECK(secret_problem("a,b,target=k8s.A") ==
        "secret name cannot hold a comma in 'a,b,target=k8s.A'");
}
