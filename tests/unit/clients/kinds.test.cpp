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

TEST_CASE("a client's own variable says where its file lies", "[clients][unit]") {
  places const moved{
      {"CLAUDE_CONFIG_DIR", "/c"}, {"CODEX_HOME", "/x"},          {"XDG_CONFIG_HOME", "/g"},
      {"GEMINI_CLI_HOME", "/m"},   {"COPILOT_HOME", "/p"},        {"VIBE_HOME", "/v"},
      {"KIMI_SHARE_DIR", "/k"},    {"CONTINUE_GLOBAL_DIR", "/n"}, {"AMP_SETTINGS_FILE", "/a.json"}};
  auto const file = [&](std::string_view name) {
    return config_file(**find_kind(name), "/h", platform::linux_, moved).string();
  };
  CHECK(file("claude-code") == "/c/.claude.json");
  CHECK(file("codex") == "/x/config.toml");
  CHECK(file("gemini-cli") == "/m/.gemini/settings.json");
  CHECK(file("copilot-cli") == "/p/mcp-config.json");
  CHECK(file("mistral-vibe") == "/v/config.toml");
  CHECK(file("kimi-cli") == "/k/mcp.json");
  CHECK(file("continue") == "/n/config.yaml");
  CHECK(file("amp-cli") == "/a.json");
  CHECK(file("opencode") == "/g/opencode/opencode.json");
  CHECK(file("goose") == "/g/goose/config.yaml");
  CHECK(file("zed") == "/g/zed/settings.json");
  CHECK(file("vscode") == "/g/Code/User/mcp.json");
  CHECK(file("vscode-insider") == "/g/Code - Insiders/User/mcp.json");
  CHECK(file("cline").find("/g/Code/User/globalStorage/saoudrizwan.claude-dev/") == 0);
  CHECK(file("roo-code").find("/g/Code/User/globalStorage/rooveterinaryinc.roo-cline/") == 0);
  CHECK(file("cursor") == "/h/.cursor/mcp.json");
  for (auto const& [name, value] : moved) {
    auto const names = place_variables();
    CAPTURE(name);
    CHECK(std::count(names.begin(), names.end(), name) == 1);
  }
}

TEST_CASE("of a client's variables the first counts, and only a whole path", "[clients][unit]") {
  auto const& goose = **find_kind("goose");
  CHECK(config_file(goose, "/h", platform::linux_,
                    {{"XDG_CONFIG_HOME", "/g"}, {"GOOSE_PATH_ROOT", "/r"}}) ==
        "/r/config/config.yaml");
  CHECK(config_file(goose, "/h", platform::linux_,
                    {{"XDG_CONFIG_HOME", "g"}, {"GOOSE_PATH_ROOT", ""}}) ==
        "/h/.config/goose/config.yaml");
  CHECK(config_file(goose, "/h", platform::macos, {{"XDG_CONFIG_HOME", "/g"}}) ==
        "/h/.config/goose/config.yaml");
}

TEST_CASE("a client with several places has its file where there is one", "[clients][unit]") {
  auto const home = fs::temp_directory_path() / ("thv-places-" + std::to_string(::getpid()));
  auto const touch = [&](std::string const& name) {
    fs::create_directories((home / name).parent_path());
    std::ofstream(home / name) << "{}";
  };
  auto const file = [&](std::string_view name) {
    return config_file(**find_kind(name), home).lexically_relative(home).string();
  };
  CHECK(file("opencode") == ".config/opencode/opencode.json");
  touch(".config/opencode/opencode.json");
  CHECK(file("opencode") == ".config/opencode/opencode.json");
  touch(".config/opencode/opencode.jsonc");
  CHECK(file("opencode") == ".config/opencode/opencode.jsonc");

  touch(".config/amp/settings.jsonc");
  CHECK(file("amp-cli") == ".config/amp/settings.jsonc");
  auto const named = home / ".config/amp/named.json";
  CHECK(config_file(**find_kind("amp-cli"), home, platform::linux_,
                    {{"AMP_SETTINGS_FILE", named.string()}}) == named);
  touch(".config/amp/settings.json");
  CHECK(file("amp-cli") == ".config/amp/settings.json");

  auto const& antigravity = **find_kind("antigravity");
  CHECK(file("antigravity") == ".gemini/config/mcp_config.json");
  CHECK_FALSE(is_installed(antigravity, home));
  touch(".gemini/antigravity/mcp_config.json");
  CHECK(is_installed(antigravity, home));
  CHECK(file("antigravity") == ".gemini/antigravity/mcp_config.json");
  touch(".gemini/config/mcp_config.json");
  CHECK(file("antigravity") == ".gemini/config/mcp_config.json");

  auto const& codex = **find_kind("codex");
  CHECK_FALSE(is_installed(codex, home));
  CHECK(is_installed(codex, "/nowhere", platform::linux_, {{"CODEX_HOME", home.string()}}));
  fs::remove_all(home);
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
