// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include <thv/plugin/host.hpp>
#include <thv/registry/suggest.hpp>

namespace thv::plugin {
namespace {

std::string joined(std::vector<std::string> const& words) {
  std::string text;
  for (auto const& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "none" : text;
}

/// A plugin is known by its file's name before it is loaded, so both must agree.
result<library> load_named(found_plugin const& plugin) {
  THV_TRY(auto loaded, library::load(plugin.path));
  std::string const own_name = loaded.description().name;
  if (own_name == plugin.name) return loaded;
  return fail(errc::corrupt, fmt::format("the plugin in this file is named '{}'", own_name),
              fmt::format("rename the file to {}.so", own_name), plugin.path.string());
}

}  // namespace

struct plugin_host::state {
  struct slot {
    std::mutex mutex;
    std::optional<result<library>> loaded;
  };

  std::vector<std::filesystem::path> folders;
  std::once_flag scanned;
  std::vector<found_plugin> plugins;
  std::map<std::string, slot, std::less<>> slots;  // one for each plugin, made by the scan
};

plugin_host::plugin_host(std::vector<std::filesystem::path> folders)
    : state_(std::make_unique<state>()) {
  state_->folders = std::move(folders);
}

plugin_host::~plugin_host() = default;

std::vector<found_plugin> const& plugin_host::found() const {
  std::call_once(state_->scanned, [&] {
    state_->plugins = scan_plugins(state_->folders);
    for (auto const& plugin : state_->plugins) state_->slots[plugin.name];
  });
  return state_->plugins;
}

bool plugin_host::has(std::string_view name) const {
  auto const& plugins = found();
  return std::any_of(plugins.begin(), plugins.end(),
                     [&](found_plugin const& p) { return p.name == name; });
}

result<library> plugin_host::load(std::string const& name) {
  auto const& plugins = found();
  auto const plugin = std::find_if(plugins.begin(), plugins.end(),
                                   [&](found_plugin const& p) { return p.name == name; });
  if (plugin == plugins.end()) {
    std::vector<std::string> names, folders;
    for (auto const& p : plugins) names.push_back(p.name);
    for (auto const& folder : state_->folders) folders.push_back(folder.string());
    auto message = fmt::format("the plugin '{}' is not installed", name);
    if (auto const guess = registry::nearest(name, names))
      message += fmt::format("; did you mean '{}'?", *guess);
    return fail(errc::not_found, std::move(message),
                fmt::format("plugins found: {}; looked into: {}", joined(names), joined(folders)));
  }
  auto& slot = state_->slots.find(name)->second;
  std::lock_guard const lock(slot.mutex);
  if (!slot.loaded) slot.loaded = load_named(*plugin);
  return *slot.loaded;
}

}  // namespace thv::plugin
