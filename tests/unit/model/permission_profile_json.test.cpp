// SPDX-License-Identifier: Apache-2.0
#include <thv/model/permission_profile_json.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>
#include <boost/json/serialize.hpp>
#include <catch2/catch_test_macros.hpp>

TEST_CASE("the built-in profiles are written as ToolHive writes them", "[model][unit]") {
  CHECK(boost::json::serialize(thv::to_json(thv::no_permissions())) == R"({"name":"none"})");
  CHECK(boost::json::serialize(thv::to_json(thv::network_only_permissions())) ==
        R"({"name":"network","network":{"outbound":{"insecure_allow_all":true}}})");
}

TEST_CASE("a profile is built in or a JSON file", "[model][unit]") {
  CHECK(*thv::load_permission_profile("none") == thv::no_permissions());
  CHECK(*thv::load_permission_profile("stdio") == thv::no_permissions());
  CHECK(*thv::load_permission_profile("network") == thv::network_only_permissions());

  auto const path =
      std::filesystem::temp_directory_path() / ("profile-" + std::to_string(::getpid()) + ".json");
  std::ofstream(path) << R"({"read": ["/data"], "network": {"outbound": {"allow_port": [443]}}})";
  auto const profile = thv::load_permission_profile(path.native());
  REQUIRE(profile);
  CHECK(profile->read == std::vector<std::string>{"/data"});
  CHECK(profile->network.outbound_allow_port == std::vector<std::uint16_t>{443});
  CHECK_FALSE(profile->network.outbound_allow_all);

  std::ofstream(path) << "{\n  \"read\": [\n}";
  auto const broken = thv::load_permission_profile(path.native());
  REQUIRE_FALSE(broken);
  CHECK(broken.error().where == path.native() + ":3:1");
  std::filesystem::remove(path);

  auto const missing = thv::load_permission_profile(path.native());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == thv::errc::not_found);
  CHECK_FALSE(thv::load_permission_profile(path.parent_path().native()));
  CHECK(missing.error().hint.find("`none` and `network`") != std::string::npos);
}
