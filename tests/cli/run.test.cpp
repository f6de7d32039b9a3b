// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "program.hpp"

using namespace cli_test;

namespace {

std::string planned(user const& u, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "run");
  arguments.push_back("--dry-run");
  return normalized(u.expect_done(arguments), u);
}

std::string registry_with_servers(user const& u) {
  return u.write("servers.json", R"({"servers": {
    "weather": {"image": "file://)" TINY_SERVER R"(", "transport": "stdio", "args": ["stdio"],
      "env_vars": [{"name": "TINY_NAME", "description": "d", "required": true},
                   {"name": "API_KEY", "description": "d", "required": true, "secret": true}]},
    "io.github.user/clock": {"image": "file://)" TINY_SERVER R"(", "transport": "stdio"}}})");
}

}  // namespace

TEST_CASE("names and transports come from the source when nobody gives them", "[cli][run]") {
  user u;
  std::string all;
  for (auto const* word : {"npx://@scope/server-x@1.0", "uvx://mcp-server-time"})
    all += planned(u, {word});
  all += planned(u, {TINY_SERVER});
  all += planned(u, {"https://api.example.com/mcp"});
  check_golden("run-plans", all);
}

TEST_CASE("arguments after -- reach the server as they are", "[cli][run]") {
  user u;
  auto const wrong = u.run({"run", "--name", "x", "--timeout", "10s", TINY_SERVER, "--", "--help"});
  CHECK(wrong.status == 1);
  CHECK(wrong.err.find("tiny: unknown mode '--help'") != std::string::npos);
  u.expect_done({"run", "--name", "x", TINY_SERVER, "--", "stdio"});
}

TEST_CASE("a program beside the user is run by its relative path", "[cli][run]") {
  user u;
  std::filesystem::copy_file(TINY_SERVER, u.home() / "server");
  u.expect_done({"run", "--name", "n", "--runtime", "process", "./server", "--", "stdio"});
  auto const package = std::string(u.json({"status", "n"}).at("package").as_string());
  CHECK(package == "file://" + (u.home() / "server").string());
}

TEST_CASE("a name is looked up in the registry", "[cli][run]") {
  user u;
  auto const registry = registry_with_servers(u);
  auto const missing = u.run({"run", "weather", "--registry", registry});
  CHECK(missing.status == 1);
  CHECK(missing.err ==
        "thv-engine: missing required values: TINY_NAME, API_KEY (secret)\n"
        "Hint: add --env TINY_NAME=VALUE --secret NAME,target=API_KEY\n");
  u.set("THV_SECRET_key", "v");
  u.expect_done({"run", "weather", "--registry", registry, "--env", "TINY_NAME=w", "--secret",
                 "key,target=API_KEY"});
  u.expect_done({"run", "clock", "--registry", registry});
  CHECK(u.json({"list"}).as_array().size() == 2);

  auto const typo = u.run({"run", "wether", "--registry", registry});
  CHECK(typo.status == 1);
  CHECK(typo.err.find("did you mean 'weather'?") != std::string::npos);
}

TEST_CASE("a second identical run changes nothing, another one is refused or replaces",
          "[cli][run]") {
  user u;
  u.expect_done({"run", "--name", "one", "--group", "g", TINY_SERVER});
  auto const elsewhere = u.run({"run", "--name", "one", "--group", "h", TINY_SERVER});
  CHECK(elsewhere.status == 1);
  CHECK(elsewhere.err.find("'g'") != std::string::npos);
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\ng\n");
}

TEST_CASE("the group's table in the configuration counts", "[cli][run]") {
  user u;
  u.write("config/thv-engine/config.toml",
          "[runtimes.local]\nplugin = \"process\"\n\n[groups.g]\nruntime = \"local\"\n");
  u.expect_done({"run", "--name", "one", "--group", "g", TINY_SERVER});
  CHECK(u.json({"status", "one"}).at("runtime") == "local");
}

TEST_CASE("the value of a secret is nowhere", "[cli][run]") {
  user u;
  u.set("THV_SECRET_key", "s3cret-value");
  auto const ran =
      u.run({"run", "--debug", "--name", "one", "--secret", "key,target=KEY", TINY_SERVER});
  CHECK(ran.status == 0);
  CHECK((ran.out + ran.err).find("s3cret-value") == std::string::npos);
  auto const state = u.run_program("/bin/grep", {"-r", "-l", "s3cret-value", u.home().string()});
  CHECK(state.out.empty());
}

TEST_CASE("a secret as a file is in memory alone, through a member's life", "[cli][run]") {
  user u;
  std::string const value = "s3cret-value-of-a-file";
  u.set("THV_SECRET_key", value);
  std::string const flag = "key,target=KEY_FILE,as=file";
  std::string said = u.expect_done({"run", "--dry-run", "--secret", flag, TINY_SERVER});
  said += u.expect_done({"run", "--debug", "--name", "one", "--secret", flag, TINY_SERVER});
  auto const path_of_one = [&] {
    auto path = u.expect_done({"mcp", "call", "one", "get-env", "--arg", "name=KEY_FILE"});
    CHECK(path.find("/thv-engine-") != std::string::npos);
    path.pop_back();  // the line break
    return path;
  };
  auto const content_of = [](std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  auto const first = path_of_one();
  CHECK(content_of(first) == value);
  said += u.expect_done({"mcp", "call", "one", "get-env"});  // all of its environment
  auto const exported = u.expect_done({"export", "one", "-"});
  CHECK(exported.find('"' + flag + '"') != std::string::npos);
  said += exported + u.expect_done({"list"}) + u.expect_done({"logs", "one"});
  CHECK(said.find(value) == std::string::npos);
  CHECK(u.run_program("/bin/grep", {"-r", "-l", value, u.home().string()}).out.empty());

  u.expect_done({"stop", "one"});
  CHECK_FALSE(std::filesystem::exists(first));
  u.expect_done({"start", "one"});
  CHECK(content_of(path_of_one()) == value);
  u.set("THV_SECRET_key", "rotated-value");
  u.expect_done({"restart", "one"});
  auto const last = path_of_one();
  CHECK(content_of(last) == "rotated-value");
  u.expect_done({"rm", "one"});
  CHECK_FALSE(std::filesystem::exists(last));
}

TEST_CASE("what is no UTF-8 is refused before anything is begun", "[cli][run]") {
  user u;
  for (auto const& words : std::vector<std::vector<std::string>>{{"--env", "A=x\xff", TINY_SERVER},
                                                                 {TINY_SERVER, "--", "a\xff"}}) {
    std::vector<std::string> arguments{"run", "--name", "one"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    auto const seen = u.run(arguments);
    CHECK(seen.status == 1);
    CHECK(seen.err.find(" is no UTF-8\nHint: only the value of a secret may hold any bytes") !=
          std::string::npos);
    CHECK(u.json({"list", "--all"}).as_array().empty());
  }
}
