// SPDX-License-Identifier: Apache-2.0
#include <sqlite3.h>

#include <chrono>
#include <set>
#include <sstream>
#include <thread>

#include "child.hpp"
#include "stores.hpp"

using namespace thv;
using namespace thv::test;
using namespace std::chrono_literals;
using store::sqlite_store;

namespace {

// SQLite's own judgement on a database, by a connection of its own.
std::string integrity(std::filesystem::path const& database) {
  sqlite3* handle = nullptr;
  std::string answer = "cannot open";
  if (sqlite3_open_v2(database.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    sqlite3_exec(
        handle, "PRAGMA integrity_check; PRAGMA foreign_key_check",
        [](void* text, int, char** columns, char**) {
          *static_cast<std::string*>(text) = columns[0] ? columns[0] : "null";
          return 0;
        },
        &answer, nullptr);
  }
  sqlite3_close(handle);
  return answer;
}

std::vector<std::string> lines_of(std::string const& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("eight processes work on one store at once and nothing is lost", "[store]") {
  temporary_directory d;
  constexpr int workers = 8;
  constexpr int rounds = 25;
  std::vector<child> children;
  for (int w = 0; w < workers; ++w)
    children.emplace_back(std::vector<std::string>{
        d.path.string(), "hammer", "worker" + std::to_string(w), std::to_string(rounds)});
  std::set<std::string> won;
  int wins = 0;
  for (auto& c : children) {
    for (auto const& line : lines_of(c.rest())) {
      CHECK(line.starts_with("won "));
      won.insert(line);
      ++wins;
    }
    CHECK(c.wait() == 0);
  }
  CHECK(wins == rounds);  // each contended name went to exactly one
  CHECK(won.size() == rounds);

  auto s = ok(sqlite_store::open({.state_directory = d.path}));
  CHECK(ok(s.workloads()).size() == (workers + 1) * rounds);
  CHECK(group_names(s) == std::vector<std::string>{"default"});
  CHECK(ok(s.open_operations()).empty());
  CHECK(integrity(d.path / "state.db") == "ok");
}

TEST_CASE("the lock of a group excludes other processes", "[store]") {
  temporary_directory d;
  auto s = ok(sqlite_store::open({.state_directory = d.path}));
  ok(s.create_group({"counter", "0", "", "", 1}));
  std::vector<child> children;
  for (int w = 0; w < 6; ++w)
    children.emplace_back(std::vector<std::string>{d.path.string(), "count", "20"});
  for (auto& c : children) {
    CHECK(c.rest().empty());
    CHECK(c.wait() == 0);
  }
  CHECK(ok(s.group("counter"))->title == "120");
}

TEST_CASE("a killed holder's lock is free, and before that its pid is told", "[store]") {
  temporary_directory d;
  auto s = ok(sqlite_store::open({.state_directory = d.path}));
  child holder({d.path.string(), "lock", "g"});
  REQUIRE(holder.line() == "locked");

  std::string told;
  plugin::call c;
  c.deadline = std::chrono::steady_clock::now() + 100ms;
  c.progress = [&](std::string_view words) { told += words; };
  auto const e = failed(s.lock_group(c, "g"));
  auto const who = "store_worker (pid " + std::to_string(holder.pid()) + ")";
  CHECK(e.code == errc::timeout);
  CHECK(e.message == "group 'g' is still being changed by " + who);
  CHECK(told == "waiting for " + who + ", which is changing group 'g'");

  holder.kill();
  c.deadline = std::chrono::steady_clock::now() + 5s;
  ok(s.lock_group(c, "g"));
}

TEST_CASE("a writer killed at any moment loses nothing that was committed", "[store]") {
  temporary_directory d;
  long long last = 0;
  std::size_t interrupted = 0;
  for (int round = 0; round < 40; ++round) {
    {
      child writer({d.path.string(), "write"});
      REQUIRE_FALSE(writer.line().empty());
      std::this_thread::sleep_for(std::chrono::microseconds(500 + 613 * round));
      writer.kill();
      for (auto const& line : lines_of(writer.rest())) {
        REQUIRE(line.find_first_not_of("0123456789") == std::string::npos);
        last = std::stoll(line);
      }
    }
    REQUIRE(integrity(d.path / "state.db") == "ok");
    auto s = ok(sqlite_store::open({.state_directory = d.path, .read_only = true}));
    CHECK_FALSE(s.needs_rebuild());
    auto const counter = std::stoll(ok(s.group("counter"))->title);
    CHECK(counter >= last);
    auto const left = ok(s.workload("left"));
    auto const right = ok(s.workload("right"));
    CHECK(left.has_value() == (counter % 3 != 0));
    CHECK(left.has_value() == right.has_value());
    if (left && right) {
      CHECK(left->session_key == std::to_string(counter));
      CHECK(right->session_key == left->session_key);
    }
    auto const open = ok(s.open_operations());
    CHECK(open.size() <= 1);
    interrupted += open.size();
    for (auto const& o : open) CHECK_FALSE(store::is_alive(o.owner));
  }
  CHECK(interrupted > 0);  // else the kills never came in the middle
}

TEST_CASE("twenty first processes agree on who the store is", "[store]") {
  for (int round = 0; round < 5; ++round) {
    temporary_directory d;
    auto const directory = (d.path / "not" / "yet" / "there").string();
    std::vector<child> children;
    for (int w = 0; w < 20; ++w) children.emplace_back(std::vector<std::string>{directory, "open"});
    for (auto& c : children) REQUIRE(c.line() == "ready");
    for (auto& c : children) c.close_input();
    std::set<std::string> answers;
    for (auto& c : children) {
      answers.insert(c.line());
      CHECK(c.wait() == 0);
    }
    CHECK(answers.size() == 1);
    CHECK(answers.begin()->ends_with(" whole"));
  }
}

TEST_CASE("on a full disk nothing is half done and the error says where", "[store]") {
  temporary_directory d;
  child worker({d.path.string(), "small-disk"});
  auto const lines = lines_of(worker.rest());
  INFO(worker.wait());
  CAPTURE(lines);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] ==
        "io cannot write " + (d.path / "state/state.db").string() + ": No space left on device");
  CHECK(lines[1] == "whole");
  CHECK(lines[2] == "goes on");
  CHECK(lines[3].starts_with("io cannot "));
  CHECK(lines[3].find((d.path / "fresh").string()) != std::string::npos);
  CHECK(lines[3].ends_with("No space left on device"));
  CHECK(lines[4] == "fresh");
}

TEST_CASE("on a read-only disk the state is read and writing is refused", "[store]") {
  temporary_directory d;
  child worker({d.path.string(), "read-only-disk"});
  auto const lines = lines_of(worker.rest());
  INFO(worker.wait());
  CAPTURE(lines);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] ==
        "cannot write " + (d.path / "state/state.db").string() + ": Read-only file system");
  CHECK(lines[1] ==
        "cannot make the folder " + (d.path / "new").string() + ": Read-only file system");
  CHECK(lines[2] == "default");
  CHECK(lines[3] == "kept");
}
