// SPDX-License-Identifier: Apache-2.0
// Calls across the boundary into a real library.
#include <thv/plugin/loader.hpp>

#include <catch2/catch_test_macros.hpp>

#include "fixtures.hpp"

using namespace thv::plugin;
using thv::errc;

namespace {

std::shared_ptr<runtime> make(std::string const& name, host_context const& host = {}) {
  return library::load(fixture(name)).value().create(host).value();
}

}  // namespace

TEST_CASE("values go in and come out", "[plugin]") {
  auto const sample = make("sample");
  workload_spec spec;
  spec.name = "a-name-that-is-too-long-for-the-small-string-buffer";
  spec.group = "g";
  auto const made = sample->deploy({}, spec);
  REQUIRE(made);
  CHECK(made->workload == spec.name);
  CHECK(sample->list({})->size() == 1);
  REQUIRE(sample->stop({}, made->id));
  CHECK(sample->inspect({}, made->id)->state == thv::workload_state::stopped);
  REQUIRE(sample->remove({}, made->id));
  auto const gone = sample->inspect({}, made->id);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == errc::not_found);
}

TEST_CASE("callbacks are called back", "[plugin]") {
  std::string logged;
  host_context host;
  host.runtime_name = "mine";
  host.state_directory = "/state";
  host.log = [&](std::string_view text) { logged += text; };
  auto const sample = make("sample", host);
  CHECK(logged == "sample runtime 'mine' made in /state");
  std::string log;
  REQUIRE(sample->logs({}, "m1", {}, [&](std::string_view text) {
    log += text;
    return true;
  }));
  CHECK(log == "log of m1\n");
}

TEST_CASE("missing abilities are unsupported, prepare is nothing to do", "[plugin]") {
  auto const sample = make("sample");
  CHECK(sample->capabilities() == can_logs);
  CHECK(sample->attach({}, "x").error().code == errc::unsupported);
  CHECK(sample->where({}, "x").error().message == "this runtime has no endpoint");
  CHECK(sample->watch({}, [](event const&) { return true; }).error().code == errc::unsupported);
  CHECK(sample->prepare({}, {}));
  CHECK(sample->query("thv.groups/1") == nullptr);
}

TEST_CASE("nothing is thrown across the boundary", "[plugin]") {
  auto const throwing = make("throwing");
  auto const standard = throwing->identify({});
  REQUIRE_FALSE(standard);
  CHECK(standard.error().code == errc::internal);
  CHECK(standard.error().message == "the runtime plugin threw: thrown by identify");
  CHECK(throwing->stop({}, "x").error().message == "the runtime plugin threw: thrown by stop");
  CHECK(throwing->remove({}, "x").error().message ==
        "the runtime plugin threw something that is no std::exception");
}
