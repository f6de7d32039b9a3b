// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <thv/config/config.hpp>
#include <thv/error.hpp>
#include <thv/plugin/collection.hpp>
#include <thv/plugin/loader.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::plugin {

/// Finds plugins and loads each at most once, when it is first asked for. Thread-safe.
class plugin_host {
 public:
  /// Looks into `folders`, in this order (see `plugin_search_path`), on first use.
  explicit plugin_host(std::vector<std::filesystem::path> folders);
  ~plugin_host();
  plugin_host(plugin_host const&) = delete;
  plugin_host& operator=(plugin_host const&) = delete;

  /// The plugins there are, sorted by name. Loads none.
  [[nodiscard]] std::vector<found_plugin> const& found() const;
  /// Is there a plugin of that name?
  [[nodiscard]] bool has(std::string_view name) const;
  /// Loads a plugin; failures are kept too. errc::not_found naming the plugins there are and the
  /// folders looked into; errc::corrupt for a file that is not named after its plugin; else as
  /// `library::load`.
  [[nodiscard]] result<library> load(std::string const& name);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// What a `runtime_set` needs besides the configuration.
struct host_options {
  /// Where plugins are looked for. `--plugin-dir D` is `plugin_search_path({D})`.
  std::vector<std::filesystem::path> plugin_folders = plugin_search_path();
  /// The engine's folders, both needed; a runtime gets `runtimes/NAME` in each, made with mode
  /// 0700, as an absolute path.
  std::filesystem::path state_directory;
  std::filesystem::path cache_directory;
  std::string store;  ///< id of the store
  std::function<void(std::string_view)> log;
};

/// One line of `runtime list`.
struct runtime_description {
  std::string name;
  std::string plugin;
  std::string path;     ///< of the plugin; empty when it was not found
  std::string version;  ///< of the plugin; empty when it could not be loaded
  bool answers = false;
  std::string reason;  ///< why it does not answer
  std::optional<fingerprint> identity;
};

/// The runtimes of an engine: the `[runtimes.NAME]` tables of the configuration, and every plugin
/// under its own name without a table. Thread-safe.
class runtime_set {
 public:
  runtime_set(config::configuration configuration, host_options options);
  ~runtime_set();
  runtime_set(runtime_set&&) noexcept;
  runtime_set& operator=(runtime_set&&) noexcept;

  /// In order of preference: `default_runtime`, then docker, podman, other tables, process, remote,
  /// and plugins that nobody configured. A plugin that a table uses is not listed under its own
  /// name again (though `get` knows it).
  [[nodiscard]] std::vector<std::string> names() const;

  /// Makes the runtime when it is first asked for; a failure is kept too. The pointer lives as long
  /// as the set. errc::not_found for an unknown name or a plugin that is not installed.
  [[nodiscard]] result<runtime*> get(std::string const& name);

  /// Name of the plugin behind a runtime's name (the same where there is no table).
  [[nodiscard]] std::string plugin_of(std::string const& name) const;

  /// Asks every runtime who it is, all at once, each for at most `patience`.
  [[nodiscard]] std::vector<runtime_description> describe(
      std::chrono::milliseconds patience = std::chrono::seconds(2));

  [[nodiscard]] plugin_host& host() noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

static_assert(runtime_collection<runtime_set>);

}  // namespace thv::plugin
