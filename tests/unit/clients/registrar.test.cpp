// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/registrar.hpp>

#include <thread>

#include "bench.hpp"

using namespace registrar_test;

TEST_CASE("A client sees the ready members of its groups, as they come and go", "[clients][unit]") {
  bench b;
  b.write(b.cursor(), before);
  b.now.workloads.push_back(member("waits", "dev", ""));
  auto const done = b.add("cursor", {"dev"});
  CHECK_FALSE(done.failure);
  CHECK(done.written == std::vector<std::string>{"fetch", "memory"});
  CHECK(b.names("cursor", b.cursor()) == std::set<std::string>{"local", "fetch", "memory"});
  CHECK(b.read(b.cursor()).find("// keep") != std::string::npos);
  CHECK(b.read(fs::path(b.cursor()) += ".thv-backup") == before);

  SECTION("a second time nothing is written") {
    auto const text = b.read(b.cursor());
    auto const again = b.add("cursor", {"dev"});
    CHECK_FALSE(again.changed());
    CHECK(b.sync().at(0).written.empty());
    CHECK(b.read(b.cursor()) == text);
  }
  SECTION("one that stops vanishes, one that becomes ready appears") {
    b.now.workloads[0].wanted_running = false;
    b.now.workloads[3].readiness = "ready";
    CHECK(b.sync().at(0).changed());
    CHECK(b.names("cursor", b.cursor()) == std::set<std::string>{"local", "memory", "waits"});
  }
  SECTION("a move re-points the clients of both groups") {
    b.add("codex", {"ops"});
    CHECK(b.names("codex", b.codex()) == std::set<std::string>{"logs"});
    b.now.workloads[1].group = "ops";
    CHECK(b.sync().size() == 2);
    CHECK(b.names("cursor", b.cursor()) == std::set<std::string>{"local", "fetch"});
    CHECK(b.names("codex", b.codex()) == std::set<std::string>{"logs", "memory"});
  }
  SECTION("another port is followed") {
    b.gateway.url = "http://127.0.0.1:4490";
    CHECK(b.sync().at(0).written.size() == 2);
    CHECK(b.read(b.cursor()).find(":4483") == std::string::npos);
    CHECK(b.read(b.cursor()).find("127.0.0.1:4490/servers/fetch/mcp") != std::string::npos);
  }
  SECTION("a group that is gone is unregistered") {
    b.now.groups.erase(b.now.groups.begin() + 1);
    std::erase_if(b.now.workloads, [](auto const& w) { return w.group == "dev"; });
    CHECK(b.sync().at(0).removed.size() == 2);
    CHECK(b.read(b.cursor()) == before);
    auto const views = b.files().view({"cursor"}, b.now, b.gateway);
    REQUIRE(views);
    CHECK(views->at(0).groups.empty());
  }
  SECTION("removed, every byte is as it was") {
    CHECK(b.remove("cursor").removed.size() == 2);
    CHECK(b.read(b.cursor()) == before);
    CHECK(b.sync().empty());
  }
}

TEST_CASE("A file that we made goes with our last entry", "[clients][unit]") {
  bench b;
  b.add("codex", {"dev"});
  CHECK(fs::exists(b.codex()));
  b.remove("codex");
  CHECK_FALSE(fs::exists(b.codex()));

  SECTION("but not one that somebody uses meanwhile") {
    b.add("codex", {"dev"});
    b.write(b.codex(), "model = \"x\"\n" + b.read(b.codex()));
    b.remove("codex");
    CHECK(b.read(b.codex()).find("model = \"x\"\n") == 0);
    CHECK(b.names("codex", b.codex()).empty());
  }
}

TEST_CASE("A foreign entry is overwritten by force alone, and comes back", "[clients][unit]") {
  bench b;
  std::string const text =
      "{\"mcpServers\": {\"fetch\": {\"command\": \"uvx\", \"env\": {\"K\": \"v\"}}}}";
  b.write(b.cursor(), text);
  auto done = b.add("cursor", {"dev"});
  CHECK(done.written == std::vector<std::string>{"memory"});
  b.remove("cursor");
  CHECK(b.read(b.cursor()) == text);
  done = b.add("cursor", {"dev"}, true);
  CHECK(done.written == std::vector<std::string>{"fetch", "memory"});
  CHECK(b.read(b.cursor()).find("uvx") == std::string::npos);
  b.remove("cursor");
  CHECK(b.read(b.cursor()) == text);
}

TEST_CASE("The token is in private files and in no ledger", "[clients][unit]") {
  bench b;
  b.gateway.token = "t0ken-of-the-gateway";
  b.write(b.cursor(), before);
  fs::permissions(b.cursor(), fs::perms(0644));
  b.add("cursor", {"dev"});
  b.add("codex", {"dev"});
  CHECK(b.read(b.cursor()).find(b.gateway.token) != std::string::npos);
  struct stat found {};
  REQUIRE(::stat(b.cursor().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  auto const ledger = b.folder / "state/clients.json";
  CHECK(b.read(ledger).find(b.gateway.token) == std::string::npos);
  REQUIRE(::stat(ledger.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  SECTION("another token is followed") {
    b.gateway.token = "another";
    CHECK(b.sync().at(0).written.size() == 2);
    CHECK(b.read(b.cursor()).find("t0ken") == std::string::npos);
  }
  b.remove("cursor");
  b.remove("codex");
  CHECK(b.read(b.cursor()) == before);
  CHECK_FALSE(fs::exists(b.codex()));
}

TEST_CASE("One client's trouble does not touch the others", "[clients][unit]") {
  bench b;
  std::string const broken = "{\"mcpServers\": [";
  b.write(b.cursor(), broken);
  auto const done = b.files().add({}, {"cursor", "codex"}, {"dev"}, b.look(), false);
  REQUIRE(done);
  REQUIRE(done->size() == 2);
  CHECK_FALSE(done->at(0).failure);
  REQUIRE(done->at(1).failure);
  CHECK(done->at(1).client == "cursor");
  CHECK(done->at(1).failure->where.find(b.cursor().string()) == 0);
  CHECK(b.read(b.cursor()) == broken);
  CHECK(b.names("codex", b.codex()) == std::set<std::string>{"fetch", "memory"});
  // It stays registered as it was: not at all.
  CHECK(b.files().view({"cursor"}, b.now, b.gateway)->at(0).groups.empty());
  b.write(b.cursor(), "{}");
  b.sync();
  CHECK(b.read(b.cursor()) == "{}");
  b.add("cursor", {"dev"});
  CHECK(b.names("cursor", b.cursor()) == std::set<std::string>{"fetch", "memory"});
}

TEST_CASE("Killed between the ledger and the file, an entry is still ours", "[clients][unit]") {
  bench b;
  b.write(b.cursor(), before);
  b.add("cursor", {"dev"});
  clients::ledger const ledger(b.folder / "state");
  b.gateway.url = "http://127.0.0.1:4490";
  // As it stands in the moment before the file is written.
  auto all = ledger.load();
  REQUIRE(all);
  for (auto& [name, entry] : all->at("cursor").entries)
    entry = {entry.workload, "elsewhere", "another", entry.fingerprint};
  REQUIRE(ledger.save(*all));
  CHECK(b.sync().at(0).written.size() == 2);
  CHECK(b.read(b.cursor()).find(":4490/servers/fetch/mcp") != std::string::npos);
  b.remove("cursor");
  CHECK(b.read(b.cursor()) == before);
}

TEST_CASE("What a user added to an entry comes back with its member", "[clients][unit]") {
  bench b;
  b.write(b.cursor(), before);
  b.add("cursor", {"dev"});
  auto text = b.read(b.cursor());
  auto const url = std::string("http://127.0.0.1:4483/servers/fetch/mcp\"");
  auto const at = text.find(url);
  REQUIRE(at != std::string::npos);
  text.insert(at + url.size(), ", \"disabled\": true");
  b.write(b.cursor(), text);
  b.now.workloads[0].wanted_running = false;
  b.sync();
  CHECK(b.read(b.cursor()).find("disabled") == std::string::npos);
  b.now.workloads[0].wanted_running = true;
  b.sync();
  CHECK(read_entries(**find_kind("cursor"), b.read(b.cursor()))
            ->at("fetch")
            .find("\"disabled\":true") != std::string::npos);
}

TEST_CASE("An entry of ours that its user rewrote comes back when it was overwritten",
          "[clients][unit]") {
  bench b;
  b.add("cursor", {"dev"});
  b.now.workloads.pop_back();
  std::string const own =
      "{\n  \"mcpServers\": {\n    \"fetch\": {\n      \"command\": \"uvx\"\n    }\n  }\n}\n";
  b.write(b.cursor(), own);
  b.add("cursor", {"dev"}, true);
  CHECK(b.read(b.cursor()).find("uvx") == std::string::npos);
  b.remove("cursor");
  CHECK(b.read(b.cursor()).find("\"command\": \"uvx\"") != std::string::npos);
}

TEST_CASE("An overwritten entry may hold any bytes", "[clients][unit]") {
  bench b;
  std::string const text = "{\"mcpServers\": {\"fetch\": {\"command\": \"uvx\" /* caf\xe9 */}}}";
  b.write(b.cursor(), text);
  if (auto const done = b.add("cursor", {"dev"}, true); !done.failure) {
    b.sync();
    b.remove("cursor");
  }
  CHECK(b.read(b.cursor()) == text);
}

TEST_CASE("Two clients may share one file", "[clients][unit]") {
  bench b;
  auto const other = b.home() / ".factory/mcp.json";
  b.write(b.cursor(), before);
  fs::create_directories(other.parent_path());
  fs::create_symlink(b.cursor(), other);
  auto const done = b.files().add({}, {"cursor", "factory"}, {"dev"}, b.look(), false);
  REQUIRE(done);
  for (auto const& one : *done) {
    CAPTURE(one.client);
    CHECK_FALSE(one.failure);
  }
  CHECK(b.names("cursor", b.cursor()) == std::set<std::string>{"local", "fetch", "memory"});
  b.remove("factory");
  CHECK(b.names("cursor", b.cursor()) == std::set<std::string>{"local", "fetch", "memory"});
  b.add("factory", {"dev"});
  b.now.workloads[0].wanted_running = false;
  b.sync();
  CHECK(b.names("cursor", b.cursor()) == std::set<std::string>{"local", "memory"});
  REQUIRE(b.files().remove({}, {"cursor", "factory"}, {}, b.look()));
  CHECK(b.names("cursor", b.cursor()) == std::set<std::string>{"local"});
  CHECK(fs::is_symlink(other));
}

TEST_CASE("Unknown clients and groups are refused before anything is done", "[clients][unit]") {
  bench b;
  auto done = b.files().add({}, {"cursor", "nothing"}, {"dev"}, b.look(), false);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::invalid_argument);
  done = b.files().add({}, {"cursor"}, {"dev", "nowhere"}, b.look(), false);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::not_found);
  CHECK_FALSE(fs::exists(b.cursor()));
  CHECK_FALSE(b.files().has_clients());
}

TEST_CASE("A damaged ledger is said, and nothing is written", "[clients][unit]") {
  bench b;
  b.add("cursor", {"dev"});
  auto const text = b.read(b.cursor());
  for (auto const* const bad : {"{", "[]", R"({"version": 1, "clients": {"cursor": 7}})"}) {
    b.write(b.folder / "state/clients.json", bad);
    auto const done = b.files().sync({}, b.look());
    REQUIRE_FALSE(done);
    CHECK(done.error().code == errc::corrupt);
    CHECK(b.read(b.cursor()) == text);
  }
  fs::remove(b.folder / "state/clients.json");
  fs::create_directories(b.folder / "state/clients.json");
  CHECK_FALSE(b.files().sync({}, b.look()));
  fs::remove(b.folder / "state/clients.json");
  b.write(b.folder / "state/clients.json", R"({"version": 99})");
  CHECK(b.files().sync({}, b.look()).error().code == errc::unsupported);
  // Without it, entries that are as they should be are found again, by force.
  fs::remove(b.folder / "state/clients.json");
  CHECK_FALSE(b.add("cursor", {"dev"}, true).changed());
  b.remove("cursor");
  CHECK(b.names("cursor", b.cursor()).empty());
}

TEST_CASE("Many commands at once lose nothing", "[clients][unit]") {
  bench b;
  std::vector<std::string> const names{"cursor", "codex", "goose", "zed", "continue", "kiro"};
  std::vector<std::thread> threads;
  std::atomic<int> bad = 0;
  for (auto const& name : names)
    threads.emplace_back([&, name] {
      for (auto const* const group : {"dev", "ops"})
        if (auto const done = b.files().add({}, {name}, {group}, b.look(), false);
            !done || done->at(0).failure)
          ++bad;
    });
  for (auto& thread : threads) thread.join();
  CHECK(bad == 0);
  auto const views = b.files().view(names, b.now, b.gateway);
  REQUIRE(views);
  for (auto const& v : *views) {
    CAPTURE(v.what->name);
    CHECK(v.groups == std::set<std::string>{"dev", "ops"});
    CHECK(v.entries.size() == 3);
    for (auto const& e : v.entries) CHECK(e.is == standing::current);
  }
}
