// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include "program.hpp"

using namespace cli_test;

namespace {

/// Splits a command line as it stands in a document.
std::vector<std::string> words(std::string const& line) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < line.size();) {
    auto const end = std::min(line.find(' ', at), line.size());
    if (end > at) found.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return found;
}

}  // namespace

TEST_CASE("the command lines of the groups document work as they are written", "[cli][seeds]") {
  user u;
  u.set("THV_REGISTRY",
        u.write("registry.json", R"({"servers": {"server1": {"image": "file://)" TINY_SERVER
                                 R"("}, "server2": {"image": "file://)" TINY_SERVER R"("}}})"));
  u.expect_done(words("run server1 --group data-pipeline"));
  u.expect_done(words("run server2 --group data-pipeline"));
  CHECK(u.expect_done(words("group list")) == "NAME\ndata-pipeline\ndefault\n");
  CHECK(u.json(words("group list data-pipeline")).as_array().size() == 2);
  u.expect_done(words("group move server1 --from data-pipeline --to development"));
  CHECK(u.json(words("group list development")).as_array().size() == 1);
  auto const deleted = u.run_on_terminal(words("group delete data-pipeline"), "y\n");
  CHECK(deleted.status == 0);
  CHECK(u.expect_done(words("group list")) == "NAME\ndefault\ndevelopment\n");
  auto const left = u.json({"list", "--all"}).as_array();
  REQUIRE(left.size() == 1);
  CHECK(left[0].at("name") == "server1");
}

TEST_CASE("the command line of the registry groups proposal works as it is written",
          "[cli][seeds]") {
  user u;
  u.set("THV_SECRET_k8s_token", "one");
  u.set("TOOLHIVE_SECRET_playwright_token", "two");
  u.set("THV_REGISTRY", u.write_registry({{"k8s", ""}, {"playwright", ""}, {"api-server", ""}},
                                         "mobile-app-team-toolkit"));
  u.expect_done(
      words("group run mobile-app-team-toolkit --secret k8s_token,target=k8s.TOKEN --secret "
            "playwright_token,target=playwright.TOKEN --env api-server.DEBUG=true"));
  CHECK(u.json(words("group list mobile-app-team-toolkit")).as_array().size() == 3);
}
