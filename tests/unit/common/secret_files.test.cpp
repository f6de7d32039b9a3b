// SPDX-License-Identifier: Apache-2.0
#include <common/secret_files.hpp>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <catch2/catch_test_macros.hpp>

using namespace thv;
using namespace thv::common;
namespace fs = std::filesystem;

namespace {

using readers = secret_files::readers;

/// A folder in memory that goes away with the test.
class memory {
 public:
  memory() {
    std::string path = "/dev/shm/thv-test-XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~memory() { fs::remove_all(path_); }
  memory(memory const&) = delete;
  memory& operator=(memory const&) = delete;

  [[nodiscard]] std::string const& path() const { return path_; }
  [[nodiscard]] std::string ours() const {
    return path_ + "/thv-engine-" + std::to_string(::geteuid());
  }
  [[nodiscard]] secret_files files() const { return {"store", "process", {path_}}; }
  [[nodiscard]] bool empty() const { return fs::is_empty(path_); }

 private:
  std::string path_;
};

std::string text_of(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

unsigned mode_of(std::string const& path) {
  struct stat found {};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

/// The error of what must fail.
template <class T>
error refused(result<T> const& outcome) {
  REQUIRE_FALSE(outcome);
  return outcome.error();
}

}  // namespace

TEST_CASE("values become files of their owner alone", "[common][unit]") {
  memory m;
  std::string const binary("a\0b\nc", 5);
  auto const files =
      m.files().write("one", {{"KEY", "value"}, {"BINARY", binary}, {"EMPTY", ""}}, readers::owner);
  REQUIRE(files);
  CHECK(files->paths.at("KEY") == m.ours() + "/store/process/one/KEY");
  CHECK(text_of(files->paths.at("KEY")) == "value");
  CHECK(text_of(files->paths.at("BINARY")) == binary);
  CHECK(text_of(files->paths.at("EMPTY")).empty());
  CHECK(mode_of(files->paths.at("KEY")) == 0400);
  for (auto const* folder : {"", "/store", "/store/process", "/store/process/one"})
    CHECK(mode_of(m.ours() + folder) == 0700);
  auto const again = m.files().read("one", {"KEY", "BINARY", "EMPTY"});
  REQUIRE(again);
  CHECK(*again == secret_values{{"KEY", "value"}, {"BINARY", binary}, {"EMPTY", ""}});
}

TEST_CASE("a container's files can be read by its user", "[common][unit]") {
  memory m;
  auto const before = ::umask(0077);
  auto const files = m.files().write("one", {{"KEY", "value"}}, readers::container);
  ::umask(before);
  REQUIRE(files);
  CHECK(mode_of(files->paths.at("KEY")) == 0444);
  CHECK(mode_of(m.ours()) == 0700);
}

TEST_CASE("what an instance had before is gone when it is given others", "[common][unit]") {
  memory m;
  REQUIRE(m.files().write("one", {{"OLD", "1"}, {"KEY", "1"}}, readers::owner));
  REQUIRE(m.files().write("one", {{"KEY", "2"}}, readers::owner));
  CHECK(m.files().read("one", {"KEY"}).value().at("KEY") == "2");
  CHECK(refused(m.files().read("one", {"KEY", "OLD"})).code == errc::not_found);
}

TEST_CASE("removing leaves others and no empty folder", "[common][unit]") {
  memory m;
  REQUIRE(m.files().write("one", {{"KEY", "1"}}, readers::owner));
  REQUIRE(m.files().write("two", {{"KEY", "2"}}, readers::owner));
  REQUIRE(secret_files("other", "process", {m.path()}).write("x", {{"K", "3"}}, readers::owner));
  REQUIRE(m.files().remove("one"));
  REQUIRE(m.files().remove("one"));
  CHECK(refused(m.files().read("one", {"KEY"})).code == errc::not_found);
  CHECK(m.files().read("two", {"KEY"}).value().at("KEY") == "2");
  REQUIRE(m.files().remove("two"));
  CHECK_FALSE(fs::exists(m.ours() + "/store"));
  REQUIRE(secret_files("other", "process", {m.path()}).remove("x"));
  CHECK(m.empty());
}

TEST_CASE("a folder that is not in memory is refused", "[common][unit]") {
  secret_files const disk("store", "process", {"/proc", "/no/such/folder"});
  for (auto const& e : {refused(disk.check()), refused(disk.write("one", {}, readers::owner))}) {
    CHECK(e.code == errc::unsupported);
    CHECK(e.message.find("'/proc' is not in memory") != std::string::npos);
    CHECK(e.message.find("/no/such/folder") != std::string::npos);
    CHECK(e.hint.find("tmpfs") != std::string::npos);
  }
  memory m;
  secret_files const second("store", "process", {"/proc", m.path()});
  REQUIRE(second.check());
  REQUIRE(second.write("one", {{"KEY", "value"}}, readers::owner));
  CHECK(second.read("one", {"KEY"}).value().at("KEY") == "value");
  REQUIRE(second.remove("one"));
  CHECK(m.empty());
}

TEST_CASE("looking whether there is a place changes nothing", "[common][unit]") {
  memory m;
  REQUIRE(m.files().check());
  CHECK(m.empty());
}

TEST_CASE("a folder that others could read or exchange is refused", "[common][unit]") {
  memory m;
  memory elsewhere;
  auto const refusal = [&] {
    CHECK(refused(m.files().check()).code == errc::permission_denied);
    auto const e = refused(m.files().write("one", {{"KEY", "value"}}, readers::owner));
    CHECK(e.message.find("value") == std::string::npos);
    return e.code;
  };
  SECTION("a link in the place of ours") {
    fs::create_directory_symlink(elsewhere.path(), m.ours());
    CHECK(refusal() == errc::permission_denied);
    CHECK(elsewhere.empty());
  }
  SECTION("a file in the place of ours") {
    std::ofstream(m.ours()) << "x";
    CHECK(refusal() == errc::permission_denied);
  }
  SECTION("one that a group can enter") {
    fs::create_directory(m.ours());
    ::chmod(m.ours().c_str(), 0750);
    CHECK(refusal() == errc::permission_denied);
  }
  SECTION("one of another user") {
    fs::create_directory(m.ours());
    ::chmod(m.ours().c_str(), 0700);
    if (::geteuid() != 0) ::chmod(m.ours().c_str(), 0701);  // only root can give it away
    [[maybe_unused]] auto const given = ::chown(m.ours().c_str(), 12345, 12345);
    CHECK(refusal() == errc::permission_denied);
  }
  SECTION("a link in the place of a folder of ours") {
    REQUIRE(m.files().write("two", {{"KEY", "2"}}, readers::owner));
    fs::create_directory_symlink(elsewhere.path(), m.ours() + "/store/process/one");
    CHECK(refused(m.files().write("one", {{"KEY", "value"}}, readers::owner)).code ==
          errc::permission_denied);
    CHECK(elsewhere.empty());
  }
  SECTION("a shared folder in which others can rename ours") {
    ::chmod(m.path().c_str(), 0777);
    CHECK(refused(m.files().check()).code == errc::unsupported);
    ::chmod(m.path().c_str(), 01777);
    CHECK(m.files().check());
  }
}

TEST_CASE("a link among an instance's files is removed, not followed", "[common][unit]") {
  memory m;
  auto const other = m.path() + "/other";
  std::ofstream(other) << "kept";
  REQUIRE(m.files().write("one", {{"KEY", "1"}}, readers::owner));
  fs::create_symlink(other, m.ours() + "/store/process/one/LINK");
  CHECK(refused(m.files().read("one", {"LINK"})).code == errc::permission_denied);
  REQUIRE(m.files().write("one", {{"LINK", "2"}}, readers::owner));
  CHECK(text_of(other) == "kept");
  CHECK(m.files().read("one", {"LINK"}).value().at("LINK") == "2");
}

TEST_CASE("names never leave the folder", "[common][unit]") {
  memory m;
  for (auto const* name : {"", ".", "..", "a/b", "../a"}) {
    CHECK(refused(m.files().write(name, {{"KEY", "v"}}, readers::owner)).code ==
          errc::invalid_argument);
    CHECK(refused(m.files().read(name, {"KEY"})).code == errc::not_found);
    CHECK(m.files().remove(name));
    CHECK_FALSE(secret_files(name, "process", {m.path()}).check());
    CHECK_FALSE(secret_files("store", name, {m.path()}).write("one", {}, readers::owner));
  }
  for (auto const* key : {"", "..", ".hidden", "a/b", "a\nb", "a b"})
    CHECK(refused(m.files().write("one", {{key, "v"}}, readers::owner)).code ==
          errc::invalid_argument);
  CHECK(m.empty());
}

TEST_CASE("a file that cannot be written whole leaves nothing", "[common][unit]") {
  memory m;
  auto const handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 100;
  ::setrlimit(RLIMIT_FSIZE, &small);
  auto const outcome =
      m.files().write("one", {{"A", "short"}, {"B", std::string(5000, 'x')}}, readers::owner);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  auto const e = refused(outcome);
  CHECK(e.code == errc::io);
  CHECK(e.message.find("/one/B") != std::string::npos);
  CHECK(e.message.find("xxx") == std::string::npos);
  CHECK(m.empty());
}

TEST_CASE("files are left over once nobody holds their lease", "[common][unit]") {
  memory m;
  auto const files = m.files();
  auto one = files.write("one", {{"KEY", "1"}}, readers::owner);
  auto two = files.write("two", {{"KEY", "2"}}, readers::owner);
  REQUIRE(one);
  REQUIRE(two);
  CHECK(files.unused().empty());
  one->lease.reset();
  auto const unused = files.unused();
  REQUIRE(unused.size() == 1);
  CHECK(unused.front().instance == "one");
  REQUIRE(files.remove("one"));
  CHECK(files.read("two", {"KEY"}));
}

TEST_CASE("commands that write, look and remove at once do not meet", "[common][unit]") {
  memory m;
  auto const files = m.files();
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0;
  std::jthread looking([&] {
    while (!done)
      for (auto const& one : files.unused())
        if (one.instance.starts_with("left-") && !files.remove(one.instance)) ++wrong;
  });
  auto const work = [&](std::string const& name) {
    for (int i = 0; i < 40; ++i) {
      auto const value = name + std::to_string(i);
      auto const made = files.write(name, {{"KEY", value}}, readers::owner);
      auto const seen = files.read(name, {"KEY"});
      if (!made || !seen || seen->at("KEY") != value || !files.remove(name)) ++wrong;
      if (!files.write("left-" + value, {{"KEY", "x"}}, readers::owner)) ++wrong;
    }
  };
  {
    std::jthread const a([&] { work("a"); });
    work("b");
  }
  done = true;
  looking.join();
  CHECK(wrong == 0);
  for (auto const& one : files.unused()) CHECK(files.remove(one.instance));
  CHECK(m.empty());
}
