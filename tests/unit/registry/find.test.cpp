// SPDX-License-Identifier: Apache-2.0
#include <thv/registry/find.hpp>

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <thv/registry/read.hpp>

namespace registry = thv::registry;

namespace {

std::vector<registry::document> two_sources() {
  auto first = registry::read(R"({
      "servers":[{"name":"io.github.a/weather","image":"i"},{"name":"fetch","image":"first"},
                 {"name":"io.github.a/time","image":"i"},{"name":"io.github.b/time","image":"i"}],
      "groups":[{"name":"Mobile App Team Toolkit","servers":{"inner":{"image":"i"}}},
                {"name":"Two  Words"},{"name":"two words"}]})",
                              "first.json");
  auto second = registry::read(R"({
      "servers":{"fetch":{"image":"second"},"only-second":{"image":"i"}},
      "groups":[{"name":"mobile-app-team-toolkit"},{"name":"research"}]})",
                               "second.json");
  REQUIRE(first);
  REQUIRE(second);
  return {*first, *second};
}

}  // namespace

TEST_CASE("a group is found by its exact name or its slug, in the first source",
          "[registry][unit]") {
  auto const documents = two_sources();
  auto const exact = registry::find_group(documents, "Mobile App Team Toolkit");
  REQUIRE(exact);
  CHECK(exact->document->origin == "first.json");
  auto const by_slug = registry::find_group(documents, "mobile-app-team-toolkit");
  REQUIRE(by_slug);
  CHECK(by_slug->document->origin == "first.json");
  CHECK(by_slug->group->name == "Mobile App Team Toolkit");
  auto const second = registry::find_group(documents, "research");
  REQUIRE(second);
  CHECK(second->document->origin == "second.json");
}

TEST_CASE("two groups of one slug need the exact name", "[registry][unit]") {
  auto const documents = two_sources();
  auto const r = registry::find_group(documents, "two-words");
  REQUIRE_FALSE(r);
  CHECK(thv::to_string(r.error()) ==
        "first.json: several groups run as 'two-words': 'Two  Words' and 'two words'");
  CHECK(registry::find_group(documents, "two words"));
}

TEST_CASE("a group that is nowhere is reported in ToolHive's words, with what was meant",
          "[registry][unit]") {
  auto const problem = [](std::vector<registry::document> const& documents, std::string_view name) {
    auto const r = registry::find_group(documents, name);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == thv::errc::not_found);
    CHECK(r.error().message == "group '" + std::string(name) + "' not found in registry");
    return r.error().hint;
  };
  CHECK(problem(two_sources(), "reserch") == "did you mean 'research'?");
  CHECK(problem(two_sources(), "mobile-app-team-tolkit") ==
        "did you mean 'mobile-app-team-toolkit'?");
  CHECK(problem(two_sources(), "zzz") == "see the groups with 'thv-engine registry list'");
  CHECK(problem({}, "a") == "no registry is set: give --registry FILE|URL");
  auto const plain = registry::read(R"({"servers":{"a":{"image":"i"}}})", "plain.json");
  REQUIRE(plain);
  CHECK(problem({*plain}, "a") == "there are no groups in plain.json");
}

TEST_CASE("a server is found by name, or by the last part of a reverse-DNS name",
          "[registry][unit]") {
  auto const documents = two_sources();
  auto const fetch = registry::find_server(documents, "fetch");
  REQUIRE(fetch);
  CHECK(fetch->server->packages[0].reference == "first");
  auto const weather = registry::find_server(documents, "weather");
  REQUIRE(weather);
  CHECK(weather->server->name == "io.github.a/weather");
  CHECK(registry::find_server(documents, "only-second")->document->origin == "second.json");

  auto const time = registry::find_server(documents, "time");
  REQUIRE_FALSE(time);
  CHECK(time.error().message ==
        "multiple servers match 'time': io.github.a/time, io.github.b/time — use the full name");
  auto const typo = registry::find_server(documents, "fetsh");
  REQUIRE_FALSE(typo);
  CHECK(typo.error().message == "server 'fetsh' not found in registry");
  CHECK(typo.error().hint == "did you mean 'fetch'?");
  auto const inner = registry::find_server(documents, "inner");
  REQUIRE_FALSE(inner);
  CHECK(inner.error().hint ==
        "it is a member of the group 'Mobile App Team Toolkit': use 'thv-engine group run "
        "mobile-app-team-toolkit'");
}

TEST_CASE("the edit distance counts single changes", "[registry][unit]") {
  CHECK(registry::edit_distance("", "") == 0);
  CHECK(registry::edit_distance("abc", "") == 3);
  CHECK(registry::edit_distance("kitten", "sitting") == 3);
  CHECK(registry::edit_distance("fetch", "fetch") == 0);
  CHECK(registry::nearest("FETCH", {"other", "fetch"}) == "fetch");
  CHECK(registry::nearest("rnu", {"rm", "run"}) == "run");
  CHECK_FALSE(registry::nearest("abc", {"xyz"}));
  CHECK_FALSE(registry::nearest(std::string(1000, 'a'), {std::string(1000, 'a')}));
}
