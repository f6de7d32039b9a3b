// SPDX-License-Identifier: Apache-2.0
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "docker/engine.hpp"

using namespace thv::test;
using Catch::Matchers::ContainsSubstring;
using thv::errc;
using thv::workload_state;
namespace fs = std::filesystem;

namespace {

std::string const secret_value = "s3cr3t-value-in-a-file";

/// Where the files of a rig's containers lie on this machine.
std::string memory_of(rig const& docker) {
  return "/dev/shm/thv-engine-" + std::to_string(::geteuid()) + "/" + docker.store();
}

thv::plugin::workload_spec with_file(thv::plugin::workload_spec spec,
                                     std::string const& value = secret_value) {
  spec.secret_names = {"key,target=KEY_FILE,as=file"};
  spec.secret_files = {{"KEY_FILE", value}};
  return spec;
}

std::string text_of(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The secret as the container's first process finds it.
std::string value_in(thv::plugin::instance const& i) {
  return text_of("/proc/" + std::to_string(i.pid) + "/root/run/secrets/KEY_FILE");
}

/// Where it lies on this machine, as the engine knows it.
std::string source_of(thv::plugin::instance const& i) {
  auto const seen = outsider().inspect(i.id);
  for (auto const& m : seen.at("HostConfig").at("Mounts").as_array())
    if (m.at("Target") == "/run/secrets/KEY_FILE") {
      CHECK(m.at("ReadOnly") == true);
      return m.at("Source").as_string().c_str();
    }
  FAIL("no file is mounted");
  return {};
}

/// What `docker exec --user 65534 CONTAINER cat /run/secrets/KEY_FILE` prints.
std::string read_by_nobody(std::string const& id) {
  outsider engine;
  namespace bj = boost::json;
  auto const made = engine.ask("POST", "/containers/" + id + "/exec",
                               bj::object{{"AttachStdout", true},
                                          {"AttachStderr", true},
                                          {"Tty", true},
                                          {"User", "65534:65534"},
                                          {"Cmd", bj::array{"cat", "/run/secrets/KEY_FILE"}}});
  REQUIRE(made.status == 201);
  std::string const exec = bj::parse(made.body).at("Id").as_string().c_str();
  return engine
      .ask("POST", "/exec/" + exec + "/start", bj::object{{"Detach", false}, {"Tty", true}})
      .body;
}

/// The container as it is, once the engine has ended or started it again.
thv::plugin::instance when(rig& docker, std::string const& id, auto holds) {
  thv::plugin::instance seen;
  REQUIRE(eventually([&] {
    seen = good(docker->inspect(within(5s), id));
    return holds(seen);
  }));
  return seen;
}

}  // namespace

TEST_CASE("A secret as a file reaches the container by a mount and nothing else", "[docker]") {
  rig docker;
  CHECK(good(docker->identify(within(5s))).secret_files);
  auto const made = good(docker->deploy(within(30s), with_file(docker.tiny("file"))));
  CHECK(value_in(made) == secret_value);
  CHECK(made.secret_names == std::vector<std::string>{"key,target=KEY_FILE,as=file"});

  auto const process = "/proc/" + std::to_string(made.pid);
  auto const environment = text_of(process + "/environ");
  CHECK_THAT(environment, ContainsSubstring("KEY_FILE=/run/secrets/KEY_FILE"));
  CHECK_THAT(environment + text_of(process + "/cmdline"), !ContainsSubstring(secret_value));
  CHECK_THAT(text_of(process + "/mountinfo"), ContainsSubstring(" /run/secrets/KEY_FILE ro"));
  auto const seen = boost::json::serialize(outsider().inspect(made.id));
  CHECK_THAT(seen, ContainsSubstring("as=file") && !ContainsSubstring(secret_value));
  std::string log;
  good(docker->logs(within(5s), made.id, {.tail = 50}, [&](std::string_view piece) {
    log += piece;
    return true;
  }));
  CHECK_THAT(log, !ContainsSubstring(secret_value));

  auto const path = source_of(made);
  CHECK_THAT(path, Catch::Matchers::StartsWith(memory_of(docker) + "/docker/"));
  struct stat found {};
  REQUIRE(::stat(fs::path(path).parent_path().c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0700);
  good(docker->remove(within(20s), made.id));
  CHECK_FALSE(fs::exists(memory_of(docker)));
}

TEST_CASE("A container's user reads the file, whoever that is", "[docker]") {
  rig docker;
  auto spec = with_file(docker.tiny("nobody"));
  spec.source = thv::parse_source("mcp/everything:2026.8.31");
  auto const made = good(docker->deploy(within(30s), spec));
  CHECK(read_by_nobody(made.id) == secret_value);
  good(docker->remove(within(20s), made.id));
}

TEST_CASE("A stopped container starts again while its file is there", "[docker]") {
  rig docker;
  auto const made = good(docker->deploy(within(30s), with_file(docker.tiny("again"))));
  auto const path = source_of(made);
  SECTION("when it was stopped") {
    good(docker->stop(within(20s), made.id));
    CHECK(value_in(good(docker->start(within(20s), made.id))) == secret_value);
  }
  SECTION("when it ended and the engine started it") {
    ::kill(static_cast<pid_t>(made.pid), SIGKILL);
    auto const again = when(docker, made.id, [&](auto const& i) {
      return i.pid != 0 && i.pid != made.pid && i.session_key != made.session_key;
    });
    CHECK(value_in(again) == secret_value);
  }
  SECTION("not when the file is gone, as after a reboot: it is to be made anew") {
    fs::remove_all(memory_of(docker));
    // One that runs has its file still.
    CHECK(value_in(good(docker->start(within(5s), made.id))) == secret_value);
    good(docker->stop(within(20s), made.id));
    auto const refused = docker->start(within(20s), made.id);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::unsupported);
    CHECK_THAT(refused.error().message,
               ContainsSubstring("has secrets, whose values are kept on no disk"));
    CHECK_THAT(refused.error().hint, ContainsSubstring("deploy it again"));
    CHECK(good(docker->inspect(within(5s), made.id)).state == workload_state::stopped);

    auto spec = with_file(docker.tiny("again"), "given again");
    spec.replaces = made.id;
    auto const fresh = good(docker->deploy(within(30s), spec));
    CHECK(value_in(fresh) == "given again");
    good(docker->remove(within(20s), made.id));
    CHECK(value_in(fresh) == "given again");
    CHECK(text_of(source_of(fresh)) == "given again");
    good(docker->remove(within(20s), fresh.id));
  }
  good(docker->remove(within(20s), made.id));
  CHECK_FALSE(fs::exists(memory_of(docker)));
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("A replaced container comes back with the file it had", "[docker]") {
  rig docker;
  auto const old = good(docker->deploy(within(30s), with_file(docker.tiny("turn"))));
  auto spec = with_file(docker.tiny("turn"), "rotated");
  spec.replaces = old.id;
  SECTION("after its replacement was removed") {
    auto const fresh = good(docker->deploy(within(30s), spec));
    CHECK(value_in(fresh) == "rotated");
    good(docker->remove(within(20s), fresh.id));
    CHECK(value_in(good(docker->start(within(20s), old.id))) == secret_value);
  }
  SECTION("after one that could not start, of which no file is left") {
    spec.publish = {"1:99999"};
    CHECK_FALSE(docker->deploy(within(30s), spec));
    spec.publish.clear();
    spec.source = thv::parse_source("mcp/no-such-image:1");
    CHECK(docker->deploy(within(30s), spec).error().code == errc::not_found);
    CHECK(value_in(good(docker->inspect(within(5s), old.id))) == secret_value);
    auto const folder = memory_of(docker) + "/docker";
    CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 1);
  }
  good(docker->remove(within(20s), old.id));
  CHECK_FALSE(fs::exists(memory_of(docker)));
}

TEST_CASE("Files whose container is gone are removed", "[docker]") {
  rig docker;
  auto const by_hand = good(docker->deploy(within(30s), with_file(docker.tiny("by-hand"))));
  auto const kept = good(docker->deploy(within(30s), with_file(docker.tiny("kept"))));
  auto const path = source_of(by_hand);
  outsider().ask("DELETE", "/containers/" + by_hand.id + "?force=1&v=1");
  REQUIRE(fs::exists(path));
  SECTION("when it is to be removed") {
    good(docker->remove(within(20s), by_hand.id));
  }
  SECTION("when another is made") {
    auto const next = good(docker->deploy(within(30s), with_file(docker.tiny("next"))));
    good(docker->remove(within(20s), next.id));
  }
  CHECK_FALSE(fs::exists(path));
  CHECK(text_of(source_of(kept)) == secret_value);
  good(docker->remove(within(20s), kept.id));
}

TEST_CASE("An engine that may be on another machine is given no file", "[docker]") {
  rig docker(table{{"endpoint", "tcp://127.0.0.1:1"}});
  auto const refused = docker->deploy(within(5s), with_file(docker.tiny("far")));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::unsupported);
  CHECK_THAT(refused.error().message,
             ContainsSubstring("tcp://127.0.0.1:1 cannot be given secrets as files"));
  CHECK_FALSE(fs::exists(memory_of(docker)));
}

TEST_CASE("An engine that does not see this machine's memory says so", "[docker]") {
  rig docker;
  auto const child = ::fork();
  if (child == 0) {
    // A place of our own, as inside a container that was given the engine's socket.
    int const spaces = ::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
    if (::unshare(spaces) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) ||
        ::mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777"))
      ::_exit(2);
    auto const refused = docker->deploy(within(30s), with_file(docker.tiny("unseen")));
    bool const told =
        !refused && refused.error().code == errc::unsupported &&
        refused.error().message.find("does not see this machine's memory") != std::string::npos;
    ::_exit(told && fs::is_empty("/dev/shm") ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
