// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include "program.hpp"

using namespace cli_test;

namespace {

std::string const document = THV_TEST_DATA "/registry/mobile-app-team-toolkit.json";

}  // namespace

TEST_CASE("a registry is listed, shown and searched", "[cli][registry]") {
  user u;
  u.set("THV_REGISTRY", document);
  std::string all;
  auto const show = [&](std::vector<std::string> const& arguments) {
    std::string line = "$ thv-engine";
    for (auto const& word : arguments) line += " " + word;
    all += line + "\n" + u.expect_done(arguments) + "\n";
  };
  show({"registry", "list"});
  show({"registry", "show", "mobile-app-team-toolkit"});
  show({"search", "company"});
  show({"search", "HUGGING", "face"});
  show({"search", "nothing-like-it"});
  show({"registry", "list", "--format", "json"});
  check_golden("registry", all);
  CHECK(u.expect_done({"registry", "info", "mobile-app-team-toolkit"}) ==
        u.expect_done({"registry", "show", "mobile-app-team-toolkit"}));
  auto const unknown = u.run({"registry", "show", "mobile-app-team-toolkit2"});
  CHECK(unknown.status == 1);
}

TEST_CASE("validate says everything that is wrong, with its place", "[cli][registry]") {
  user u;
  CHECK(u.run({"registry", "validate", document}).status == 0);
  auto const path = u.write("bad.json", R"({"servers": {"fetch": {"description": "short"}},
    "groups": [{"name": "g", "servers": {"a": {"image": 5}}}]})");
  auto const seen = u.run({"registry", "validate", path});
  CHECK(seen.status == 1);
  check_golden("validate", normalized(seen.out, u));
  auto const json = u.run({"registry", "validate", path, "--format", "json"});
  CHECK(json.status == 1);
  CHECK(json.out.find("\"severity\": \"error\"") != std::string::npos);
}

TEST_CASE("the flag wins over the variable, the variable over the configuration",
          "[cli][registry]") {
  user u;
  auto const one = u.write_registry({{"a", ""}}, "one");
  auto const two = u.write_registry({{"a", ""}}, "two");
  auto const three = u.write_registry({{"a", ""}}, "three");
  u.write("config/thv-engine/config.toml", "[registry]\nsources = [\"" + one + "\"]\n");
  CHECK(u.expect_done({"registry", "list"}).find("one") != std::string::npos);
  u.set("THV_REGISTRY", two);
  CHECK(u.expect_done({"registry", "list"}).find("two") != std::string::npos);
  auto const both = u.expect_done({"registry", "list", "--registry", three, "--registry", one});
  CHECK(both.find("three") != std::string::npos);
  CHECK(both.find("one") != std::string::npos);
  CHECK(both.find("two") == std::string::npos);
}

TEST_CASE("runtimes are listed with what keeps them from answering", "[cli][runtime]") {
  user u;
  u.write("config/thv-engine/config.toml",
          "[runtimes.gone]\nplugin = \"docker\"\nendpoint = \"unix:///nosuch.sock\"\n");
  auto const listed = u.json({"runtime", "list"}).as_array();
  bool process = false;
  bool gone = false;
  for (auto const& entry : listed) {
    for (auto const* key : {"name", "plugin", "path", "version", "answers", "reason"})
      CHECK(entry.as_object().contains(key));
    if (entry.at("name") == "process") process = entry.at("answers").as_bool();
    if (entry.at("name") == "gone") gone = !entry.at("answers").as_bool();
  }
  CHECK(process);
  CHECK(gone);
  CHECK(u.expect_done({"runtime", "list"}).find("NAME") == 0);
}

TEST_CASE("the version is told", "[cli][version]") {
  user u;
  CHECK(u.expect_done({"version"}).starts_with("thv-engine "));
  CHECK(u.json({"version"}).as_object().contains("version"));
}
