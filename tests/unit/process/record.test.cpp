// SPDX-License-Identifier: Apache-2.0
#include <process/record.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace thv;
using namespace thv::process;

static record a_record() {
  record r;
  r.id = "fetch-0123456789";
  r.spec.name = "fetch";
  r.spec.group = "web";
  r.spec.store = "store-1";
  r.spec.config_hash = "h";
  r.spec.source = parse_source("npx://@scope/name@1.2");
  r.spec.arguments = {"--a", "b \"c\""};
  r.spec.transport = transport::sse;
  r.spec.target_port = 65535;
  r.spec.environment = {{"A", "1"}, {"KEY", "the-secret"}};
  r.spec.secret_names = {"k,target=KEY", "f,target=FILE,as=file"};
  r.spec.secret_files = {{"FILE", "the-secret-in-a-file"}};
  r.spec.labels = {{"l", "v"}};
  r.who = {123, 18446744073709551615u, "boot"};
  r.wanted = false;
  r.displaced_by = "fetch-2";
  r.port = 8080;
  r.created_at = 1;
  r.started_at = 2;
  r.exit_code = 137;
  r.exit_reason = "killed by signal 9 (Killed)";
  return r;
}

TEST_CASE("a record survives its file, without the secret", "[process]") {
  auto const written = a_record();
  auto const text = to_json(written);
  CHECK(text.find("the-secret") == std::string::npos);
  auto const read = parse_record(text).value();
  CHECK(read.id == written.id);
  CHECK(read.spec.source == written.spec.source);
  CHECK(read.spec.arguments == written.spec.arguments);
  CHECK(read.spec.transport == transport::sse);
  CHECK(read.spec.target_port == 65535);
  CHECK(read.spec.environment == std::map<std::string, std::string>{{"A", "1"}});
  CHECK(read.spec.secret_names == written.spec.secret_names);
  CHECK(read.spec.labels == written.spec.labels);
  CHECK(read.who == written.who);
  CHECK_FALSE(read.wanted);
  CHECK(read.displaced_by == "fetch-2");
  CHECK(read.port == 8080);
  CHECK(read.exit_code == 137);
  CHECK(read.exit_reason == written.exit_reason);
}

TEST_CASE("a wrong record names what is wrong", "[process]") {
  auto const good = to_json(a_record());
  auto const broken = [&](std::string const& from, std::string const& to) {
    auto text = good;
    text.replace(text.find(from), from.size(), to);
    auto const r = parse_record(text);
    REQUIRE_FALSE(r);
    CHECK(r.error().code == errc::corrupt);
    return r.error().message;
  };
  CHECK(broken("\"pid\":123", "\"pid\":\"x\"").find("record.json") == 0);
  CHECK(broken("\"wanted\":false", "\"wanted\":0").find("/wanted: wrong type") !=
        std::string::npos);
  CHECK(broken("\"boot_id\"", "\"other\"").find("/boot_id: missing") != std::string::npos);
  CHECK(broken("\"port\":8080", "\"port\":99999").find("record.json") == 0);
  CHECK(broken("\"sse\"", "\"pigeon\"").find("transport") != std::string::npos);
  for (auto const* text : {"", "[]", "{}", "null", "{\"id\":", "\x80"})
    CHECK(parse_record(text).error().code == errc::corrupt);
}
