// SPDX-License-Identifier: Apache-2.0
#include <remote/record.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace thv::remote;

namespace {

record some_record() {
  record r;
  r.id = "weather-1";
  r.name = "weather";
  r.group = "g";
  r.store = "s";
  r.config_hash = "h";
  r.url = "https://example.com/mcp";
  r.transport = thv::transport::sse;
  r.labels = {{"team", "blue"}};
  r.secret_names = {"token,target=TOKEN"};
  r.stopped = true;
  r.displaced_by = "weather-2";
  r.created_at = 5;
  r.started_at = 6;
  r.starts = 7;
  return r;
}

}  // namespace

TEST_CASE("a record reads back as it was written", "[remote][unit]") {
  auto const back = parse_record(to_json(some_record()));
  REQUIRE(back);
  CHECK(*back == some_record());
}

TEST_CASE("a record that is damaged is corrupt and says where", "[remote][unit]") {
  auto const good = to_json(some_record());
  auto const changed = [&](std::string const& from, std::string const& to) {
    auto text = good;
    auto const at = text.find(from);
    REQUIRE(at != std::string::npos);
    return parse_record(text.replace(at, from.size(), to));
  };
  CHECK(parse_record("").error().code == thv::errc::corrupt);
  CHECK(parse_record("[]").error().code == thv::errc::corrupt);
  CHECK(parse_record(good.substr(0, good.size() / 2)).error().code == thv::errc::corrupt);
  CHECK(changed("\"sse\"", "\"stdio\"").error().message.find("'transport'") != std::string::npos);
  CHECK(changed("true", "1").error().message.find("'stopped'") != std::string::npos);
  CHECK(changed("\"blue\"", "1").error().message.find("'labels'") != std::string::npos);
  CHECK(changed("\"token,target=TOKEN\"", "1").error().message.find("'secret_names'") !=
        std::string::npos);
  CHECK(changed("\"url\"", "\"uri\"").error().message.find("'url'") != std::string::npos);
  CHECK(changed(":7", ":\"7\"").error().message.find("'starts'") != std::string::npos);
}

TEST_CASE("an instance shows what its record says", "[remote][unit]") {
  auto r = some_record();
  auto const stopped = to_instance(r);
  CHECK(stopped.state == thv::workload_state::stopped);
  CHECK(stopped.workload == "weather");
  CHECK(stopped.package == "https://example.com/mcp");
  CHECK(stopped.message == "replaced by weather-2");
  r.stopped = false;
  r.displaced_by.clear();
  r.starts = 8;
  auto const running = to_instance(r);
  CHECK(running.state == thv::workload_state::running);
  CHECK(running.session_key != stopped.session_key);
}
