// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "support.hpp"

using namespace process_test;

static std::string const ping = R"({"jsonrpc":"2.0","id":7,"method":"ping"})";

static bool has_note(plugin::instance const& instance, std::string const& note) {
  return std::find(instance.notes.begin(), instance.notes.end(), note) != instance.notes.end();
}

TEST_CASE("a stdio member answers one client process after another", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  CHECK(member.state == workload_state::running);
  peer first(h, "exchange", member.id,
             R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":)"
             R"("2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})");
  auto const answer = json::parse(first.read_line());
  CHECK(answer.at("result").at("serverInfo").at("name") == "tiny");
  CHECK(first.wait() == 0);
  peer second(h, "exchange", member.id, R"({"jsonrpc":"2.0","id":2,"method":"tools/list"})");
  CHECK(json::parse(second.read_line()).at("result").at("tools").as_array().size() >= 3);
  CHECK(second.wait() == 0);
  CHECK(must(h.runtime->inspect({}, member.id)).session_key == member.session_key);
}

TEST_CASE("only one client is attached at a time", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  auto first = must(h.runtime->attach({}, member.id));
  auto const refused = h.runtime->attach({}, member.id);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::conflict);
  CHECK(refused.error().message.find(std::to_string(::getpid())) != std::string::npos);
  CHECK_FALSE(first.dirty);
  first.lease.reset();
  auto const again = must(h.runtime->attach({}, member.id));
  CHECK_FALSE(again.dirty);
  for (int const fd : {first.read_fd, first.write_fd, again.read_fd, again.write_fd}) ::close(fd);
}

TEST_CASE("a client killed in the middle of a line leaves its mark", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  peer writer(h, "half", member.id, R"({"jsonrpc":"2.0","id":1,"method":"pi)");
  REQUIRE(writer.read_line() == "sent");
  writer.kill(SIGKILL);
  client next(must(h.runtime->attach({}, member.id)));
  CHECK(next.dirty());
  CHECK(next.ask(7, "ping").empty());
}

TEST_CASE("the read side ends with the member", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  client attached(must(h.runtime->attach({}, member.id)));
  CHECK(attached.ask(7, "ping").empty());
  ::kill(static_cast<pid_t>(member.pid), SIGKILL);
  auto const before = std::chrono::steady_clock::now();
  CHECK(attached.read_line(10s).empty());
  CHECK(std::chrono::steady_clock::now() - before < 5s);
  attached.write(ping + "\n");  // no SIGPIPE
  CHECK(eventually(
      [&] { return must(h.runtime->inspect({}, member.id)).state == workload_state::stopped; }));
  auto const refused = h.runtime->attach({}, member.id);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("signal 9") != std::string::npos);
}

TEST_CASE("a member that nobody reads is reported", "[process][integration]") {
  house h;
  auto spec = h.tiny("chatter");
  spec.environment["TINY_CHATTER"] = "3000000";
  auto const member = must(h.runtime->deploy(within(10s), spec));
  CHECK(eventually(
      [&] { return has_note(must(h.runtime->inspect({}, member.id)), "waiting for a reader"); }));
  client reader(must(h.runtime->attach({}, member.id)));
  CHECK(reader.ask(7, "ping").empty());
  CHECK_FALSE(has_note(must(h.runtime->inspect({}, member.id)), "waiting for a reader"));
}

TEST_CASE("a quiet member is not waiting", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  CHECK(member.notes.empty());
  CHECK(fs::status(h.state() + "/" + member.id).permissions() == fs::perms::owner_all);
  for (auto const* fifo : {"/in", "/out"})
    CHECK(fs::status(h.state() + "/" + member.id + fifo).permissions() ==
          (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("a FIFO that was unlinked is found through the process", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  for (auto const* fifo : {"/in", "/out"}) fs::remove(h.state() + "/" + member.id + fifo);
  client attached(must(h.runtime->attach({}, member.id)));
  CHECK(attached.ask(7, "ping").empty());
}
