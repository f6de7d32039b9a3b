// SPDX-License-Identifier: Apache-2.0
// What a user had before is there afterwards: entries, folders, places; and what fails leaves
// nothing.
#include <thv/clients/registrar.hpp>

#include <catch2/generators/catch_generators.hpp>

#include "bench.hpp"

using namespace registrar_test;

namespace {

std::string url_of(std::string const& name) {
  return "http://127.0.0.1:4483/servers/" + name + "/mcp";
}

error no_token() {
  return fail(errc::not_found, "there is no such token file", {}, "/nowhere/token");
}

standing only(bench const& b, std::string const& client) {
  auto const views = b.files().view({client}, b.now, b.gateway);
  REQUIRE(views);
  REQUIRE(views->at(0).entries.size() == 1);
  return views->at(0).entries[0].is;
}

}  // namespace

TEST_CASE("Entries stay where they were written, whatever the environment says later",
          "[clients][unit]") {
  bench b;
  auto const elsewhere = b.folder / "my codex";
  b.moved["CODEX_HOME"] = elsewhere.string();
  b.add("codex", {"dev"});
  CHECK_FALSE(fs::exists(b.codex()));
  CHECK(b.names("codex", elsewhere / "config.toml") == std::set<std::string>{"fetch", "memory"});

  SECTION("without the variable it follows its groups, and is taken out") {
    b.moved.clear();
    b.now.workloads[0].wanted_running = false;
    b.sync();
    CHECK(b.names("codex", elsewhere / "config.toml") == std::set<std::string>{"memory"});
    CHECK(b.files().view({"codex"}, b.now, b.gateway)->at(0).file == elsewhere / "config.toml");
    auto const again = b.add("codex", {"dev"});
    CHECK(again.file == elsewhere / "config.toml");
    CHECK(again.looks_in == b.codex());
    b.remove("codex");
    CHECK_FALSE(fs::exists(elsewhere));
  }
  SECTION("nor does the home folder decide, also before there is an entry") {
    b.remove("codex");
    auto const members = std::exchange(b.now.workloads, {});
    b.add("codex", {"dev"});
    b.moved["CODEX_HOME"] = (b.folder / "another").string();
    b.now.workloads = members;
    b.sync();
    CHECK(b.names("codex", elsewhere / "config.toml") == std::set<std::string>{"fetch", "memory"});
    CHECK_FALSE(fs::exists(b.folder / "another"));
  }
}

TEST_CASE("What a user wrote exactly as we would have stays when it is removed",
          "[clients][unit]") {
  auto const name = GENERATE("cursor", "codex", "goose", "continue", "mistral-vibe");
  CAPTURE(name);
  auto const& k = **find_kind(name);
  bench b;
  b.now.workloads = {member("fetch", "dev")};
  auto const file = config_file(k, b.home());
  auto const text = document_of(k, {{"fetch", url_of("fetch"), {}}});
  b.write(file, text);
  CHECK_FALSE(b.add(name, {"dev"}).changed());
  CHECK(only(b, name) == standing::current);

  SECTION("untouched") {
    b.remove(name);
    CHECK(b.read(file) == text);
  }
  SECTION("also when its member has gone, come back and another came meanwhile") {
    b.now.workloads[0].wanted_running = false;
    b.now.workloads.push_back(member("memory", "dev"));
    b.sync();
    CHECK(b.names(name, file) == std::set<std::string>{"fetch", "memory"});
    b.now.workloads[0].wanted_running = true;
    CHECK_FALSE(b.sync().at(0).changed());
    b.remove(name);
    CHECK(b.read(file) == text);
  }
  SECTION("after it has followed another port") {
    b.gateway.url = "http://127.0.0.1:4490";
    CHECK(b.sync().at(0).written == std::vector<std::string>{"fetch"});
    CHECK(b.read(file).find(":4490") != std::string::npos);
    b.remove(name);
    CHECK(b.read(file) == text);
  }
  SECTION("but not what we were told to take over") {
    CHECK_FALSE(b.add(name, {"dev"}, true).changed());
    b.remove(name);
    CHECK(b.names(name, file).empty());
  }
  SECTION("nor does that come back") {
    CHECK_FALSE(b.add(name, {"dev"}, true).changed());
    b.gateway.url = "http://127.0.0.1:4490";
    CHECK(b.sync().at(0).changed());
    b.remove(name);
    CHECK(b.names(name, file).empty());
  }
}

TEST_CASE("Killed before it followed another port, a user's entry is still the user's",
          "[clients][unit]") {
  auto const name = GENERATE("cursor", "codex", "goose", "continue", "mistral-vibe");
  CAPTURE(name);
  bench b;
  b.now.workloads = {member("fetch", "dev")};
  auto const file = config_file(**find_kind(name), b.home());
  auto const text = document_of(**find_kind(name), {{"fetch", url_of("fetch"), {}}});
  b.write(file, text);
  b.add(name, {"dev"});
  clients::ledger const ledger(b.folder / "state");
  auto const earlier = ledger.load()->at(name).entries.at("fetch").fingerprint;
  b.gateway.url = "http://127.0.0.1:4490";
  b.sync();
  // As it stands in the moment before the file is written.
  auto all = ledger.load();
  REQUIRE(all);
  all->at(name).entries.at("fetch").earlier = earlier;
  REQUIRE(ledger.save(*all));
  b.write(file, text);
  SECTION("removed then") {
    b.remove(name);
  }
  SECTION("repeated, and removed") {
    CHECK(b.sync().at(0).changed());
    b.remove(name);
  }
  CHECK(b.read(file) == text);
}

TEST_CASE("An entry of ours that its client brings back from memory is ours", "[clients][unit]") {
  bench b;
  b.write(b.cursor(), before);
  b.add("cursor", {"dev"});
  auto const text = b.read(b.cursor());
  b.now.workloads[0].wanted_running = false;
  b.sync();
  b.write(b.cursor(), text);
  b.now.workloads[0].wanted_running = true;
  b.sync();
  b.remove("cursor");
  CHECK(b.names("cursor", b.cursor()) == std::set<std::string>{"local"});
}

TEST_CASE("A ledger of before knows no entries that were there", "[clients][unit]") {
  bench b;
  b.add("cursor", {"dev"});
  auto const path = b.folder / "state/clients.json";
  auto text = b.read(path);
  for (std::string const field : {",\"theirs\":false", ",\"theirs\":false"}) {
    auto const at = text.find(field);
    REQUIRE(at != std::string::npos);
    text.erase(at, field.size());
  }
  auto const folders = text.find(",\"made_folders\"");
  REQUIRE(folders != std::string::npos);
  text.erase(folders, text.find(']', folders) - folders + 1);
  b.write(path, text);
  b.remove("cursor");
  CHECK_FALSE(fs::exists(b.cursor()));
  CHECK(fs::exists(b.cursor().parent_path()));
}

TEST_CASE("A client whose names are all taken is an error, and stays unregistered",
          "[clients][unit]") {
  bench b;
  std::string const text = "{\"mcpServers\": {\"logs\": {\"command\": \"uvx\"}}}";
  b.write(b.cursor(), text);
  auto const done = b.files().add({}, {"cursor", "codex"}, {"ops"}, b.look(), false);
  REQUIRE(done);
  CHECK_FALSE(done->at(0).failure);
  REQUIRE(done->at(1).failure);
  CHECK(done->at(1).failure->code == errc::already_exists);
  CHECK(done->at(1).failure->hint.find("--force") != std::string::npos);
  CHECK(b.read(b.cursor()) == text);
  CHECK(b.files().view({"cursor"}, b.now, b.gateway)->at(0).groups.empty());
  CHECK_FALSE(b.add("cursor", {"ops"}, true).failure);
  // One that sees something is no error.
  CHECK_FALSE(b.add("cursor", {"dev"}).failure);
}

TEST_CASE("A client that cannot be written stays registered as it was", "[clients][unit]") {
  bench b;
  b.write(b.cursor(), before);
  b.add("cursor", {"dev"});
  auto const text = b.read(b.cursor());
  auto const groups = [&] { return b.files().view({"cursor"}, b.now, b.gateway)->at(0).groups; };
  b.write(b.cursor(), "{");
  CHECK(b.add("cursor", {"ops"}).failure);
  CHECK(groups() == std::set<std::string>{"dev"});
  CHECK(b.remove("cursor").failure);
  CHECK(groups() == std::set<std::string>{"dev"});
  b.write(b.cursor(), text);
  CHECK_FALSE(b.remove("cursor").failure);
  CHECK(b.read(b.cursor()) == before);
}

TEST_CASE("Folders that we made go with the file, and no others", "[clients][unit]") {
  bench b;
  SECTION("all of them") {
    b.add("goose", {"dev"});
    CHECK(fs::exists(b.home() / ".config/goose/config.yaml"));
    b.remove("goose");
    CHECK(fs::is_empty(b.home()));
  }
  SECTION("but not one that was there") {
    fs::create_directories(b.home() / ".config");
    b.add("goose", {"dev"});
    b.remove("goose");
    CHECK(fs::is_empty(b.home() / ".config"));
  }
  SECTION("nor one that is used") {
    b.add("goose", {"dev"});
    b.write(b.home() / ".config/goose/notes", "mine");
    b.remove("goose");
    CHECK(b.read(b.home() / ".config/goose/notes") == "mine");
  }
  SECTION("those of two clients when the second has gone") {
    for (auto const* const first : {"windsurf", "windsurf-jetbrains"}) {
      CAPTURE(first);
      std::string const second =
          first == std::string("windsurf") ? "windsurf-jetbrains" : "windsurf";
      b.add(first, {"dev"});
      b.add(second, {"dev"});
      b.remove(first);
      CHECK(fs::exists(b.home() / ".codeium"));
      b.remove(second);
      CHECK(fs::is_empty(b.home()));
      REQUIRE(b.files().add({}, {"windsurf", "windsurf-jetbrains"}, {"dev"}, b.look(), false));
      REQUIRE(b.files().remove({}, {"windsurf", "windsurf-jetbrains"}, {}, b.look()));
      CHECK(fs::is_empty(b.home()));
    }
  }
  SECTION("when the members go, and come again with them") {
    auto const members = b.now.workloads;
    b.add("codex", {"dev"});
    b.now.workloads.clear();
    b.sync();
    CHECK(fs::is_empty(b.home()));
    // One that the user makes then is theirs.
    fs::create_directories(b.codex().parent_path());
    b.now.workloads = members;
    b.sync();
    b.remove("codex");
    CHECK(fs::is_empty(b.codex().parent_path()));
  }
}

TEST_CASE("A file that its user removed is made anew, and goes as ours", "[clients][unit]") {
  bench b;
  b.write(b.cursor(), "{\"mcpServers\": {\"fetch\": {\"command\": \"uvx\"}}}");
  b.add("cursor", {"dev"}, true);
  fs::remove(b.cursor());
  CHECK(b.sync().at(0).written == std::vector<std::string>{"fetch", "memory"});
  b.remove("cursor");
  CHECK_FALSE(fs::exists(b.cursor()));
}

TEST_CASE("A file of Continue has what Continue requires", "[clients][unit]") {
  bench b;
  auto const file = b.home() / ".continue/config.yaml";
  b.add("continue", {"dev"});
  CHECK(b.read(file).find("name: Local Config\nversion: 1.0.0\nschema: v1\nmcpServers:\n") == 0);
  CHECK(b.names("continue", file) == std::set<std::string>{"fetch", "memory"});

  SECTION("and goes with the last entry") {
    b.now.workloads[0].wanted_running = false;
    b.sync();
    b.remove("continue");
    CHECK_FALSE(fs::exists(file));
  }
  SECTION("but keeps it when its user has added something") {
    b.write(file, b.read(file) + "models: []\n");
    b.remove("continue");
    CHECK(b.read(file) == "name: Local Config\nversion: 1.0.0\nschema: v1\nmodels: []\n");
  }
  SECTION("and one of its user's is left alone") {
    b.remove("continue");
    b.write(file, "name: mine\n");
    b.add("continue", {"dev"});
    CHECK(b.read(file).find("name: mine\nmcpServers:\n") == 0);
    b.remove("continue");
    CHECK(b.read(file) == "name: mine\n");
  }
}

TEST_CASE("Without the token entries can be taken out and looked at, not written",
          "[clients][unit]") {
  bench b;
  b.gateway.token = "t0ken-of-the-gateway";
  std::string const own =
      "{\"mcpServers\": {\"fetch\": {\"url\": \"http://h\", \"headers\": "
      "{\"Authorization\": \"Bearer t0ken-of-the-gateway\"}}}}";
  b.write(b.cursor(), own);
  b.add("cursor", {"dev"}, true);
  b.now.workloads.pop_back();
  b.now.workloads[1].group = "ops";
  b.gateway = {b.gateway.url, {}, no_token()};

  auto const added = b.files().add({}, {"codex"}, {"dev"}, b.look(), false);
  REQUIRE_FALSE(added);
  CHECK(added.error().where == "/nowhere/token");
  CHECK_FALSE(fs::exists(b.codex()));
  REQUIRE_FALSE(b.files().sync({}, b.look()));

  auto const views = b.files().view({"cursor"}, b.now, b.gateway);
  REQUIRE(views);
  CHECK(views->at(0).entries.at(0).is == standing::unknown);
  CHECK(b.remove("cursor").removed == std::vector<std::string>{"fetch", "memory"});
  CHECK(b.read(b.cursor()) == own);
  CHECK(b.files().view({"cursor"}, b.now, b.gateway)->at(0).groups.empty());
}

TEST_CASE("Without the token what stays registered stays as it is", "[clients][unit]") {
  bench b;
  b.gateway.token = "t0ken-of-the-gateway";
  b.add("cursor", {"dev", "ops"});
  b.gateway = {"http://127.0.0.1:4490", {}, no_token()};
  CHECK(b.remove("cursor", {"ops"}).removed == std::vector<std::string>{"logs"});
  CHECK(b.names("cursor", b.cursor()) == std::set<std::string>{"fetch", "memory"});
  CHECK(b.read(b.cursor()).find(":4490") == std::string::npos);
  CHECK(b.read(b.cursor()).find("t0ken") != std::string::npos);
  b.gateway = {"http://127.0.0.1:4483", "t0ken-of-the-gateway", {}};
  CHECK_FALSE(b.sync().at(0).changed());
  b.remove("cursor");
  CHECK_FALSE(fs::exists(b.cursor()));
}
