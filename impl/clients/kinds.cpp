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

kind claude_code() {
  auto k = json_kind("claude-code", "Claude Code", ".claude.json", "http");
  k.installed_by_file = true;
  return k;
}

kind codex() {
  auto k = in(json_kind("codex", "OpenAI Codex CLI", ".codex/config.toml", ""),
              file_format::toml_tables, "mcp_servers");
  k.headers_key = "http_headers";
  return k;
}

kind continue_dev() {
  auto k = in(json_kind("continue", "Continue", ".continue/config.yaml", "streamable-http"),
              file_format::yaml_list, "mcpServers");
  k.headers_parent = "requestOptions";
  return k;
}

// Its first versions refuse an entry without `tools`.
kind copilot_cli() {
  auto k = json_kind("copilot-cli", "GitHub Copilot CLI", ".copilot/mcp-config.json", "http");
  k.fixed = {{"tools", R"(["*"])"}};
  return k;
}

kind goose() {
  auto k =
      in(json_kind("goose", "Goose", "", "streamable_http"), file_format::yaml_map, "extensions");
  k.url_key = "uri";
  k.fixed = {{"name", "\"\""}, {"enabled", "true"}, {"timeout", "60"}, {"description", "\"\""}};
  return placed(std::move(k), ".config/goose/config.yaml", ".config/goose/config.yaml",
                "AppData/Block/goose/config.yaml");
}

kind mistral_vibe() {
  auto k = in(json_kind("mistral-vibe", "Mistral Vibe", ".vibe/config.toml", "streamable-http"),
              file_format::toml_array, "mcp_servers");
  k.type_key = "transport";
  return k;
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
  return k;
}

kind cline() {
  return placed(
      json_kind("cline", "Cline (VS Code)", "", "streamableHttp"),
      ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
      "Library/Application Support/Code/User/globalStorage/saoudrizwan.claude-dev/settings/"
      "cline_mcp_settings.json",
      "AppData/Roaming/Code/User/globalStorage/saoudrizwan.claude-dev/settings/"
      "cline_mcp_settings.json");
}

// ToolHive's table, by name; where a client's own documents want more, as they say (`tools` of
// Copilot, the type of the VS Code server). The key for headers is `headers` for all whose
// documents name one, but for Codex (`http_headers`) and Continue (`requestOptions.headers`).
std::vector<kind> make_kinds() {
  return {
      contained(placed(json_kind("amp-cli", "Sourcegraph Amp CLI", "", "http"),
                       ".config/amp/settings.json", ".config/amp/settings.json",
                       "AppData/Roaming/amp/settings.json"),
                "amp.mcpServers"),
      with_url(
          json_kind("antigravity", "Google Antigravity", ".gemini/antigravity/mcp_config.json", ""),
          "serverUrl"),
      claude_code(),
      cline(),
      codex(),
      continue_dev(),
      copilot_cli(),
      json_kind("cursor", "Cursor", ".cursor/mcp.json", "http"),
      json_kind("factory", "Factory Droid CLI", ".factory/mcp.json", "http"),
      with_url(json_kind("gemini-cli", "Google Gemini CLI", ".gemini/settings.json", ""),
               "httpUrl"),
      goose(),
      json_kind("kimi-cli", "Kimi Code CLI", ".kimi/mcp.json", ""),
      json_kind("kiro", "Kiro", ".kiro/settings/mcp.json", ""),
      json_kind("lm-studio", "LM Studio", ".lmstudio/mcp.json", "http"),
      mistral_vibe(),
      contained(json_kind("opencode", "OpenCode", ".config/opencode/opencode.json", "remote"),
                "mcp"),
      placed(json_kind("qoder", "Qoder", "", "http"), ".qoder/mcp.json", ".qoder/mcp.json",
             "AppData/Roaming/Qoder/SharedClientCache/mcp.json"),
      roo_code(),
      placed(json_kind("trae", "Trae", "", ""), ".config/Trae/User/mcp.json",
             "Library/Application Support/Trae/User/mcp.json",
             "AppData/Roaming/Trae/User/mcp.json"),
      contained(
          placed(json_kind("vscode", "Visual Studio Code", "", "http"),
                 ".config/Code/User/mcp.json", "Library/Application Support/Code/User/mcp.json",
                 "AppData/Roaming/Code/User/mcp.json"),
          "servers"),
      contained(placed(json_kind("vscode-insider", "Visual Studio Code Insiders", "", "http"),
                       ".config/Code - Insiders/User/mcp.json",
                       "Library/Application Support/Code - Insiders/User/mcp.json",
                       "AppData/Roaming/Code - Insiders/User/mcp.json"),
                "servers"),
      contained(json_kind("vscode-server", "Visual Studio Code Server",
                          ".vscode-server/data/User/mcp.json", "http"),
                "servers"),
      with_url(json_kind("windsurf", "Windsurf", ".codeium/windsurf/mcp_config.json", "http"),
               "serverUrl"),
      with_url(json_kind("windsurf-jetbrains", "Windsurf for JetBrains", ".codeium/mcp_config.json",
                         "http"),
               "serverUrl"),
      contained(placed(json_kind("zed", "Zed", "", ""), ".config/zed/settings.json",
                       ".config/zed/settings.json", "AppData/Roaming/zed/settings.json"),
                "context_servers"),
  };
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

std::filesystem::path config_file(kind const& k, std::filesystem::path const& home, platform on) {
  switch (on) {
    case platform::macos:
      return home / k.macos_path;
    case platform::windows:
      return home / k.windows_path;
    case platform::linux_:
      break;
  }
  return home / k.linux_path;
}

bool is_installed(kind const& k, std::filesystem::path const& home, platform on) {
  std::error_code ignored;
  auto const file = config_file(k, home, on);
  if (k.installed_by_file) return std::filesystem::is_regular_file(file, ignored);
  return std::filesystem::is_directory(file.parent_path(), ignored);
}

}  // namespace thv::clients
