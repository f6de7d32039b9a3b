// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <process/children.hpp>
#include <process/command.hpp>
#include <process/log_file.hpp>
#include <process/ports.hpp>
#include <process/posix.hpp>
#include <process/settings.hpp>
#include <process/state.hpp>

using namespace thv;
using namespace thv::process;

/// A folder that is gone afterwards.
struct folder {
  std::string path = std::filesystem::temp_directory_path().string() + "/thv-unit.XXXXXX";
  folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~folder() { std::filesystem::remove_all(path); }
};

TEST_CASE("settings: known keys, and the nearest for an unknown one", "[process]") {
  auto const good = parse_settings("p", {{"npm", "/usr/bin/npm"}, {"uv", "/opt/uv"}});
  REQUIRE(good);
  CHECK(good->npm == "/usr/bin/npm");
  CHECK(good->uv == "/opt/uv");
  auto const unknown = parse_settings("local", {{"nodee", "/x"}});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == errc::invalid_argument);
  CHECK(unknown.error().where == "[runtimes.local]");
  CHECK(unknown.error().hint.find("did you mean 'node'") == 0);
  CHECK(parse_settings("p", {{"npm", "npm"}}).error().code == errc::invalid_argument);
}

TEST_CASE("listening sockets are read from the kernel's tables", "[process]") {
  auto const found = parse_listeners(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
      "inode\n"
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "111 1\n"
      "   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
      "222 1\n"
      "   2: 0100007F:1F91 0100007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 "
      "333 1\n"
      "   3: 00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A "
      "00000000:00000000 00:00000000 00000000     0        0 444 1\n"
      "   4: 00000000000000000000000001000000:0BB9 00000000000000000000000000000000:0000 0A "
      "00000000:00000000 00:00000000 00000000     0        0 555 1\n"
      "   5: 0000000000000000FFFF00000100007F:0BBA 00000000000000000000000000000000:0000 0A "
      "00000000:00000000 00:00000000 00000000     0        0 666 1\n"
      "   6: garbage\n");
  REQUIRE(found.size() == 5);
  auto const is = [&](std::size_t i, char const* address, int port, std::uint64_t inode,
                      bool loopback) {
    CHECK(found[i].address == address);
    CHECK(found[i].port == port);
    CHECK(found[i].inode == inode);
    CHECK(found[i].loopback == loopback);
  };
  is(0, "127.0.0.1", 8080, 111, true);
  is(1, "0.0.0.0", 80, 222, false);
  is(2, "[::]", 3000, 444, false);
  is(3, "[::1]", 3001, 555, true);
  is(4, "[::ffff:127.0.0.1]", 3002, 666, true);
}

TEST_CASE("a free port is not one of the taken", "[process]") {
  auto const port = free_port({});
  REQUIRE(port);
  CHECK(check_port(*port));
  std::set<std::uint16_t> all;
  for (int p = 1; p < 65536; ++p) all.insert(static_cast<std::uint16_t>(p));
  CHECK(free_port(all).error().code == errc::unavailable);
}

TEST_CASE("an exit is told as a status or a signal", "[process]") {
  CHECK(describe_exit(0).reason == "exited with status 0");
  CHECK(describe_exit(3 << 8).code == 3);
  CHECK(describe_exit(9).code == 137);
  CHECK(describe_exit(9).reason == "killed by signal 9 (Killed)");
  CHECK(describe_exit(11 | 128).code == 139);  // with a core file
}

TEST_CASE("the last lines of an installer, without passwords", "[process]") {
  CHECK(last_lines("a\n\n  \nb\nc\n", 2) == "b\nc");
  CHECK(last_lines("a", 5) == "a");
  CHECK(last_lines("", 5).empty());
  CHECK(last_lines("get https://user:pass@host/x@1.2 failed", 1) ==
        "get https://***@host/x@1.2 failed");
  CHECK(last_lines("http://u:p@h and https://v@k/", 1) == "http://***@h and https://***@k/");
  CHECK(last_lines("https://host/@scope/name", 1) == "https://host/@scope/name");
}

TEST_CASE("programs are found in PATH or taken from a setting", "[process]") {
  CHECK(find_program("/set/npm", "npm", "/bin") == "/set/npm");
  CHECK(find_program("", "sh", "/nowhere::/bin") == "/bin/sh");
  CHECK(find_program("", "no-such-program", "/bin:/usr/bin").empty());
  CHECK(find_program("", "sh", "").empty());
}

TEST_CASE("a log is read from its last lines and bounded by a hole", "[process]") {
  folder const f;
  auto const path = f.path + "/log";
  std::ofstream(path) << "one\ntwo\nthree\n";
  auto const read = [&](std::size_t lines) {
    descriptor const file(::open(path.c_str(), O_RDONLY));
    auto offset = log_start(file.get(), lines);
    std::string text;
    REQUIRE(feed_log(file.get(), &offset, [&](std::string_view piece) {
      text += piece;
      return true;
    }));
    return text;
  };
  CHECK(read(0) == "one\ntwo\nthree\n");
  CHECK(read(1) == "three\n");
  CHECK(read(2) == "two\nthree\n");
  CHECK(read(9) == "one\ntwo\nthree\n");
  bound_log(path, 1000, 500);
  CHECK(read(0).size() == 14);

  std::ofstream more(path, std::ios::app);
  for (int i = 0; i < 20000; ++i) more << "line " << i << "\n";
  more << "unfinished";
  more.close();
  CHECK(read(2) == "line 19999\nunfinished");
  bound_log(path, 100000, 50000);
  auto const kept = read(0);
  CHECK(kept.size() <= 60000);
  CHECK(kept.size() >= 45000);
  CHECK(kept.starts_with("line "));
  CHECK(kept.ends_with("line 19999\nunfinished"));

  // A reader that was still in what has become a hole goes on behind it.
  descriptor const file(::open(path.c_str(), O_RDONLY));
  std::int64_t slow = 8;
  std::string text;
  REQUIRE(feed_log(file.get(), &slow, [&](std::string_view piece) {
    text += piece;
    return true;
  }));
  CHECK(text == kept);
}

TEST_CASE("a lock is held by one", "[process]") {
  folder const f;
  auto const path = f.path + "/lock";
  {
    auto const first = file_lock::try_take(path);
    REQUIRE((first && *first));
    auto const second = file_lock::try_take(path);
    REQUIRE(second);
    CHECK_FALSE(second->has_value());
    plugin::call c;
    c.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(60);
    std::string told;
    c.progress = [&](std::string_view text) { told = text; };
    CHECK(file_lock::take(c, path, "waiting").error().code == errc::timeout);
    CHECK(told == "waiting");
    ::unlink(path.c_str());
    CHECK_FALSE((*first)->still_linked());
  }
  CHECK(file_lock::take({}, path));
}

TEST_CASE("files are written whole or not at all", "[process]") {
  folder const f;
  auto const path = f.path + "/file";
  REQUIRE(write_file(path, "first"));
  REQUIRE(write_file(path, "second"));
  CHECK(read_file(path).value() == "second");
  CHECK(std::filesystem::status(path).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  CHECK(read_file(path, 3).error().code == errc::corrupt);
  CHECK(read_file(f.path + "/none").error().code == errc::not_found);
  CHECK(write_file(f.path + "/none/file", "x").error().code == errc::not_found);
  CHECK(std::distance(std::filesystem::directory_iterator(f.path), {}) == 1);
}

TEST_CASE("ids never leave the folder", "[process]") {
  for (auto const* bad : {"", ".", "..", "../x", "a/b", "/etc"}) {
    CHECK_FALSE(is_id(bad));
    CHECK(state("/tmp").load(bad).error().code == errc::not_found);
  }
  CHECK(is_id("..-0123456789"));
}
