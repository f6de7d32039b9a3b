// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>

#include <catch2/catch_test_macros.hpp>
#include <thv/clients/registrar.hpp>
#include <thv/store/keyed_hash.hpp>

namespace registrar_test {

using namespace thv;
using namespace thv::clients;
namespace fs = std::filesystem;

inline store::workload_record member(std::string name, std::string group,
                                     std::string readiness = "ready") {
  store::workload_record w;
  w.name = std::move(name);
  w.group = std::move(group);
  w.readiness = std::move(readiness);
  return w;
}

/// A home with clients in it, and groups of members that need not run.
struct bench {
  fs::path folder;
  places moved;
  membership now;
  gateway_address gateway{"http://127.0.0.1:4483", {}};

  bench() {
    static std::atomic<int> number = 0;
    folder = fs::temp_directory_path() /
             ("thv-clients-" + std::to_string(::getpid()) + "-" + std::to_string(number++));
    fs::create_directories(home());
    now.groups = {{"default"}, {"dev"}, {"ops"}};
    now.workloads = {member("fetch", "dev"), member("memory", "dev"), member("logs", "ops")};
  }
  ~bench() { fs::remove_all(folder); }

  [[nodiscard]] fs::path home() const { return folder / "home"; }
  [[nodiscard]] fs::path cursor() const { return home() / ".cursor/mcp.json"; }
  [[nodiscard]] fs::path codex() const { return home() / ".codex/config.toml"; }

  [[nodiscard]] registrar files() const {
    return registrar({folder / "state", home(), platform::linux_,
                      [](std::string_view text) { return store::keyed_hash("key", text); }, moved});
  }

  [[nodiscard]] situation_source look() const {
    return [this]() -> result<situation> { return situation{now, gateway}; };
  }

  static void write(fs::path const& path, std::string const& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  static std::string read(fs::path const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  client_outcome add(std::string const& client, std::vector<std::string> const& groups,
                     bool force = false) {
    auto done = files().add({}, {client}, groups, look(), force);
    REQUIRE(done);
    REQUIRE(done->size() == 1);
    return done->at(0);
  }
  client_outcome remove(std::string const& client, std::vector<std::string> const& groups = {}) {
    auto done = files().remove({}, {client}, groups, look());
    REQUIRE(done);
    REQUIRE(done->size() == 1);
    return done->at(0);
  }
  std::vector<client_outcome> sync() {
    auto done = files().sync({}, look());
    REQUIRE(done);
    return *done;
  }
  [[nodiscard]] std::set<std::string> names(std::string const& client, fs::path const& path) const {
    auto const entries = read_entries(**find_kind(client), read(path));
    REQUIRE(entries);
    std::set<std::string> found;
    for (auto const& [name, value] : *entries) found.insert(name);
    return found;
  }
};

constexpr char before[] =
    "{\n\t// mine\n\t\"mcpServers\": {\n\t\t\"local\": {\"command\": \"uvx\"}, // keep\n\t},\n}\n";

}  // namespace registrar_test
