// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/kind.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace thv::clients {
namespace {

// A client with a JSON file at the same place on every system, which is what most of them have.
kind json_kind(std::string_view name, std::string_view title, std::string_view path,
               std::string_view type_value) {
  kind k;
  k.name = name;
  k.title = title;
  k.format = file_format::json;
  k.container = {"mcpServers"};
  k.url_key = "url";
  k.headers_key = "headers";
  if (!type_value.empty()) {
    k.type_key = "type";
    k.type_value = type_value;
  }
  k.linux_path = k.macos_path = k.windows_path = path;
  return k;
}

// Below ~/.config, ~/Library/Application Support and %APPDATA%.
kind placed(kind k, std::string_view linux_path, std::string_view macos_path,
            std::string_view windows_path) {
  k.linux_path = linux_path;
  k.macos_path = macos_path;
  k.windows_path = windows_path;
  return k;
}

kind contained(kind k, std::string_view container) {
  k.container = {container};
  return k;
}

kind with_url(kind k, std::string_view key) {
  k.url_key = key;
  return k;
}

kind in(kind k, file_format format, std::string_view container) {
  k.format = format;
  return contained(std::move(k), container);
}

kind moved(kind k, std::string_view variable, std::string_view path) {
  k.moved_by.push_back({variable, path});
  return k;
}

// Below XDG_CONFIG_HOME what is below ~/.config otherwise, of clients on Linux that follow the XDG
// Base Directory Specification.
kind moved_with_config(kind k) {
  constexpr std::string_view usual = ".config/";
  return moved(std::move(k), "XDG_CONFIG_HOME", k.linux_path.substr(usual.size()));
}

kind also(kind k, other_place place) {
  k.others.push_back(place);
  return k;
}

kind amp_cli() {
  auto k = contained(
      placed(json_kind("amp-cli", "Sourcegraph Amp CLI", "", "http"), ".config/amp/settings.json",
             ".config/amp/settings.json", "AppData/Roaming/amp/settings.json"),
      "amp.mcpServers");
  return also(moved(std::move(k), "AMP_SETTINGS_FILE", ""), {"settings.jsonc"});
}

// Version 2 has a folder of its own for what a user configures, and reads the earlier one no more.
kind antigravity() {
  auto k =
      with_url(json_kind("antigravity", "Google Antigravity", ".gemini/config/mcp_config.json", ""),
               "serverUrl");
  return also(std::move(k), {".gemini/antigravity/mcp_config.json"});
}

kind claude_code() {
  auto k = json_kind("claude-code", "Claude Code", ".claude.json", "http");
  k.installed_by_file = true;
  return moved(std::move(k), "CLAUDE_CONFIG_DIR", ".claude.json");
}

kind codex() {
  auto k = in(json_kind("codex", "OpenAI Codex CLI", ".codex/config.toml", ""),
              file_format::toml_tables, "mcp_servers");
  k.headers_key = "http_headers";
  return moved(std::move(k), "CODEX_HOME", "config.toml");
}

// Continue refuses a file without these three keys, and makes one with these values itself.
kind continue_dev() {
  auto k = in(json_kind("continue", "Continue", ".continue/config.yaml", "streamable-http"),
              file_format::yaml_list, "mcpServers");
  k.headers_parent = "requestOptions";
  k.preamble = "name: Local Config\nversion: 1.0.0\nschema: v1\n";
  return moved(std::move(k), "CONTINUE_GLOBAL_DIR", "config.yaml");
}

// Its first versions refuse an entry without `tools`.
kind copilot_cli() {
  auto k = json_kind("copilot-cli", "GitHub Copilot CLI", ".copilot/mcp-config.json", "http");
  k.fixed = {{"tools", R"(["*"])"}};
  return moved(std::move(k), "COPILOT_HOME", "mcp-config.json");
}

kind goose() {
  auto k =
      in(json_kind("goose", "Goose", "", "streamable_http"), file_format::yaml_map, "extensions");
  k.url_key = "uri";
  k.fixed = {{"name", "\"\""}, {"enabled", "true"}, {"timeout", "60"}, {"description", "\"\""}};
  k = placed(std::move(k), ".config/goose/config.yaml", ".config/goose/config.yaml",
             "AppData/Block/goose/config.yaml");
  return moved_with_config(moved(std::move(k), "GOOSE_PATH_ROOT", "config/config.yaml"));
}

kind mistral_vibe() {
  auto k = in(json_kind("mistral-vibe", "Mistral Vibe", ".vibe/config.toml", "streamable-http"),
              file_format::toml_array, "mcp_servers");
  k.type_key = "transport";
  return moved(std::move(k), "VIBE_HOME", "config.toml");
}

// Reads `opencode.json` and then `opencode.jsonc`, whose entries win.
kind opencode() {
  auto k = contained(json_kind("opencode", "OpenCode", ".config/opencode/opencode.json", "remote"),
                     "mcp");
  return also(moved_with_config(std::move(k)), {"opencode.jsonc", true});
}

kind vscode(std::string_view name, std::string_view title, std::string_view linux_path,
            std::string_view macos_path, std::string_view windows_path) {
  auto k = placed(json_kind(name, title, "", "http"), linux_path, macos_path, windows_path);
  return moved_with_config(contained(std::move(k), "servers"));
}

kind zed() {
  auto k = placed(json_kind("zed", "Zed", "", ""), ".config/zed/settings.json",
                  ".config/zed/settings.json", "AppData/Roaming/zed/settings.json");
  return moved_with_config(contained(std::move(k), "context_servers"));
}

kind roo_code() {
  auto k = placed(
      json_kind("roo-code", "Roo Code (VS Code)", "", "streamable-http"),
      ".config/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json",
      "Library/Application Support/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/"
      "mcp_settings.json",
      "AppData/Roaming/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/"
      "mcp_settings.json");
  k.deprecated = "Roo Code is no longer developed since May 2026; use cline or another client";
  return moved_with_config(std::move(k));
}

kind cline() {
  return moved_with_config(placed(
      json_kind("cline", "Cline (VS Code)", "", "streamableHttp"),
      ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
      "Library/Application Support/Code/User/globalStorage/saoudrizwan.claude-dev/settings/"
      "cline_mcp_settings.json",
      "AppData/Roaming/Code/User/globalStorage/saoudrizwan.claude-dev/settings/"
      "cline_mcp_settings.json"));
}

// ToolHive's table, by name; where a client's own documents want more, as they say (`tools` of
// Copilot, the type of the VS Code server). The key for headers is `headers` for all whose
// documents name one, but for Codex (`http_headers`) and Continue (`requestOptions.headers`).
std::vector<kind> make_kinds() {
  return {
      amp_cli(),
      antigravity(),
      claude_code(),
      cline(),
      codex(),
      continue_dev(),
      copilot_cli(),
      json_kind("cursor", "Cursor", ".cursor/mcp.json", "http"),
      json_kind("factory", "Factory Droid CLI", ".factory/mcp.json", "http"),
      moved(with_url(json_kind("gemini-cli", "Google Gemini CLI", ".gemini/settings.json", ""),
                     "httpUrl"),
            "GEMINI_CLI_HOME", ".gemini/settings.json"),
      goose(),
      moved(json_kind("kimi-cli", "Kimi Code CLI", ".kimi/mcp.json", ""), "KIMI_SHARE_DIR",
            "mcp.json"),
      json_kind("kiro", "Kiro", ".kiro/settings/mcp.json", ""),
      json_kind("lm-studio", "LM Studio", ".lmstudio/mcp.json", "http"),
      mistral_vibe(),
      opencode(),
      placed(json_kind("qoder", "Qoder", "", "http"), ".qoder/mcp.json", ".qoder/mcp.json",
             "AppData/Roaming/Qoder/SharedClientCache/mcp.json"),
      roo_code(),
      placed(json_kind("trae", "Trae", "", ""), ".config/Trae/User/mcp.json",
             "Library/Application Support/Trae/User/mcp.json",
             "AppData/Roaming/Trae/User/mcp.json"),
      vscode("vscode", "Visual Studio Code", ".config/Code/User/mcp.json",
             "Library/Application Support/Code/User/mcp.json",
             "AppData/Roaming/Code/User/mcp.json"),
      vscode("vscode-insider", "Visual Studio Code Insiders",
             ".config/Code - Insiders/User/mcp.json",
             "Library/Application Support/Code - Insiders/User/mcp.json",
             "AppData/Roaming/Code - Insiders/User/mcp.json"),
      contained(json_kind("vscode-server", "Visual Studio Code Server",
                          ".vscode-server/data/User/mcp.json", "http"),
                "servers"),
      with_url(json_kind("windsurf", "Windsurf", ".codeium/windsurf/mcp_config.json", "http"),
               "serverUrl"),
      with_url(json_kind("windsurf-jetbrains", "Windsurf for JetBrains", ".codeium/mcp_config.json",
                         "http"),
               "serverUrl"),
      zed(),
  };
}

std::string_view usual_path(kind const& k, platform on) {
  switch (on) {
    case platform::macos:
      return k.macos_path;
    case platform::windows:
      return k.windows_path;
    case platform::linux_:
      break;
  }
  return k.linux_path;
}

// What the environment says; null for nothing.
relocation const* moved_in(kind const& k, platform on, places const& all) {
  for (auto const& one : k.moved_by) {
    auto const set = all.find(one.variable);
    if (set == all.end() || !std::filesystem::path(set->second).is_absolute()) continue;
    if (one.variable == "XDG_CONFIG_HOME" && on != platform::linux_) continue;
    return &one;
  }
  return nullptr;
}

std::filesystem::path usual_file(kind const& k, std::filesystem::path const& home, platform on,
                                 places const& all) {
  auto const* const place = moved_in(k, on, all);
  if (place == nullptr) return home / usual_path(k, on);
  std::filesystem::path const where = all.find(place->variable)->second;
  return place->path.empty() ? where : where / place->path;
}

bool is_beside(other_place const& other) {
  return other.path.find('/') == std::string_view::npos;
}

}  // namespace

std::span<kind const> kinds() {
  static std::vector<kind> const all = make_kinds();
  return all;
}

result<kind const*> find_kind(std::string_view name) {
  auto const all = kinds();
  auto const found = std::find_if(all.begin(), all.end(), [&](auto& k) { return k.name == name; });
  if (found != all.end()) return &*found;
  std::string names;
  for (auto const& k : all) names += (names.empty() ? "" : ", ") + std::string(k.name);
  return fail(errc::invalid_argument, fmt::format("no client is called '{}'", name),
              fmt::format("the clients are: {}", names));
}

std::vector<std::string_view> place_variables() {
  std::vector<std::string_view> names;
  for (auto const& k : kinds())
    for (auto const& one : k.moved_by)
      if (std::find(names.begin(), names.end(), one.variable) == names.end())
        names.push_back(one.variable);
  return names;
}

std::filesystem::path config_file(kind const& k, std::filesystem::path const& home, platform on,
                                  places const& moved) {
  auto const file = usual_file(k, home, on, moved);
  auto const* const place = moved_in(k, on, moved);
  if (place != nullptr && place->path.empty()) return file;
  std::error_code ignored;
  for (auto const& other : k.others) {
    auto const there = is_beside(other) ? file.parent_path() / other.path : home / other.path;
    if (!std::filesystem::exists(there, ignored)) continue;
    if (other.is_first || !std::filesystem::exists(file, ignored)) return there;
  }
  return file;
}

bool is_installed(kind const& k, std::filesystem::path const& home, platform on,
                  places const& moved) {
  std::error_code ignored;
  auto const file = usual_file(k, home, on, moved);
  if (k.installed_by_file) return std::filesystem::is_regular_file(file, ignored);
  auto const has_folder = [&](std::filesystem::path const& path) {
    return std::filesystem::is_directory(path.parent_path(), ignored);
  };
  return has_folder(file) || std::any_of(k.others.begin(), k.others.end(), [&](auto const& other) {
           return !is_beside(other) && has_folder(home / other.path);
         });
}

}  // namespace thv::clients
