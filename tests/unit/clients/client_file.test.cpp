// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/client_file.hpp>

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include <thv/clients/edit.hpp>

namespace fs = std::filesystem;
using namespace thv;
using namespace thv::clients;
using namespace std::chrono_literals;

namespace {

class folder {
 public:
  explicit folder(fs::path const& below = fs::temp_directory_path()) {
    auto name = (below / "thv-client-file-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  folder(folder const&) = delete;
  folder& operator=(folder const&) = delete;
  ~folder() { fs::remove_all(path_); }

  fs::path operator/(std::string_view name) const { return path_ / name; }
  [[nodiscard]] fs::path const& path() const { return path_; }

  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> found;
    for (auto const& one : fs::recursive_directory_iterator(path_))
      found.insert(one.path().lexically_relative(path_).string());
    return found;
  }

 private:
  fs::path path_;
};

void put_text(fs::path const& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string text_of(fs::path const& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

unsigned mode_of(fs::path const& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

plugin::call soon(std::chrono::milliseconds time = 10s) {
  return {.deadline = std::chrono::steady_clock::now() + time};
}

client_file opened(fs::path const& path) {
  auto file = client_file::open(soon(), path);
  if (!file) FAIL(to_string(file.error()));
  return std::move(*file);
}

// What `f` answers in a process of its own; 100 and more: killed by that signal.
template <class F>
int in_child(F&& f) {
  auto const pid = ::fork();
  if (pid == 0) ::_exit(f());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

// Roots may do everything: the rights of somebody else.
bool become_nobody() {
  if (::geteuid() != 0) return true;
  return ::setgroups(0, nullptr) == 0 && ::setgid(65534) == 0 && ::setuid(65534) == 0;
}

// Mounts that this process alone sees, and that go with it. Without root, in a user namespace.
bool may_mount() {
  auto const user = ::geteuid();
  auto const group = ::getegid();
  if (::unshare(CLONE_NEWNS | (user == 0 ? 0 : CLONE_NEWUSER)) != 0) return false;
  if (user != 0) {
    put_text("/proc/self/setgroups", "deny");
    put_text("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
    put_text("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
  }
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

}  // namespace

TEST_CASE("a missing client file is made private, with its folders", "[clients][unit]") {
  folder const at;
  {
    auto file = opened(at / "a/b/mcp.json");
    CHECK_FALSE(file.existed());
    CHECK(file.text().empty());
    REQUIRE(file.write("{}", false, true));
    CHECK(file.existed());
    CHECK(file.text() == "{}");
    REQUIRE(file.write("{ }", false, true));
  }
  CHECK(at.names() == std::set<std::string>{"a", "a/b", "a/b/mcp.json", "a/b/mcp.json.thv-backup"});
  CHECK(text_of(at / "a/b/mcp.json") == "{ }");
  CHECK(mode_of(at / "a") == 0700);
  CHECK(mode_of(at / "a/b") == 0700);
  CHECK(mode_of(at / "a/b/mcp.json") == 0600);
}

TEST_CASE("folders of a file that is not written go again", "[clients][unit]") {
  folder const at;
  { auto const file = opened(at / "a/b/mcp.json"); }
  CHECK(at.names().empty());
}

TEST_CASE("an existing client file keeps its mode, owner and attributes", "[clients][unit]") {
  folder const at(THV_TEST_BINARY_DIR);  // a temporary file system may know no attributes
  auto const path = at / "mcp.json";
  put_text(path, "old");
  ::chmod(path.c_str(), 0644);
  if (::geteuid() == 0) REQUIRE(::chown(path.c_str(), 1234, 2345) == 0);
  REQUIRE(::setxattr(path.c_str(), "user.thv", "kept", 4, 0) == 0);
  auto file = opened(path);
  REQUIRE(file.write("new", false, false));
  CHECK(text_of(path) == "new");
  CHECK(mode_of(path) == 0644);
  char value[8] = {};
  CHECK(::getxattr(path.c_str(), "user.thv", value, sizeof value) == 4);
  struct stat status {};
  ::stat(path.c_str(), &status);
  if (::geteuid() == 0) CHECK(status.st_uid == 1234);
  if (::geteuid() == 0) CHECK(status.st_gid == 2345);
  SECTION("but one that holds a token is private") {
    REQUIRE(file.write("token", true, false));
    CHECK(mode_of(path) == 0600);
  }
}

TEST_CASE("the first bytes are kept once beside the file", "[clients][unit]") {
  folder const at;
  put_text(at / "mcp.json", "first");
  auto const mode = mode_of(at / "mcp.json");
  for (auto const text : {"second", "third"}) {
    auto file = opened(at / "mcp.json");
    REQUIRE(file.write(text, false, true));
  }
  CHECK(text_of(at / "mcp.json") == "third");
  CHECK(text_of(at / "mcp.json.thv-backup") == "first");
  CHECK(mode_of(at / "mcp.json.thv-backup") == mode);
  CHECK(at.names().size() == 2);
}

TEST_CASE("a backup is a copy where the link led to another disk", "[clients][unit]") {
  folder const at;
  fs::create_directory(at / "disk");
  auto const two_disks = [&] {
    if (!may_mount()) return 1;
    if (::mount("tmpfs", (at / "disk").c_str(), "tmpfs", 0, "size=256k") != 0) return 3;
    put_text(at / "disk/real.json", "old");
    fs::create_symlink("disk/real.json", at / "mcp.json");
    auto file = client_file::open(soon(), at / "mcp.json");
    if (!file || !file->write("new", false, true) || !file->write("newer", false, true)) return 4;
    if (text_of(at / "disk/real.json") != "newer") return 5;
    if (text_of(at / "mcp.json.thv-backup") != "old") return 6;
    return at.names().size() == 4 ? 0 : 7;
  };
  CHECK(in_child(two_disks) == 0);
}

TEST_CASE("a file that is mounted by itself stays, and says so", "[clients][unit]") {
  folder const at;
  put_text(at / "mcp.json", "old");
  put_text(at / "mounted", "old");
  auto const mounted = [&] {
    if (!may_mount()) return 1;
    auto const path = at / "mcp.json";
    if (::mount((at / "mounted").c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) return 3;
    auto file = client_file::open(soon(), path);
    if (!file) return 4;
    auto const done = file->write("new", false, true);
    if (done || done.error().hint.find("mount its folder") == std::string::npos) return 5;
    return at.names().size() == 2 && text_of(path) == "old" ? 0 : 6;
  };
  CHECK(in_child(mounted) == 0);
}

TEST_CASE("symbolic links stay, also chains and those that lead nowhere yet", "[clients][unit]") {
  folder const at;
  fs::create_directories(at / "dotfiles/deep");
  fs::create_symlink("dotfiles/one", at / "mcp.json");
  fs::create_symlink("deep/real.json", at / "dotfiles/one");
  SECTION("to a file") {
    put_text(at / "dotfiles/deep/real.json", "old");
  }
  SECTION("to nothing") {}
  auto const existed = fs::exists(at / "mcp.json");
  {
    auto file = opened(at / "mcp.json");
    CHECK(file.existed() == existed);
    REQUIRE(file.write("new", false, true));
  }
  CHECK(fs::is_symlink(at / "mcp.json"));
  CHECK(fs::is_symlink(at / "dotfiles/one"));
  CHECK(text_of(at / "dotfiles/deep/real.json") == "new");
  CHECK(fs::exists(at / "mcp.json.thv-backup") == existed);
  auto file = opened(at / "mcp.json");
  REQUIRE(file.erase());
  CHECK(fs::is_symlink(at / "mcp.json"));
  CHECK_FALSE(fs::exists(at / "dotfiles/deep/real.json"));
}

TEST_CASE("what is no client file is refused", "[clients][unit]") {
  folder const at;
  auto const code = [&](fs::path const& path) {
    auto const file = client_file::open(soon(), path);
    REQUIRE_FALSE(file);
    CHECK(file.error().message.find(at.path().string()) != std::string::npos);
    return file.error().code;
  };
  fs::create_directory(at / "folder");
  CHECK(code(at / "folder") == errc::invalid_argument);
  REQUIRE(::mkfifo((at / "fifo").c_str(), 0600) == 0);
  CHECK(code(at / "fifo") == errc::invalid_argument);
  fs::create_symlink("loop", at / "loop");
  CHECK(code(at / "loop") == errc::invalid_argument);
  fs::create_symlink("nowhere", at / "link");
  CHECK(code(at / "link/mcp.json") == errc::io);
  put_text(at / "file", "");
  CHECK(code(at / "file/mcp.json") == errc::io);
  put_text(at / "large", "");
  fs::resize_file(at / "large", (32 << 20) + 1);
  CHECK(code(at / "large") == errc::invalid_argument);
  CHECK_FALSE(client_file::read(at / "large"));
  fs::resize_file(at / "large", 32 << 20);
  CHECK(client_file::read(at / "large").value().size() == 32 << 20);
  CHECK(client_file::read(at / "missing").value().empty());
}

TEST_CASE("a read-only client file stays, and says so", "[clients][unit]") {
  folder const at;
  put_text(at / "mcp.json", "old");
  ::chmod((at / "mcp.json").c_str(), 0444);
  auto file = opened(at / "mcp.json");
  for (auto const& done : {file.write("new", false, true), file.erase()}) {
    REQUIRE_FALSE(done);
    CHECK(done.error().code == errc::permission_denied);
    CHECK(done.error().hint.find("chmod u+w") != std::string::npos);
  }
  CHECK(at.names() == std::set<std::string>{"mcp.json"});
  CHECK(text_of(at / "mcp.json") == "old");
}

TEST_CASE("without rights on the folder nothing changes", "[clients][unit]") {
  folder const at;
  fs::create_directory(at / "mine");
  put_text(at / "mine/mcp.json", "old");
  ::chmod((at / "mine/mcp.json").c_str(), 0666);
  ::chmod((at / "mine").c_str(), 0555);
  ::chmod(at.path().c_str(), 0755);
  CHECK(in_child([&] {
          if (!become_nobody()) return 1;
          auto file = client_file::open(soon(), at / "mine/mcp.json");
          if (!file) return 2;
          auto const done = file->write("new", false, false);
          if (done || done.error().code != errc::permission_denied) return 3;
          auto const none = client_file::open(soon(), at / "mine/new/mcp.json");
          return none || none.error().code != errc::permission_denied ? 4 : 0;
        }) == 0);
  CHECK(text_of(at / "mine/mcp.json") == "old");
  ::chmod((at / "mine").c_str(), 0700);
  CHECK(at.names() == std::set<std::string>{"mine", "mine/mcp.json"});
}

TEST_CASE("somebody else's change is not overwritten", "[clients][unit]") {
  folder const at;
  auto const path = at / "mcp.json";
  auto const refused = [&](client_file& file) {
    auto const done = file.write("ours", false, true);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == errc::conflict);
  };
  SECTION("of the same length, at once") {
    put_text(path, "old");
    auto file = opened(path);
    put_text(path, "new");
    refused(file);
    CHECK_FALSE(file.erase());
    CHECK(text_of(path) == "new");
  }
  SECTION("the first version") {
    auto file = opened(path);
    put_text(path, "new");
    refused(file);
    CHECK(text_of(path) == "new");
  }
  SECTION("a removal") {
    put_text(path, "old");
    auto file = opened(path);
    fs::remove(path);
    refused(file);
    CHECK_FALSE(fs::exists(path));
  }
  SECTION("but the same bytes written again are fine") {
    put_text(path, "old");
    auto file = opened(path);
    put_text(at / "other", "old");
    fs::rename(at / "other", path);
    CHECK(file.write("ours", false, false));
  }
  CHECK_FALSE(at.names().contains(".mcp.json.thv-new"));
  CHECK_FALSE(at.names().contains("mcp.json.thv-backup"));
}

TEST_CASE("one command waits for another, until its deadline", "[clients][unit]") {
  folder const at;
  auto const path = at / "new/mcp.json";
  int ready[2];
  int release[2];
  REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(release, O_CLOEXEC) == 0);
  auto const holder = ::fork();
  if (holder == 0) {
    char byte = 0;
    auto const fine = [&] {
      auto const file = client_file::open(soon(), path);
      return file && ::write(ready[1], "x", 1) == 1 && ::read(release[0], &byte, 1) == 1;
    }();  // and drops the folder
    ::_exit(fine ? 0 : 1);
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  auto const late = client_file::open(soon(30ms), path);
  std::stop_source stop;
  stop.request_stop();
  auto const stopped = client_file::open({.stop = stop.get_token()}, path);
  std::jthread const releasing([&] {
    std::this_thread::sleep_for(50ms);
    REQUIRE(::write(release[1], "x", 1) == 1);
  });
  auto second = client_file::open(soon(), path);
  int status = 0;
  ::waitpid(holder, &status, 0);
  CHECK(status == 0);
  REQUIRE(second);
  CHECK(second->write("x", false, false));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == errc::timeout);
  CHECK(late.error().message.starts_with("process " + std::to_string(holder) + " (unit_clients)"));
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == errc::cancelled);
  for (auto const fd : {ready[0], ready[1], release[0], release[1]}) ::close(fd);
}

TEST_CASE("files of one folder are held together, one file once", "[clients][unit]") {
  folder const at;
  put_text(at / "one.json", "1");
  fs::create_symlink("one.json", at / "link.json");
  fs::create_directory_symlink(".", at / "here");
  auto one = opened(at / "one.json");
  auto two = opened(at / "two.json");
  for (auto const name : {"link.json", "here/one.json"}) {
    auto const again = client_file::open(soon(), at / name);
    REQUIRE_FALSE(again);
    CHECK(again.error().code == errc::conflict);
    CHECK(again.error().message.find("two clients") != std::string::npos);
  }
  REQUIRE(one.write("x", false, false));
  REQUIRE(two.write("y", false, false));
  SECTION("other threads wait for a file") {
    bool written = false;
    std::jthread const other([&] {
      auto file = client_file::open(soon(), at / "one.json");
      written = file && file->text() == "x" && file->write("z", false, false);
    });
    std::this_thread::sleep_for(20ms);
    CHECK(text_of(at / "one.json") == "x");
    { auto const released = std::move(one); }
  }
  SECTION("other processes wait for the last of a folder") {
    auto const other = [&] {
      auto const fd = ::open(at.path().c_str(), O_RDONLY | O_DIRECTORY);
      return ::flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : 1;
    };
    CHECK(in_child(other) == 1);
    { auto const released = std::move(one); }
    CHECK(in_child(other) == 1);
    { auto const released = std::move(two); }
    CHECK(in_child(other) == 0);
  }
}

TEST_CASE("commands at once lose nothing of each other", "[clients][unit]") {
  folder const at;
  auto const path = at / "new/mcp.json";
  auto const& k = **find_kind("cursor");
  auto const work = [&](int who) {
    for (int i = 0; i < 20; ++i) {
      auto file = client_file::open(soon(), path);
      if (!file) return 1;
      auto const name = "w" + std::to_string(who) + "-" + std::to_string(i);
      auto const next = edit(k, file->text(), {{{name, "http://x", ""}}, {}}, {});
      if (!next || !file->write(next->text, true, true)) return 2;
    }
    return 0;
  };
  std::vector<pid_t> children;
  for (int who = 0; who < 4; ++who) {
    auto const pid = ::fork();
    if (pid == 0) ::_exit(work(who));
    children.push_back(pid);
  }
  for (auto const pid : children) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    CHECK(status == 0);
  }
  CHECK(read_entries(k, text_of(path))->size() == 80);
}

TEST_CASE("a command killed at any system call leaves the old text or the new", "[clients][unit]") {
  folder const at;
  auto const path = at / "mcp.json";
  std::string const before(70'000, 'a');
  std::string const after(90'000, 'b');
  auto const command = [&] {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    auto file = client_file::open({}, path);
    return file && file->write(after, true, true) ? 0 : 1;
  };
  std::set<std::string> seen;
  bool finished = false;
  for (int steps = 1; !finished; ++steps) {
    REQUIRE(steps < 2000);
    fs::remove(at / "mcp.json.thv-backup");
    put_text(path, before);
    auto const pid = ::fork();
    if (pid == 0) ::_exit(command());
    int status = 0;
    ::waitpid(pid, &status, 0);
    REQUIRE(WIFSTOPPED(status));
    for (int i = 0; i < steps && WIFSTOPPED(status); ++i) {
      REQUIRE(::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr) == 0);
      ::waitpid(pid, &status, 0);
    }
    finished = WIFEXITED(status);
    if (finished) CHECK(WEXITSTATUS(status) == 0);
    if (!finished) ::kill(pid, SIGKILL), ::waitpid(pid, &status, 0);
    auto const now = text_of(path);
    REQUIRE((now == before || now == after));
    seen.insert(now);
    auto const backup = text_of(at / "mcp.json.thv-backup");
    REQUIRE((backup.empty() || backup == before));
    if (now == after) REQUIRE(backup == before);
    { auto const next = opened(path); }
    REQUIRE_FALSE(at.names().contains(".mcp.json.thv-new"));
  }
  CHECK(seen.size() == 2);
}

TEST_CASE("a full disk leaves the old text and nothing else", "[clients][unit]") {
  folder const at;
  auto const small_disk = [&] {
    if (!may_mount()) return 1;
    if (::mount("tmpfs", at.path().c_str(), "tmpfs", 0, "size=256k,mode=0700") != 0) return 3;
    put_text(at / "mcp.json", "old");
    put_text(at / "ballast", std::string(150'000, 'x'));
    auto file = client_file::open(soon(), at / "mcp.json");
    if (!file) return 4;
    auto const done = file->write(std::string(200'000, 'n'), false, true);
    if (done || done.error().code != errc::io) return 5;
    if (done.error().hint.find("free some space") == std::string::npos) return 6;
    if (text_of(at / "mcp.json") != "old" || at.names().size() != 2) return 7;
    fs::remove(at / "ballast");
    return file->write(std::string(200'000, 'n'), false, false) ? 0 : 8;
  };
  CHECK(in_child(small_disk) == 0);
}
