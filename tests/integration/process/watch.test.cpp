// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <mutex>

#include "support.hpp"

using namespace process_test;

/// Collects events of `watch` on a thread of its own.
class watcher {
 public:
  explicit watcher(process::driver& runtime)
      : thread_([this, &runtime](std::stop_token stop) {
          plugin::call c;
          c.stop = stop;
          must(runtime.watch(c, [this](plugin::event const& e) {
            std::lock_guard const lock(mutex_);
            events_.push_back(e);
            return true;
          }));
        }) {
    std::this_thread::sleep_for(200ms);  // it sees changes from its start on
  }
  /// The event, when it comes.
  std::optional<plugin::event> wait_for(std::string const& kind, std::string const& workload) {
    std::optional<plugin::event> found;
    eventually([&] {
      std::lock_guard const lock(mutex_);
      for (auto const& e : events_)
        if (e.kind == kind && e.workload == workload) found = e;
      return found.has_value();
    });
    return found;
  }

 private:
  std::mutex mutex_;
  std::vector<plugin::event> events_;
  std::jthread thread_;
};

TEST_CASE("watch tells starts, ends and removals", "[process][integration]") {
  house h;
  watcher w(*h.runtime);
  auto const a = must(h.runtime->deploy(within(10s), h.tiny("a")));
  CHECK(w.wait_for("start", "a").value().id == a.id);
  ::kill(static_cast<pid_t>(a.pid), SIGKILL);
  CHECK(w.wait_for("die", "a").value().exit_code == 137);
  auto const b = must(h.runtime->deploy(within(10s), h.tiny("b")));
  REQUIRE(w.wait_for("start", "b"));
  must(h.runtime->stop(within(5s), b.id));
  CHECK(w.wait_for("stop", "b"));
  must(h.runtime->remove(within(5s), b.id));
  CHECK(w.wait_for("remove", "b"));
}

TEST_CASE("watch in one process sees what another does", "[process][integration]") {
  house h;
  watcher w(*h.runtime);
  peer deployer(h, "deploy", "far", TINY_SERVER);
  auto const id = deployer.read_line();
  CHECK(deployer.wait() == 0);
  REQUIRE(w.wait_for("start", "far"));
  auto const member = must(h.runtime->inspect({}, id));
  CHECK(member.state == workload_state::running);
  ::kill(static_cast<pid_t>(member.pid), SIGKILL);
  CHECK_FALSE(w.wait_for("die", "far").value().exit_code);  // only a parent knows it
  CHECK(must(h.runtime->inspect({}, id)).message == "exited (status unknown)");
}

static std::string read_log(process::driver& runtime, std::string const& id, std::size_t tail) {
  std::string log;
  must(runtime.logs({}, id, {false, tail}, [&](std::string_view piece) {
    log += piece;
    return true;
  }));
  return log;
}

TEST_CASE("logs: everything, the tail, and as they come", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(
      within(10s), h.shell("talker",
                           "for i in 1 2 3; do echo line $i >&2; done; sleep 0.5; "
                           "echo line 4 >&2; sleep 980")));
  REQUIRE(eventually([&] { return read_log(*h.runtime, member.id, 0).size() == 21; }));
  CHECK(read_log(*h.runtime, member.id, 0) == "line 1\nline 2\nline 3\n");
  CHECK(read_log(*h.runtime, member.id, 2) == "line 2\nline 3\n");
  std::string seen;
  must(h.runtime->logs(within(10s), member.id, {true, 1}, [&](std::string_view piece) {
    seen += piece;
    return seen.find("line 4\n") == std::string::npos;
  }));
  CHECK(seen == "line 3\nline 4\n");

  SECTION("following ends with the member") {
    ::kill(static_cast<pid_t>(member.pid), SIGKILL);
    must(h.runtime->logs(within(10s), member.id, {true, 0}, [](std::string_view) { return true; }));
  }
  SECTION("following ends with the call") {
    auto const over =
        h.runtime->logs(within(300ms), member.id, {true, 0}, [](std::string_view) { return true; });
    REQUIRE_FALSE(over);
    CHECK(over.error().code == errc::timeout);
  }
}

TEST_CASE("a log is bounded while the member writes on", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(
      within(10s),
      h.shell("flood",
              "i=0; while [ $i -lt 100 ]; do head -c 99999 /dev/zero | tr '\\0' x >&2; "
              "echo >&2; i=$((i+1)); done; echo the end >&2; sleep 979")));
  REQUIRE(eventually([&] { return read_log(*h.runtime, member.id, 1) == "the end\n"; }, 20s));
  must(h.runtime->inspect({}, member.id));
  auto const kept = read_log(*h.runtime, member.id, 0);
  CHECK(kept.size() <= 4u << 20);
  CHECK(kept.size() > 1u << 20);
  CHECK(kept.front() == 'x');
  CHECK(kept.ends_with("x\nthe end\n"));
  CHECK(kept.find('\0') == std::string::npos);
}
