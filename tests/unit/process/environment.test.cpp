// SPDX-License-Identifier: Apache-2.0
#include <process/environment.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace thv;
using namespace thv::process;

static plugin::workload_spec a_spec() {
  plugin::workload_spec spec;
  spec.name = "fetch";
  spec.group = "web";
  spec.store = "store-1";
  return spec;
}

TEST_CASE("a member inherits path, home, locale, proxies and authorities", "[process]") {
  for (auto const* key : {"PATH", "HOME", "LANG", "LC_ALL", "LC_TIME", "HTTPS_PROXY", "https_proxy",
                          "no_proxy", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"})
    CHECK(is_inherited(key));
  for (auto const* key : {"THV_SECRET_X", "TOOLHIVE_SECRET_X", "AWS_SECRET_ACCESS_KEY", "SHELL",
                          "LD_PRELOAD", "NODE_OPTIONS", "PATHX", "THV_STORE", ""})
    CHECK_FALSE(is_inherited(key));
}

TEST_CASE("a member's environment is exactly this", "[process]") {
  environment_map const ours{
      {"PATH", "/bin"}, {"THV_SECRET_A", "no"}, {"TOOLHIVE_X", "no"}, {"SHELL", "/bin/sh"}};
  auto spec = a_spec();
  spec.environment = {{"KEY", "value"}, {"THV_STORE", "forged"}};
  CHECK(member_environment(ours, spec, "fetch-1", 0) ==
        environment_map{{"PATH", "/bin"},
                        {"KEY", "value"},
                        {"THV_WORKLOAD", "fetch"},
                        {"THV_GROUP", "web"},
                        {"THV_STORE", "store-1"},
                        {"THV_INSTANCE", "fetch-1"}});
}

TEST_CASE("what the run config says wins over what is inherited", "[process]") {
  auto spec = a_spec();
  spec.environment["PATH"] = "/opt";
  CHECK(member_environment({{"PATH", "/bin"}}, spec, "i", 0).at("PATH") == "/opt");
}

TEST_CASE("an HTTP member is told its port and transport", "[process]") {
  auto spec = a_spec();
  spec.transport = transport::sse;
  spec.environment["PORT"] = "1";
  auto const values = member_environment({}, spec, "i", 8123);
  for (auto const* key : {"PORT", "MCP_PORT", "FASTMCP_PORT"}) CHECK(values.at(key) == "8123");
  CHECK(values.at("MCP_TRANSPORT") == "sse");
  CHECK(with_port({"--port={port}", "{port}:{port}", "x"}, 8123) ==
        std::vector<std::string>{"--port=8123", "8123:8123", "x"});
}

TEST_CASE("installers see our environment without anything of ours", "[process]") {
  CHECK(
      installer_environment({{"THV_SECRET_A", "x"}, {"TOOLHIVE_B", "x"}, {"NPM_CONFIG_A", "y"}}) ==
      environment_map{{"NPM_CONFIG_A", "y"}});
}

TEST_CASE("secrets are known by their target and left out", "[process]") {
  auto const targets = targets_of({"API_KEY", "user,target=USER_ID", "a,target=C,as=file"});
  CHECK(targets.values == std::set<std::string>{"API_KEY", "USER_ID"});
  CHECK(targets.files == std::vector<std::string>{"C"});
  auto spec = a_spec();
  spec.environment = {{"USER_ID", "secret"}, {"PLAIN", "1"}, {"KEY_FILE", "/path"}};
  spec.secret_names = {"user,target=USER_ID", "key,target=KEY_FILE,as=file"};
  spec.secret_files = {{"KEY_FILE", "secret"}};
  spec.headers = {{"Authorization", "secret"}};
  auto const stored = without_secrets(spec);
  CHECK(stored.environment == environment_map{{"PLAIN", "1"}});
  CHECK(stored.secret_files.empty());
  CHECK(stored.headers.empty());
  CHECK(stored.secret_names == spec.secret_names);
}
