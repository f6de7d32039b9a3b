// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/environment.hpp>

#include <catch2/catch_test_macros.hpp>

using thv::errc;
using thv::config::fixed_environment;
using thv::secrets::environment_provider;

TEST_CASE("a secret is the value of THV_SECRET_ and its name as written", "[secrets]") {
  environment_provider provider(fixed_environment({{"THV_SECRET_user-Token", "s3cret"}}));
  CHECK(provider.name() == "environment");
  CHECK(provider.get("user-Token").value() == "s3cret");
  CHECK_FALSE(provider.get("USER-TOKEN"));
}

TEST_CASE("ToolHive's variable is read too, ours wins", "[secrets]") {
  environment_provider provider(fixed_environment({{"TOOLHIVE_SECRET_a", "theirs"},
                                                   {"TOOLHIVE_SECRET_b", "theirs"},
                                                   {"THV_SECRET_b", "ours"}}));
  CHECK(provider.get("a").value() == "theirs");
  CHECK(provider.get("b").value() == "ours");
}

TEST_CASE("a secret without a value names the variable to set", "[secrets]") {
  environment_provider provider(fixed_environment({{"THV_SECRET_empty", ""}}));
  auto const missing = provider.get("github");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == errc::not_found);
  CHECK(missing.error().message == "secret 'github' has no value");
  CHECK(missing.error().hint == "set the environment variable THV_SECRET_github");
  CHECK(provider.get("empty").error().code == errc::not_found);
  CHECK(provider.get("a.b").error().hint ==
        "set the environment variable THV_SECRET_a.b with env(1): env 'THV_SECRET_a.b=...' "
        "thv-engine ...");
}

TEST_CASE("a name that no variable can have is refused", "[secrets]") {
  environment_provider provider(fixed_environment({}));
  for (auto const& name : {std::string(), std::string("a=b"), std::string("a\0b", 3)})
    CHECK(provider.get(name).error().code == errc::invalid_argument);
}

TEST_CASE("the process environment is read by default", "[secrets]") {
  ::setenv("THV_SECRET_of_process", "value", 1);
  environment_provider provider;
  CHECK(provider.get("of_process").value() == "value");
  ::unsetenv("THV_SECRET_of_process");
  CHECK_FALSE(provider.get("of_process"));
}
