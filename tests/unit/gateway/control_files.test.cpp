// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/control_files.hpp>

#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

using namespace thv;
using namespace thv::gateway;
namespace fs = std::filesystem;

namespace {

struct folder {
  fs::path path;

  folder() {
    auto pattern = (fs::temp_directory_path() / "thv-gateway-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
    path = pattern;
  }
  ~folder() { fs::remove_all(path); }
};

unsigned mode_of(fs::path const& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 0777;
}

}  // namespace

TEST_CASE("what a gateway wrote down is read again, by its user alone", "[gateway][unit]") {
  folder f;
  control_files const files(f.path / "state");
  CHECK_FALSE(files.read_facts());
  fs::create_directories(f.path / "state");
  gateway_facts const facts{"0.1.0",       "1:2:3:4.5", "6:7:8:9.0", {42, 7, "b"},
                            "/run/x.sock", "127.0.0.1", 4485,        4483};
  REQUIRE(files.write_facts(facts));
  CHECK(files.read_facts() == facts);
  CHECK(mode_of(f.path / "state/gateway.json") == 0600);
  std::ofstream(f.path / "state/gateway.json") << "{";
  CHECK_FALSE(files.read_facts());
}

TEST_CASE("one gateway has the lock until it lets go, and looking takes nothing",
          "[gateway][unit]") {
  folder f;
  control_files const files(f.path / "state");
  CHECK_FALSE(files.is_locked());
  auto held = files.try_lock();
  REQUIRE(held);
  REQUIRE(*held);
  CHECK(files.is_locked());
  auto const second = files.try_lock();
  REQUIRE(second);
  CHECK_FALSE(*second);
  held->reset();
  CHECK_FALSE(files.is_locked());
  CHECK(*files.try_lock());
}

TEST_CASE("the mark of a user's stop comes and goes", "[gateway][unit]") {
  folder f;
  control_files const files(f.path / "state");
  CHECK_FALSE(files.stopped_by_user());
  REQUIRE(files.mark_stopped(true));
  CHECK(files.stopped_by_user());
  REQUIRE(files.mark_stopped(false));
  REQUIRE(files.mark_stopped(false));
  CHECK_FALSE(files.stopped_by_user());
}

TEST_CASE("the control socket lies where its path is private and short enough", "[gateway][unit]") {
  folder f;
  control_files const files(f.path / "state");
  auto const none = config::fixed_environment({});
  CHECK(*files.choose_socket(none) == (f.path / "state/gateway.sock").string());

  auto const runtime = f.path / "run";
  fs::create_directory(runtime);
  auto const with = config::fixed_environment({{"XDG_RUNTIME_DIR", runtime.string()}});
  fs::permissions(runtime, fs::perms(0755));
  CHECK(*files.choose_socket(with) == (f.path / "state/gateway.sock").string());
  fs::permissions(runtime, fs::perms(0700));
  auto const chosen = *files.choose_socket(with);
  CHECK(chosen.starts_with((runtime / "thv-engine/gateway-").string()));
  CHECK(mode_of(runtime / "thv-engine") == 0700);
  CHECK(chosen != *control_files(f.path / "other").choose_socket(with));

  control_files const deep(f.path / std::string(100, 'x'));
  CHECK(deep.choose_socket(with));
  auto const refused = deep.choose_socket(none);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("too long") != std::string::npos);
}

TEST_CASE("a file that took another one's place is told from it", "[gateway][unit]") {
  folder f;
  auto const path = f.path / "file";
  CHECK(file_identity(path).empty());
  std::ofstream(path) << "a";
  auto const before = file_identity(path);
  CHECK_FALSE(before.empty());
  std::ofstream(path, std::ios::app) << "b";
  CHECK(file_identity(path) == before);
  std::ofstream(f.path / "other") << "c";
  fs::rename(f.path / "other", path);
  CHECK(file_identity(path) != before);
}

TEST_CASE("the base of URLs is an address that a client can use", "[gateway][unit]") {
  CHECK(base_url("127.0.0.1", 4483) == "http://127.0.0.1:4483");
  CHECK(base_url("localhost", 1) == "http://127.0.0.1:1");
  CHECK(base_url("0.0.0.0", 1) == "http://127.0.0.1:1");
  CHECK(base_url("::", 1) == "http://[::1]:1");
  CHECK(base_url("::1", 1) == "http://[::1]:1");
  CHECK(base_url("10.0.0.5", 80) == "http://10.0.0.5:80");
}
