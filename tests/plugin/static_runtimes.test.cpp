// SPDX-License-Identifier: Apache-2.0
#include <thv/plugin/collection.hpp>

#include <catch2/catch_test_macros.hpp>

#include "fixtures/memory_runtime.hpp"

using thv::errc;
using thv::static_runtimes;

TEST_CASE("an embedder's own type is a runtime without a library", "[plugin]") {
  static_runtimes runtimes;
  thv::plugin::host_context host;
  host.runtime_name = "mine";
  host.settings = {{"greeting", "hello"}};
  REQUIRE(runtimes.add<memory_runtime>(host));
  host.runtime_name = "another";
  REQUIRE(runtimes.add("second", thv::plugin::make_runtime<memory_runtime>(host).value()));
  CHECK(runtimes.names() == std::vector<std::string>{"mine", "second"});
  CHECK((*runtimes.get("mine"))->identify({})->engine == "hello");
  CHECK(runtimes.get("third").error().code == errc::not_found);
  CHECK(runtimes.get("third").error().hint == "known runtimes: mine, second");
}

TEST_CASE("a wrong addition is refused", "[plugin]") {
  static_runtimes runtimes;
  thv::plugin::host_context host;
  host.runtime_name = "mine";
  REQUIRE(runtimes.add<memory_runtime>(host));
  CHECK(runtimes.add<memory_runtime>(host).error().code == errc::already_exists);
  CHECK(runtimes.add("none", nullptr).error().code == errc::invalid_argument);
  host.runtime_name = "wrong";
  host.settings = {{"x", "y"}};
  CHECK(runtimes.add<memory_runtime>(host).error().message == "unknown setting 'x'");
  CHECK(runtimes.names() == std::vector<std::string>{"mine"});
}
