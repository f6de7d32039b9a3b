// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <process/posix.hpp>
#include <sstream>

#include "support.hpp"

using namespace process_test;

static std::string const secret_value = "s3cr3t-value-of-a-test";

TEST_CASE("a replaced instance is kept and comes back by start", "[process][integration]") {
  house h;
  auto const old = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  auto spec = h.tiny("tiny");
  spec.environment["TINY_NAME"] = "new";
  spec.replaces = old.id;
  auto const fresh = must(h.runtime->deploy(within(10s), spec));
  CHECK(fresh.id != old.id);
  CHECK(must(h.runtime->inspect({}, old.id)).state == workload_state::stopped);
  CHECK(h.list().size() == 2);

  SECTION("rolled back") {
    must(h.runtime->remove(within(5s), fresh.id));
    CHECK(must(h.runtime->start(within(5s), old.id)).state == workload_state::running);
  }
  SECTION("rolled back while the new one still runs") {
    CHECK(must(h.runtime->start(within(5s), old.id)).state == workload_state::running);
    CHECK(must(h.runtime->inspect({}, fresh.id)).state == workload_state::stopped);
  }
  SECTION("committed") {
    must(h.runtime->remove(within(5s), old.id));
    CHECK(must(h.runtime->inspect({}, fresh.id)).state == workload_state::running);
    CHECK(h.list().size() == 1);
  }
}

TEST_CASE("a replacement that cannot run leaves the old one running", "[process][integration]") {
  house h;
  auto const path = h.root() + "/broken";
  std::ofstream(path) << "#!/no/such/interpreter\n";
  fs::permissions(path, fs::perms::owner_all);
  auto const old = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  auto spec = h.spec("tiny", "file://" + path);
  spec.replaces = old.id;
  CHECK_FALSE(h.runtime->deploy(within(10s), spec));
  auto const all = h.list();
  REQUIRE(all.size() == 1);
  CHECK(all.front().id == old.id);
  CHECK(all.front().state == workload_state::running);
}

TEST_CASE("an HTTP replacement takes over the port", "[process][integration]") {
  house h;
  auto spec = h.tiny("web");
  spec.transport = transport::streamable_http;
  spec.arguments = {"http"};
  spec.environment["TINY_HOST"] = "127.0.0.1";
  auto const old = must(h.runtime->deploy(within(10s), spec));
  spec.replaces = old.id;
  auto const fresh = must(h.runtime->deploy(within(10s), spec));
  CHECK(fresh.port == old.port);
}

TEST_CASE("values of secrets reach the member and no file", "[process][integration]") {
  house h;
  auto spec = h.tiny("tiny");
  spec.environment = {{"API_KEY", secret_value}, {"PLAIN", "1"}};
  spec.secret_names = {"user-key,target=API_KEY"};
  auto const member = must(h.runtime->deploy(within(10s), spec));
  auto const seen = must(h.runtime->inspect({}, member.id));
  CHECK(seen.secret_names == spec.secret_names);
  auto const entries = process::marked_processes(member.id);
  REQUIRE(entries.size() == 1);
  CHECK(entries.front().environment.at("API_KEY") == secret_value);
  for (auto const& entry : fs::recursive_directory_iterator(h.state()))
    if (entry.is_regular_file()) {
      auto const text = must(process::read_file(entry.path().string()));
      CHECK(text.find(secret_value) == std::string::npos);
    }

  SECTION("the runtime that deployed it can start it again") {
    must(h.runtime->stop(within(5s), member.id));
    must(h.runtime->start(within(5s), member.id));
    CHECK(process::marked_processes(member.id).front().environment.at("API_KEY") == secret_value);
  }
  SECTION("another one asks for a new deploy") {
    must(h.runtime->stop(within(5s), member.id));
    auto const other = h.make();
    auto const refused = other->start(within(5s), member.id);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::unsupported);
    CHECK(refused.error().hint.find("deploy it again") != std::string::npos);
    CHECK(must(other->inspect({}, member.id)).state == workload_state::stopped);
  }
  SECTION("another one that stopped it starts it again, as restart does") {
    auto const other = h.make();
    must(other->stop(within(5s), member.id));
    must(other->start(within(5s), member.id));
    CHECK(process::marked_processes(member.id).front().environment.at("API_KEY") == secret_value);
  }
  SECTION("another one that replaced it brings it back as it was") {
    auto const other = h.make();
    auto newer = spec;
    newer.environment["API_KEY"] = "rotated";
    newer.replaces = member.id;
    auto const fresh = must(other->deploy(within(10s), newer));
    must(other->remove(within(5s), fresh.id));
    must(other->start(within(5s), member.id));
    CHECK(process::marked_processes(member.id).front().environment.at("API_KEY") == secret_value);
  }
}

TEST_CASE("without secrets any runtime object starts a stopped member", "[process][integration]") {
  house h;
  auto spec = h.tiny("tiny");
  spec.environment["PLAIN"] = "1";
  auto const member = must(h.runtime->deploy(within(10s), spec));
  must(h.runtime->stop(within(5s), member.id));
  auto const other = h.make();
  must(other->start(within(5s), member.id));
  CHECK(process::marked_processes(member.id).front().environment.at("PLAIN") == "1");
}
