// SPDX-License-Identifier: Apache-2.0
#include <thv/registry/search.hpp>

#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <thv/registry/read.hpp>

namespace registry = thv::registry;

namespace {

std::vector<std::string> found(std::vector<std::string> const& words) {
  auto const d = registry::read(R"({
      "servers":{"weather":{"image":"i","description":"Forecasts","tags":["Maps"]},
                 "atlas":{"image":"i","description":"Weather charts and maps","tools":["draw_map"]},
                 "weather-archive":{"image":"i","description":"Old data"}},
      "groups":[{"name":"Field Team","description":"For weather people",
                 "servers":{"gauge":{"image":"i","tools":["read_rain"]}}}]})",
                                "r.json");
  REQUIRE(d);
  std::vector<registry::document> const documents = {*d};
  std::vector<std::string> out;
  for (auto const& hit : registry::search(documents, words))
    out.push_back((hit.server == nullptr  ? "group "
                   : hit.group != nullptr ? "member "
                                          : "") +
                  hit.name());
  return out;
}

using list = std::vector<std::string>;

}  // namespace

TEST_CASE("search looks at names, descriptions, tools and tags, nearest first",
          "[registry][unit]") {
  CHECK(found({"WEATHER"}) == list{"weather", "weather-archive", "group Field Team", "atlas"});
  CHECK(found({"maps"}) == list{"weather", "atlas"});
  CHECK(found({"draw"}) == list{"atlas"});
  CHECK(found({"rain"}) == list{"member gauge"});
  CHECK(found({"field-team"}) == list{"group Field Team"});
}

TEST_CASE("every word must occur", "[registry][unit]") {
  CHECK(found({"weather", "maps"}) == list{"weather", "atlas"});
  CHECK(found({"weather", "nothing"}).empty());
  CHECK(found({}).size() == 5);
}
