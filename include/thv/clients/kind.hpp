// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>

// The MCP clients whose configuration files we write (ToolHive's table, reference §7).
namespace thv::clients {

enum class platform { linux_, macos, windows };

/// How a file holds its servers. `toml_tables`: `[mcp_servers.NAME]`. `toml_array`: an array of
/// tables, each with its `name`. `yaml_list`: a sequence of maps, each with its `name`.
/// `yaml_map`: a map by name.
enum class file_format { json, toml_tables, toml_array, yaml_list, yaml_map };

/// A key with its fixed value that goes into every entry: a JSON literal (`true`, `60`, `""`).
struct fixed_key {
  std::string_view key;
  std::string_view json;
};

/// A variable of the environment by which a user tells a client to keep its file elsewhere.
struct relocation {
  std::string_view variable;  ///< `CODEX_HOME`
  std::string_view path;      ///< of the file below it; empty: the variable names the file itself
};

/// Another place where a client may have its file.
struct other_place {
  std::string_view path;  ///< a name beside the usual file, or a path below the home folder
  bool is_first = false;  ///< it counts also where the usual file exists
};

/// One kind of client: where its file lies and what it wants to read there.
struct kind {
  std::string_view name;   ///< as on the command line: `claude-code`
  std::string_view title;  ///< for people: `Claude Code`
  file_format format;
  std::vector<std::string_view> container;  ///< keys from the root to the servers
  std::string_view url_key;                 ///< of a Streamable HTTP server
  std::string_view type_key;                ///< `type`, `transport`; empty: none is written
  std::string_view type_value;              ///< of a Streamable HTTP server
  std::string_view headers_key;             ///< of the map of HTTP headers; empty: it can send none
  std::string_view headers_parent;          ///< the map around it (Continue); empty: the entry
  std::vector<fixed_key> fixed;
  std::string_view preamble;         ///< what a file that we make has to hold besides the entries
  std::string_view linux_path;       ///< of the file below the home folder
  std::string_view macos_path;       ///< likewise
  std::string_view windows_path;     ///< likewise
  std::vector<relocation> moved_by;  ///< the first that is set counts
  std::vector<other_place> others;   ///< the first that exists counts
  bool installed_by_file = false;  ///< the file itself, not its folder, shows that it is installed
  std::string_view deprecated;     ///< what to use instead; empty: it is current
};

/// All kinds, by name.
[[nodiscard]] std::span<kind const> kinds();

/// errc::invalid_argument with all names for an unknown one.
[[nodiscard]] result<kind const*> find_kind(std::string_view name);

/// Those variables of the environment that say where clients have their files, with their values.
/// Only absolute paths count, since others mean something else in each folder.
using places = std::map<std::string, std::string, std::less<>>;

/// The names that count in `places`.
[[nodiscard]] std::vector<std::string_view> place_variables();

/// Where the client of this user has its servers. Looks which files exist, where it may have them
/// in several places.
[[nodiscard]] std::filesystem::path config_file(kind const& k, std::filesystem::path const& home,
                                                platform on = platform::linux_,
                                                places const& moved = {});

/// Does the file, or its folder, exist? (`kind::installed_by_file`)
[[nodiscard]] bool is_installed(kind const& k, std::filesystem::path const& home,
                                platform on = platform::linux_, places const& moved = {});

}  // namespace thv::clients
