// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/resource.h>

#include <fstream>
#include <process/children.hpp>
#include <process/state.hpp>
#include <process/terminate.hpp>

#include "support.hpp"

using namespace process_test;

TEST_CASE("deploy, stop, start and remove a program", "[process][integration]") {
  house h;
  auto spec = h.tiny("tiny");
  spec.labels["team"] = "a";
  auto const member = must(h.runtime->deploy(within(10s), spec));
  CHECK(member.workload == "tiny");
  CHECK(member.group == "tools");
  CHECK(member.store == h.store);
  CHECK(member.config_hash == "hash-1");
  CHECK(member.labels.at("team") == "a");
  CHECK(member.package == "file://" TINY_SERVER);
  auto const stat = process::read_stat(static_cast<pid_t>(member.pid)).value();
  CHECK(stat.session == member.pid);
  CHECK(stat.group == member.pid);

  must(h.runtime->stop(within(10s), member.id));
  must(h.runtime->stop(within(10s), member.id));
  CHECK(must(h.runtime->inspect({}, member.id)).state == workload_state::stopped);
  CHECK(h.processes().empty());

  auto const again = must(h.runtime->start(within(10s), member.id));
  CHECK(again.state == workload_state::running);
  CHECK(again.session_key != member.session_key);
  CHECK(must(h.runtime->start(within(10s), member.id)).session_key == again.session_key);

  must(h.runtime->remove(within(10s), member.id));
  must(h.runtime->remove(within(10s), member.id));
  CHECK(h.processes().empty());
  CHECK(h.runtime->inspect({}, member.id).error().code == errc::not_found);
  CHECK_FALSE(fs::exists(h.state() + "/" + member.id));
  must(h.runtime->stop(within(1s), "no-such-instance"));
  CHECK(h.list().empty());
}

TEST_CASE("a second instance with the same name is refused", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  auto const second = h.runtime->deploy(within(10s), h.tiny("tiny"));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == errc::conflict);
  CHECK(second.error().message.find(member.id) != std::string::npos);
  CHECK(h.list().size() == 1);
}

TEST_CASE("a program that cannot run is a clear error and leaves nothing",
          "[process][integration]") {
  house h;
  auto const path = h.root() + "/program";
  auto const refuse = [&](std::string const& source) {
    auto const r = h.runtime->deploy(within(10s), h.spec("x", source));
    REQUIRE_FALSE(r);
    CHECK(h.list().empty());
    return r.error();
  };
  CHECK(refuse("file://" + path).code == errc::not_found);
  std::ofstream(path) << "#!/no/such/interpreter\n";
  CHECK(refuse("file://" + path).code == errc::permission_denied);
  fs::permissions(path, fs::perms::owner_all);
  auto const interpreter = refuse("file://" + path);
  CHECK(interpreter.code == errc::not_found);
  CHECK(interpreter.hint.find("interpreter") != std::string::npos);
  CHECK(refuse("file://relative").code == errc::invalid_argument);
  CHECK(refuse("file:///tmp").code == errc::invalid_argument);
  auto const image = refuse("ghcr.io/org/server:1");
  CHECK(image.code == errc::unsupported);
  CHECK(image.message.find("ghcr.io/org/server:1") != std::string::npos);
}

TEST_CASE("a member that exits early is stopped with its status and log",
          "[process][integration]") {
  house h;
  auto const member =
      must(h.runtime->deploy(within(10s), h.shell("brief", "echo no key >&2; exit 3")));
  REQUIRE(eventually(
      [&] { return must(h.runtime->inspect({}, member.id)).state == workload_state::stopped; }));
  auto const seen = must(h.runtime->inspect({}, member.id));
  CHECK(seen.exit_code == 3);
  CHECK(seen.message == "exited with status 3");
  std::string log;
  must(h.runtime->logs({}, member.id, {}, [&](std::string_view piece) {
    log += piece;
    return true;
  }));
  CHECK(log == "no key\n");
  auto const other = h.make();
  CHECK(must(other->inspect({}, member.id)).exit_code == 3);  // written down by the parent
}

TEST_CASE("stop ends children too, whatever they ignore", "[process][integration]") {
  house h;
  SECTION("a member that ignores TERM and has a child") {
    auto spec = h.tiny("stubborn");
    spec.environment = {{"TINY_IGNORE_TERM", "1"}, {"TINY_CHILD", "1"}};
    auto const member = must(h.runtime->deploy(within(10s), spec));
    REQUIRE(eventually([&] { return h.processes().size() == 2; }));
    auto const before = std::chrono::steady_clock::now();
    must(h.runtime->stop(within(1500ms), member.id));
    CHECK(std::chrono::steady_clock::now() - before < 3s);
    CHECK(h.processes().empty());
  }
  SECTION("a child in the session without the mark, and one in a session of its own with it") {
    auto const member = must(h.runtime->deploy(
        within(10s), h.shell("parent",
                             "env -i sleep 987 & setsid sleep 986 & trap '' TERM; "
                             "while :; do sleep 0.1; done")));
    auto const sleepers = [&] {
      int count = 0;
      for (auto const& e : process::own_processes())
        if (e.stat.session == member.pid || e.environment.count("THV_INSTANCE") != 0)
          count += e.stat.session == member.pid || e.environment.at("THV_INSTANCE") == member.id;
      return count;
    };
    REQUIRE(eventually([&] { return sleepers() >= 4; }));
    must(h.runtime->stop(within(1500ms), member.id));
    CHECK(sleepers() == 0);
  }
  SECTION("children that outlived the member itself") {
    auto const member = must(
        h.runtime->deploy(within(10s), h.shell("gone", "sleep 985 & setsid sleep 984 & exit 0")));
    REQUIRE(eventually([&] {
      return must(h.runtime->inspect({}, member.id)).state == workload_state::stopped &&
             h.processes().size() == 2;
    }));
    must(h.runtime->remove(within(5s), member.id));
    CHECK(h.processes().empty());
  }
}

TEST_CASE("a recycled pid is never touched", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  must(h.runtime->stop(within(10s), member.id));
  pid_t const innocent = ::fork();
  if (innocent == 0) {
    ::setsid();
    ::execl("/bin/sleep", "sleep", "983", nullptr);
    ::_exit(127);
  }
  process::state const files(h.state());
  auto record = must(files.load(member.id));
  auto const real = process::identify_process(innocent).value();
  SECTION("another start time") {
    record.who = {innocent, real.start_time - 1, real.boot};
  }
  SECTION("another boot") {
    record.who = {innocent, real.start_time, "another-boot"};
  }
  must(files.save(record));
  CHECK(must(h.runtime->inspect({}, member.id)).state == workload_state::stopped);
  must(h.runtime->stop(within(2s), member.id));
  must(h.runtime->remove(within(2s), member.id));
  CHECK(process::is_running(real));
  ::kill(innocent, SIGKILL);
  ::waitpid(innocent, nullptr, 0);
}

TEST_CASE("a deploy killed before it wrote the pid is found again", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  process::state const files(h.state());
  auto record = must(files.load(member.id));
  record.who = {};  // as it stands between fork and the second write
  must(files.save(record));
  auto const other = h.make();
  auto const found = must(other->inspect({}, member.id));
  CHECK(found.state == workload_state::running);
  CHECK(found.session_key == member.session_key);
  {
    client attached(must(other->attach({}, member.id)));
    CHECK(attached.ask(7, "ping").empty());
  }
  must(other->stop(within(5s), member.id));
  CHECK(h.processes().empty());
  CHECK(must(other->inspect({}, member.id)).state == workload_state::stopped);
}

TEST_CASE("a process whose record is lost is listed and can be removed", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  fs::remove_all(h.state() + "/" + member.id);
  auto const all = h.list();
  auto const found =
      std::find_if(all.begin(), all.end(), [&](auto const& i) { return i.id == member.id; });
  REQUIRE(found != all.end());
  CHECK(found->workload == "tiny");
  CHECK(found->group == "tools");
  CHECK(found->store == h.store);
  CHECK(found->pid == member.pid);
  CHECK(h.runtime->deploy(within(5s), h.tiny("tiny")).error().code == errc::conflict);
  house stranger;
  CHECK(stranger.runtime->stop(within(1s), member.id).error().code == errc::conflict);
  must(h.runtime->remove(within(5s), member.id));
  CHECK(h.processes().empty());
}

TEST_CASE("kill -9 at any moment of a deploy leaks nothing", "[process][integration]") {
  house h;
  for (int i = 0; i < 40; ++i) {
    peer deployer(h, "deploy", "m" + std::to_string(i), TINY_SERVER);
    std::this_thread::sleep_for(std::chrono::microseconds(300 * i));
    deployer.kill(SIGKILL);
  }
  std::this_thread::sleep_for(200ms);
  for (auto const& instance : h.list()) must(h.runtime->remove(within(5s), instance.id));
  CHECK(h.processes().empty());
  CHECK(h.list().empty());
}

TEST_CASE("a damaged record is shown and can be removed", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  std::ofstream(h.state() + "/" + member.id + "/record.json") << "{\"id\": 3}";
  auto const seen = must(h.runtime->inspect({}, member.id));
  CHECK(seen.state == workload_state::error);
  CHECK(seen.message.find("record.json") != std::string::npos);
  CHECK(h.list().size() == 1);
  must(h.runtime->remove(within(5s), member.id));
  CHECK(h.list().empty());
  CHECK(h.processes().empty());
}

TEST_CASE("a disk that takes nothing keeps no process alive", "[process][integration]") {
  house h;
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  auto const handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit const none{0, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &none);
  auto const refused = h.runtime->deploy(within(5s), h.tiny("second"));
  auto const stopped = h.runtime->stop(within(5s), member.id);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::io);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == errc::io);
  CHECK(h.processes().empty());
  REQUIRE(h.list().size() == 1);
  CHECK(h.list().front().state == workload_state::stopped);
}

TEST_CASE("a call that is over before it begins changes nothing", "[process][integration]") {
  house h;
  std::stop_source source;
  source.request_stop();
  plugin::call cancelled;
  cancelled.stop = source.get_token();
  CHECK(h.runtime->deploy(cancelled, h.tiny("tiny")).error().code == errc::cancelled);
  CHECK(h.runtime->deploy(within(-1s), h.tiny("tiny")).error().code == errc::timeout);
  auto published = h.tiny("tiny");
  published.publish = {"80:80"};
  CHECK(h.runtime->deploy(within(5s), published).error().code == errc::unsupported);
  CHECK(h.list().empty());
  CHECK(h.processes().empty());
}

TEST_CASE("members inherit no descriptor of the host", "[process][integration]") {
  house h;
  int const open_file = ::open("/dev/zero", O_RDONLY);  // without O_CLOEXEC
  auto const member = must(h.runtime->deploy(within(10s), h.tiny("tiny")));
  int count = 0;
  for (auto const& entry : fs::directory_iterator("/proc/" + std::to_string(member.pid) + "/fd"))
    count += entry.path().filename().string().size() > 0;
  CHECK(count == 3);
  ::close(open_file);
}

TEST_CASE("an HTTP member gets its port and is flagged beyond loopback", "[process][integration]") {
  house h;
  auto spec = h.tiny("web");
  spec.transport = transport::streamable_http;
  spec.arguments = {"http"};
  spec.environment["TINY_HOST"] = "0.0.0.0";
  auto const open = must(h.runtime->deploy(within(10s), spec));
  CHECK(open.port != 0);
  CHECK(must(h.runtime->where({}, open.id)).url ==
        "http://127.0.0.1:" + std::to_string(open.port) + "/mcp");
  auto const note = "listens on all interfaces (0.0.0.0:" + std::to_string(open.port) + ")";
  CHECK(eventually([&] {
    auto const seen = must(h.runtime->inspect({}, open.id));
    return seen.notes == std::vector<std::string>{note};
  }));
  CHECK(h.runtime->attach({}, open.id).error().code == errc::unsupported);
  must(h.runtime->stop(within(5s), open.id));
  CHECK(h.runtime->where({}, open.id).error().code == errc::exited);
  must(h.runtime->start(within(5s), open.id));
  REQUIRE(eventually([&] { return !must(h.runtime->inspect({}, open.id)).notes.empty(); }));

  auto closed = spec;
  closed.name = "web2";
  closed.environment["TINY_HOST"] = "127.0.0.1";
  closed.target_port = open.port;
  CHECK(h.runtime->deploy(within(5s), closed).error().code == errc::conflict);
  closed.target_port = 0;
  auto const local = must(h.runtime->deploy(within(10s), closed));
  CHECK(local.port != open.port);
  std::this_thread::sleep_for(300ms);  // it listens by then
  CHECK(must(h.runtime->inspect({}, local.id)).notes.empty());
}
