// SPDX-License-Identifier: Apache-2.0
#include <thv/config/config.hpp>

#include <catch2/catch_test_macros.hpp>

using thv::errc;
using namespace thv::config;

TEST_CASE("[secrets] says where secrets come from", "[config]") {
  auto const c = parse("[secrets]\nprovider = \"encrypted\"\nkey_file = \"/k\"\n", "f");
  REQUIRE(c);
  CHECK(c->secrets == secrets_table{"encrypted", "f:2:12", "/k"});
  CHECK(parse("", "f")->secrets == secrets_table{});
}

TEST_CASE("what [secrets] cannot hold is refused with its place", "[config]") {
  auto const unknown = parse("[secrets]\nprovider = \"1password\"\n", "f");
  REQUIRE_FALSE(unknown);
  CHECK(to_string(unknown.error()) ==
        "f:2:12: 'secrets.provider': invalid secrets provider type: 1password (valid types: "
        "encrypted, environment)");
  CHECK(parse("[secrets]\nkey_file = \"k\"\n", "f").error().message ==
        "'secrets.key_file' is no absolute path");
  CHECK(
      parse("[secrets]\nprovidr = \"x\"\n", "f").error().message.find("did you mean 'provider'?") !=
      std::string::npos);
}

TEST_CASE("the environment wins over [secrets]", "[config]") {
  auto c = parse("[secrets]\nprovider = \"encrypted\"\nkey_file = \"/k\"\n", "f").value();
  REQUIRE(apply_environment(c, fixed_environment({{"THV_SECRETS_PROVIDER", "environment"},
                                                  {"THV_SECRETS_KEY_FILE", "/other"}})));
  CHECK(c.secrets == secrets_table{"environment", "THV_SECRETS_PROVIDER", "/other"});
  auto const wrong = apply_environment(c, fixed_environment({{"THV_SECRETS_PROVIDER", "none"}}));
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().where == "THV_SECRETS_PROVIDER");
  CHECK(apply_environment(c, fixed_environment({{"THV_SECRETS_KEY_FILE", "k"}})).error().code ==
        errc::invalid_argument);
}
