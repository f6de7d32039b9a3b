// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <thv/config/environment.hpp>
#include <thv/error.hpp>

namespace thv::config {

/// `[runtimes.NAME]`: a named instance of a plugin.
struct runtime_table {
  std::string plugin;  ///< NAME itself where the table does not say
  /// All other keys, for the plugin to judge; numbers and booleans as text.
  std::map<std::string, std::string> settings;
  std::string where;  ///< `file:line:column` of the table

  friend bool operator==(runtime_table const&, runtime_table const&) = default;
};

/// `[groups.NAME]`: what differs for the members of one group.
struct group_table {
  std::optional<std::string> runtime;                ///< for members that name none
  std::optional<std::chrono::milliseconds> timeout;  ///< instead of `deploy.timeout`
  std::optional<int> parallel;                       ///< instead of `deploy.parallel`
  bool autostart = false;                            ///< its members return after a reboot

  friend bool operator==(group_table const&, group_table const&) = default;
};

/// `[gateway]`: the process that serves all members over MCP.
struct gateway_table {
  std::string host = "127.0.0.1";  ///< of `listen`
  std::uint16_t port = 4483;       ///< of `listen`; 0: any
  std::string token;               ///< clients must send it; empty: see `token_file`
  std::string token_file;          ///< absolute path of a file that holds it; empty: no token
  bool json_log = false;           ///< `log_format = "json"`
  std::vector<std::string> allowed_origins;  ///< beside loopback ones
  std::vector<std::string> allowed_hosts;    ///< likewise
  std::string where;                         ///< `file:line:column` of the table

  friend bool operator==(gateway_table const&, gateway_table const&) = default;
};

/// `[secrets]`: where the values of secrets come from (docs/secrets.md).
struct secrets_table {
  std::string provider;        ///< `encrypted` or `environment`; empty: encrypted once set up
  std::string provider_where;  ///< `file:line:column`, or the variable's name
  std::string key_file;        ///< absolute path of the key file; empty: as set up

  friend bool operator==(secrets_table const&, secrets_table const&) = default;
};

/// The whole configuration, with defaults (docs/configuration.md).
struct configuration {
  std::string default_runtime;        ///< empty: the first that answers
  std::string default_runtime_where;  ///< `file:line:column`, or the variable's name
  std::map<std::string, runtime_table> runtimes;
  std::vector<std::string> registry_sources;
  bool auto_create = true;  ///< `[group_defaults]`
  std::map<std::string, group_table> groups;
  int deploy_parallel = 8;  ///< 1 to 64
  std::chrono::milliseconds deploy_timeout = std::chrono::seconds(120);
  gateway_table gateway;
  secrets_table secrets;

  friend bool operator==(configuration const&, configuration const&) = default;
};

/// Reads a document; `origin` is the file's name for messages. errc::invalid_argument with
/// `origin:line:column`; an unknown key is an error that names the nearest known one.
[[nodiscard]] result<configuration> parse(std::string_view text, std::string const& origin);

/// Puts the variables THV_DEFAULT_RUNTIME, THV_REGISTRY, THV_AUTO_CREATE, THV_DEPLOY_PARALLEL,
/// THV_DEPLOY_TIMEOUT, THV_SECRETS_PROVIDER and THV_SECRETS_KEY_FILE over `c`.
/// errc::invalid_argument with the variable's name.
[[nodiscard]] result<void> apply_environment(configuration& c, environment const& variables);

/// The configuration of this user: `file` (the flag `--config`) or THV_CONFIG, which must exist,
/// else `config.toml` in the user's folder, which need not; then the environment over it.
[[nodiscard]] result<configuration> load(std::optional<std::filesystem::path> const& file = {},
                                         environment const& variables = process_environment());

}  // namespace thv::config
