// SPDX-License-Identifier: Apache-2.0
// Parsers and schemas that are not ours judge what we write for clients that do not run here.
#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include <catch2/catch_test_macros.hpp>

#include "corpus.hpp"
#include "real_clients.hpp"

using namespace thv::test;

namespace {

boost::json::object case_of(sample const& file, std::string const& after,
                            std::vector<thv::clients::entry> const& list) {
  boost::json::array expected;
  for (auto const& e : list)
    expected.push_back(boost::json::object{{"name", e.name}, {"url", e.url}, {"token", e.token}});
  return {{"client", file.client->name},
          {"name", file.name},
          {"before", file.text},
          {"after", after},
          {"entries", expected}};
}

std::string read_file(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

cli_test::outcome judge(boost::json::array const& cases) {
  cli_test::user const u;
  return run_script(u, "judge.mjs", {u.write("cases.json", boost::json::serialize(cases))});
}

/// Where a client of this user has its file.
std::filesystem::path file_of(cli_test::user const& u, thv::clients::kind const& k) {
  return thv::clients::config_file(k, u.home(), thv::clients::platform::linux_,
                                   {{"XDG_CONFIG_HOME", u.variables().at("XDG_CONFIG_HOME")}});
}

}  // namespace

TEST_CASE("other parsers read what was written, and see nothing else changed",
          "[clients][integration]") {
  boost::json::array cases;
  for (auto const& original : corpus())
    for (auto const& file : variants(original))
      for (auto const* const token : {"", "a-token-of-24-characters"}) {
        editing now(file);
        auto const list = entries(*file.client, 3, token);
        now.put(list);
        cases.push_back(case_of(file, now.text(), list));
      }
  auto const said = judge(cases);
  INFO(said.out << said.err);
  CHECK(said.status == 0);
}

TEST_CASE("what is shown for each client fits its documented schema", "[clients][integration]") {
  boost::json::array cases;
  for (auto const& kind : thv::clients::kinds()) {
    auto const list = entries(kind, 2, "a-token-of-24-characters");
    cases.push_back(
        case_of({std::string(kind.name), &kind, ""}, thv::clients::document_of(kind, list), list));
  }
  auto const said = judge(cases);
  INFO(said.out << said.err);
  CHECK(said.status == 0);
}

TEST_CASE("all 25 clients of one user, by the commands", "[clients][integration]") {
  cli_test::user u;
  // Every client has a file of the corpus, but for some that have none yet.
  std::map<std::string, sample> files;
  for (auto const& file : corpus()) files.try_emplace(std::string(file.client->name), file);
  std::vector<std::string> names;
  std::set<std::string> missing;
  std::string const token = "a-token-of-24-characters";
  for (auto& [name, file] : files) {
    names.push_back(name);
    if (names.size() % 6 == 0) {
      file.text.clear();
      missing.insert(name);
    } else {
      u.write(file_of(u, *file.client).lexically_relative(u.home()).string(), file.text);
    }
  }
  u.write("config/thv-engine/config.toml", "[gateway]\ntoken = \"" + token + "\"\n");
  for (auto const* const member : {"alpha", "beta.v2"})
    u.expect_done({"run", "--name", member, "--group", "tools", TINY_SERVER});
  std::vector<std::string> command{"client", "register", "--group", "tools"};
  command.insert(command.end(), names.begin(), names.end());
  u.expect_done(command);

  auto const port = u.json({"gateway", "status"}).at("port").as_int64();
  boost::json::array cases;
  for (auto const& [name, file] : files) {
    std::vector<thv::clients::entry> list;
    for (auto const* const member : {"alpha", "beta.v2"})
      list.push_back({thv::clients::entry_name(*file.client, member),
                      fmt::format("http://127.0.0.1:{}/servers/{}/mcp", port, member), token});
    auto before = file;
    if (missing.contains(name)) before.text = file.client->preamble;
    cases.push_back(case_of(before, read_file(file_of(u, *file.client)), list));
    auto const shown = u.expect_done({"client", "show", name, "--group", "tools"});
    cases.push_back(case_of({name + " as shown", file.client, ""}, shown, list));
  }
  auto const said = judge(cases);
  INFO(said.out << said.err);
  CHECK(said.status == 0);

  command = {"client", "remove"};
  command.insert(command.end(), names.begin(), names.end());
  u.expect_done(command);
  for (auto const& [name, file] : files) {
    INFO(name);
    auto const path = file_of(u, *file.client);
    CHECK(std::filesystem::exists(path) == (missing.count(name) == 0));
    CHECK(read_file(path) == file.text);
  }
}

TEST_CASE("the judge refuses what is wrong", "[clients][integration]") {
  auto const kind = thv::clients::find_kind("cursor");
  REQUIRE(kind);
  auto const list = entries(**kind, 1);
  sample const file{"cursor/wrong", *kind, R"({"mcpServers": {"a": {"command": "a"}}})"};
  editing now(file);
  now.put(list);
  auto const refuses = [&](std::string const& after) {
    auto const said = judge({case_of(file, after, list)});
    INFO(said.out << said.err);
    CHECK(said.status == 1);
  };
  auto const good = now.text();
  auto const replaced = [&](std::string const& from, std::string const& to) {
    auto text = good;
    auto const at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  CHECK(judge({case_of(file, good, list)}).status == 0);
  refuses(good.substr(0, good.size() - 1));
  refuses(replaced("4483", "4484"));
  refuses(replaced("\"command\"", "\"commands\""));
  refuses(replaced("\"a\": {\"command\": \"a\"}", ""));
  refuses(replaced("\"command\": \"a\"", "\"command\": \"b\""));
}
