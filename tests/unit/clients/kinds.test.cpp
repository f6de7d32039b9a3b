// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/kind.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <unistd.h>

#include <thv/clients/edit.hpp>

namespace fs = std::filesystem;
using namespace thv;
using namespace thv::clients;

TEST_CASE("the table has every client once, by name", "[clients][unit]") {
  auto const all = kinds();
  CHECK(all.size() == 25);
  CHECK(std::is_sorted(all.begin(), all.end(), [](auto& a, auto& b) { return a.name < b.name; }));
  std::set<std::string_view> places;
  for (auto const& k : all) {
    CAPTURE(k.name);
    CHECK(find_kind(k.name).value() == &k);
    CHECK_FALSE(k.title.empty());
    CHECK_FALSE(k.container.empty());
    CHECK_FALSE(k.url_key.empty());
    CHECK_FALSE(k.headers_key.empty());
    CHECK(k.type_key.empty() == k.type_value.empty());
    for (auto const path : {k.linux_path, k.macos_path, k.windows_path}) {
      CHECK_FALSE(path.empty());
      CHECK(fs::path(path).is_relative());
    }
    CHECK(places.insert(k.linux_path).second);
  }
}

TEST_CASE("an unknown client is told the names", "[clients][unit]") {
  auto const found = find_kind("claude-desktop");
  REQUIRE_FALSE(found);
  CHECK(found.error().code == errc::invalid_argument);
  CHECK(found.error().hint.find("claude-code, cline, codex") != std::string::npos);
}

TEST_CASE("a client's file lies where its system has it", "[clients][unit]") {
  auto const& vscode = **find_kind("vscode");
  CHECK(config_file(vscode, "/h") == "/h/.config/Code/User/mcp.json");
  CHECK(config_file(vscode, "/h", platform::macos) ==
        "/h/Library/Application Support/Code/User/mcp.json");
  CHECK(config_file(vscode, "/h", platform::windows) == "/h/AppData/Roaming/Code/User/mcp.json");
  CHECK(config_file(**find_kind("goose"), "/h", platform::windows) ==
        "/h/AppData/Block/goose/config.yaml");
}

TEST_CASE("a client is installed where its folder is, Claude Code where its file is",
          "[clients][unit]") {
  auto const home = fs::temp_directory_path() / ("thv-kinds-" + std::to_string(::getpid()));
  fs::create_directories(home / ".cursor");
  CHECK(is_installed(**find_kind("cursor"), home));
  CHECK_FALSE(is_installed(**find_kind("zed"), home));
  CHECK_FALSE(is_installed(**find_kind("claude-code"), home));
  std::ofstream(home / ".claude.json") << "{}";
  CHECK(is_installed(**find_kind("claude-code"), home));
  fs::remove_all(home);
}

TEST_CASE("what each client reads for an entry", "[clients][unit]") {
  entry const e{"git", "http://h/mcp", "T"};
  auto const said = [&](std::string_view name) { return canonical(**find_kind(name), e); };
  CHECK(said("claude-code") ==
        R"({"headers":{"Authorization":"Bearer T"},"type":"http","url":"http://h/mcp"})");
  CHECK(said("cline") ==
        R"({"headers":{"Authorization":"Bearer T"},"type":"streamableHttp","url":"http://h/mcp"})");
  CHECK(
      said("copilot-cli") ==
      R"({"headers":{"Authorization":"Bearer T"},"tools":["*"],"type":"http","url":"http://h/mcp"})");
  CHECK(said("gemini-cli") ==
        R"({"headers":{"Authorization":"Bearer T"},"httpUrl":"http://h/mcp"})");
  CHECK(said("windsurf") ==
        R"({"headers":{"Authorization":"Bearer T"},"serverUrl":"http://h/mcp","type":"http"})");
  CHECK(said("opencode") ==
        R"({"headers":{"Authorization":"Bearer T"},"type":"remote","url":"http://h/mcp"})");
  CHECK(said("codex") == R"({"http_headers":{"Authorization":"Bearer T"},"url":"http://h/mcp"})");
  CHECK(said("mistral-vibe") ==
        R"({"headers":{"Authorization":"Bearer T"},"name":"git","transport":"streamable-http",)"
        R"("url":"http://h/mcp"})");
  CHECK(said("continue") ==
        R"({"name":"git","requestOptions":{"headers":{"Authorization":"Bearer T"}},)"
        R"("type":"streamable-http","url":"http://h/mcp"})");
  CHECK(said("goose") ==
        R"({"description":"","enabled":true,"headers":{"Authorization":"Bearer T"},"name":"git",)"
        R"("timeout":60,"type":"streamable_http","uri":"http://h/mcp"})");
}
