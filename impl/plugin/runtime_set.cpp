// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <mutex>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include <thv/config/paths.hpp>
#include <thv/config/values.hpp>
#include <thv/plugin/host.hpp>
#include <thv/registry/suggest.hpp>

#include "describe.hpp"

namespace thv::plugin {
namespace {

/// A runtime's place in the order of preference, by its plugin. Tables of plugins that are not ours
/// come before the bare host; such plugins without a table come last.
int rank_of(std::string_view plugin, bool has_table) {
  if (plugin == "docker") return 0;
  if (plugin == "podman") return 1;
  if (plugin == "process") return 3;
  if (plugin == "remote") return 4;
  return has_table ? 2 : 5;
}

}  // namespace

struct runtime_set::state {
  struct slot {
    std::mutex mutex;
    std::optional<result<std::shared_ptr<runtime>>> made;
  };

  state(config::configuration c, host_options o)
      : configuration(std::move(c)), options(std::move(o)), host(options.plugin_folders) {}

  [[nodiscard]] bool knows(std::string const& name) const {
    return configuration.runtimes.contains(name) || host.has(name);
  }

  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] std::string plugin_of(std::string const& name) const;
  [[nodiscard]] error unknown(std::string const& name) const;
  [[nodiscard]] result<host_context> context_of(std::string const& name) const;
  [[nodiscard]] result<std::shared_ptr<runtime>> make(std::string const& name);
  [[nodiscard]] result<std::shared_ptr<runtime>> get(std::string const& name);

  config::configuration configuration;
  host_options options;
  plugin_host host;
  std::mutex slots_mutex;
  std::map<std::string, slot> slots;
};

std::vector<std::string> runtime_set::state::names() const {
  struct candidate {
    int rank;
    std::string name;
    auto operator<=>(candidate const&) const = default;
  };
  std::vector<candidate> candidates;
  std::vector<std::string> used;
  for (auto const& [name, table] : configuration.runtimes) {
    candidates.push_back({rank_of(table.plugin, true), name});
    used.push_back(table.plugin);
  }
  for (auto const& plugin : host.found()) {
    bool const has_table = std::find(used.begin(), used.end(), plugin.name) != used.end();
    if (!has_table && !configuration.runtimes.contains(plugin.name))
      candidates.push_back({rank_of(plugin.name, false), plugin.name});
  }
  std::sort(candidates.begin(), candidates.end());
  auto const& first = configuration.default_runtime;
  std::vector<std::string> all;
  if (!first.empty()) all.push_back(first);
  for (auto& c : candidates)
    if (c.name != first) all.push_back(std::move(c.name));
  return all;
}

std::string runtime_set::state::plugin_of(std::string const& name) const {
  auto const table = configuration.runtimes.find(name);
  return table == configuration.runtimes.end() ? name : table->second.plugin;
}

error runtime_set::state::unknown(std::string const& name) const {
  std::vector<std::string> known;
  std::string list;
  for (auto const& candidate : names()) {
    if (!knows(candidate)) continue;  // a mistyped default_runtime
    known.push_back(candidate);
    list += (list.empty() ? "" : ", ") + candidate;
  }
  auto message = fmt::format("no runtime '{}'", name);
  if (auto const guess = registry::nearest(name, known))
    message += fmt::format("; did you mean '{}'?", *guess);
  bool const is_default = name == configuration.default_runtime;
  return fail(errc::not_found, std::move(message),
              list.empty() ? "there is no runtime plugin at all; see --plugin-dir and "
                             "THV_PLUGIN_PATH"
                           : "known runtimes: " + list,
              is_default ? configuration.default_runtime_where : "");
}

result<host_context> runtime_set::state::context_of(std::string const& name) const {
  host_context context;
  context.runtime_name = name;
  context.store = options.store;
  context.log = options.log;
  if (options.state_directory.empty() || options.cache_directory.empty())
    return fail(errc::invalid_argument, "a runtime_set needs a state and a cache directory");
  auto const state_folder = std::filesystem::absolute(options.state_directory) / "runtimes" / name;
  auto const cache_folder = std::filesystem::absolute(options.cache_directory) / "runtimes" / name;
  THV_CHECK(config::make_private_directory(state_folder));
  THV_CHECK(config::make_private_directory(cache_folder));
  context.state_directory = state_folder.string();
  context.cache_directory = cache_folder.string();
  if (auto const table = configuration.runtimes.find(name); table != configuration.runtimes.end())
    context.settings = table->second.settings;
  return context;
}

result<std::shared_ptr<runtime>> runtime_set::state::make(std::string const& name) {
  auto const table = configuration.runtimes.find(name);
  auto const with_place = [&](error e) {
    if (table == configuration.runtimes.end()) return e;
    e.message =
        fmt::format("runtime '{}': {}", name,
                    e.where.empty() ? e.message : fmt::format("{}: {}", e.where, e.message));
    e.where = table->second.where;
    return e;
  };
  auto loaded = host.load(plugin_of(name));
  if (!loaded) return with_place(std::move(loaded).error());
  THV_TRY(auto context, context_of(name));
  auto made = loaded->create(context);
  if (!made) return with_place(std::move(made).error());
  return made;
}

result<std::shared_ptr<runtime>> runtime_set::state::get(std::string const& name) {
  if (!config::check_runtime_name(name) || !knows(name)) return unknown(name);
  slot* own = nullptr;
  {
    std::lock_guard const lock(slots_mutex);
    own = &slots[name];
  }
  std::lock_guard const lock(own->mutex);
  if (!own->made) own->made = make(name);
  return *own->made;
}

runtime_set::runtime_set(config::configuration configuration, host_options options)
    : state_(std::make_unique<state>(std::move(configuration), std::move(options))) {}
runtime_set::~runtime_set() = default;
runtime_set::runtime_set(runtime_set&&) noexcept = default;
runtime_set& runtime_set::operator=(runtime_set&&) noexcept = default;

std::vector<std::string> runtime_set::names() const {
  return state_->names();
}

result<runtime*> runtime_set::get(std::string const& name) {
  auto made = state_->get(name);
  if (!made) return std::move(made).error();
  return made->get();
}

std::string runtime_set::plugin_of(std::string const& name) const {
  return state_->plugin_of(name);
}

plugin_host& runtime_set::host() noexcept {
  return state_->host;
}

std::vector<runtime_description> runtime_set::describe(std::chrono::milliseconds patience) {
  std::vector<runtime_description> lines;
  std::vector<question> questions;
  for (auto const& name : names()) {
    runtime_description line;
    line.name = name;
    line.plugin = plugin_of(name);
    for (auto const& plugin : state_->host.found())
      if (plugin.name == line.plugin) line.path = plugin.path.string();
    if (!line.path.empty())
      if (auto loaded = state_->host.load(line.plugin))
        line.version = loaded->description().version;
    lines.push_back(std::move(line));
    questions.push_back([this, name] { return state_->get(name); });
  }
  auto answers = ask_all(questions, patience);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (answers[i]) {
      lines[i].answers = true;
      lines[i].identity = *std::move(answers[i]);
    } else {
      lines[i].reason = to_string(answers[i].error());
    }
  }
  return lines;
}

}  // namespace thv::plugin
