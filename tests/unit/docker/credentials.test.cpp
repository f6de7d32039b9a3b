// SPDX-License-Identifier: Apache-2.0
#include "docker/credentials.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using thv::docker::find_credentials;
using thv::docker::registry_of;

TEST_CASE("An image names its registry", "[docker]") {
  CHECK(registry_of("fetch") == "index.docker.io");
  CHECK(registry_of("mcp/fetch:1") == "index.docker.io");
  CHECK(registry_of("docker.io/mcp/fetch") == "index.docker.io");
  CHECK(registry_of("ghcr.io/o/fetch:1") == "ghcr.io");
  CHECK(registry_of("localhost/fetch") == "localhost");
  CHECK(registry_of("127.0.0.1:5000/fetch@sha256:a") == "127.0.0.1:5000");
}

TEST_CASE("A login of the docker command is used for its registry alone", "[docker]") {
  // "user:pass?>" and "u:p"
  constexpr char config[] = R"({"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"},
"ghcr.io":{"auth":"dXNlcjpwYXNzPz4="},"token.test":{"auth":"eA==","identitytoken":"t"},
"broken.test":{"auth":"%"},"other.test":7}})";
  CHECK(find_credentials(config, "mcp/fetch").header ==
        "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAiLCJzZXJ2ZXJhZGRyZXNzIjoiaW5kZXguZG9ja2VyLmlvIn0=");
  CHECK(find_credentials(config, "ghcr.io/o/fetch").header ==
        "eyJ1c2VybmFtZSI6InVzZXIiLCJwYXNzd29yZCI6InBhc3M_PiIsInNlcnZlcmFkZHJlc3MiOiJnaGNyLmlvIn0=");
  CHECK(find_credentials(config, "token.test/fetch").header ==
        "eyJpZGVudGl0eXRva2VuIjoidCIsInNlcnZlcmFkZHJlc3MiOiJ0b2tlbi50ZXN0In0=");
  for (auto const* image : {"quay.io/fetch", "broken.test/fetch", "other.test/fetch"}) {
    CHECK(find_credentials(config, image).header.empty());
    CHECK(find_credentials(config, image).hint.empty());
  }
}

TEST_CASE("A login that a helper keeps is told", "[docker]") {
  CHECK_FALSE(find_credentials(R"({"credsStore":"desktop"})", "fetch").hint.empty());
  auto const one = R"({"credHelpers":{"ghcr.io":"x"}})";
  CHECK_FALSE(find_credentials(one, "ghcr.io/fetch").hint.empty());
  CHECK(find_credentials(one, "quay.io/fetch").hint.empty());
  CHECK(find_credentials("not json", "fetch").hint.empty());
}
