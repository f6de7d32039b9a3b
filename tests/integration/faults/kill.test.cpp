// SPDX-License-Identifier: Apache-2.0
// kill -9 at every step of a command, on real processes and a real database: the next changing
// command finds what was left and undoes or finishes it. Nothing is lost, nothing is leaked.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <thv/store/sqlite_store.hpp>

namespace {

namespace fs = std::filesystem;
using namespace thv;

/// Members of our store that run, with the VERSION they were given, by reading /proc.
std::multimap<std::string, std::string> members_running(std::string const& store) {
  std::multimap<std::string, std::string> found;
  for (auto const& entry : fs::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "environ", std::ios::binary);
    if (!file) continue;
    std::string const text(std::istreambuf_iterator<char>(file), {});
    std::map<std::string, std::string> values;
    for (std::size_t from = 0; from < text.size();) {
      auto const end = std::min(text.find('\0', from), text.size());
      auto const line = text.substr(from, end - from);
      if (auto const equals = line.find('='); equals != std::string::npos)
        values[line.substr(0, equals)] = line.substr(equals + 1);
      from = end + 1;
    }
    if (values["THV_STORE"] == store) found.emplace(values["THV_WORKLOAD"], values["VERSION"]);
  }
  return found;
}

struct bench {
  fs::path state;

  bench() {
    std::string pattern = (fs::temp_directory_path() / "thv-kill-XXXXXX").string();
    state = ::mkdtemp(pattern.data());
  }
  ~bench() {
    (void)run("clean", 0);
    std::error_code ignored;
    fs::remove_all(state, ignored);
  }

  /// The exit status, or -1 if it was killed.
  int run(std::string const& command, int place) const {
    auto const pid = ::fork();
    if (pid == 0) {
      ::execl(GROUP_RUNNER, GROUP_RUNNER, state.c_str(), std::to_string(place).c_str(),
              command.c_str(), TINY_SERVER, nullptr);
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  store::sqlite_store open() const {
    auto opened = store::sqlite_store::open({.state_directory = state});
    REQUIRE(opened);
    return *std::move(opened);
  }

  /// The versions that run, one letter of each member, after checking that the store and the
  /// machine say the same and that nothing is in flight.
  std::string settled() const {
    auto s = open();
    CHECK(s.open_operations()->empty());
    auto const running = members_running(s.id());
    auto const records = *s.workloads();
    std::string text;
    std::set<std::string> wanted;
    for (auto const& record : records) {
      CHECK(record.phase == store::phase::present);
      text += record.name + record.config.env_vars.at("VERSION");
      if (!record.wanted_running) {
        text += "stopped";
        continue;
      }
      wanted.insert(record.name);
      CHECK(running.count(record.name) == 1);
      auto const one = running.find(record.name);
      if (one != running.end()) CHECK(one->second == record.config.env_vars.at("VERSION"));
      text += " ";
    }
    CHECK(running.size() == wanted.size());
    bool const has_group = s.group("team")->has_value();
    return text + (has_group ? "in team" : "no team");
  }
};

}  // namespace

TEST_CASE("kill -9 at every step leaves what the next command puts right", "[faults]") {
  struct scene {
    std::vector<std::string> before;
    std::string command;
    std::set<std::string> allowed;
    std::string after;
  };
  auto const s = GENERATE(
      scene{{}, "run1", {"no team", "a1 b1 c1 in team"}, "a1 b1 c1 in team"},
      scene{{"run1"}, "run2", {"a1 b1 c1 in team", "a2 b2 c2 in team"}, "a2 b2 c2 in team"},
      scene{{"run1"}, "delete", {"a1 b1 c1 in team", "no team"}, "no team"},
      scene{{"run1"},
            "stop",
            {"a1 b1 c1 in team", "a1stoppedb1stoppedc1stoppedin team"},
            "a1stoppedb1stoppedc1stoppedin team"},
      scene{{"run1"}, "restart", {"a1 b1 c1 in team"}, "a1 b1 c1 in team"},
      scene{{"run1"}, "move", {"a1 b1 c1 in team"}, "a1 b1 c1 in team"});
  int place = 1;
  for (bool killed = true; killed; ++place) {
    INFO(s.command << " killed at place " << place);
    bench b;
    for (auto const& command : s.before) REQUIRE(b.run(command, 0) == 0);
    killed = b.run(s.command, place) == -1;
    REQUIRE(b.run("repair", 0) == 0);
    auto const now = b.settled();
    CHECK(s.allowed.contains(now));
    if (!killed) CHECK(now == s.after);
    if (s.command != "delete" || now != "no team") {
      REQUIRE(b.run(s.command, 0) == 0);
      CHECK(b.settled() == s.after);
    }
  }
  CHECK(place > 5);
}
