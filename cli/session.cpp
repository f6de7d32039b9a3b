// SPDX-License-Identifier: Apache-2.0
#include "session.hpp"

#include <utility>

#include <fmt/format.h>

#include <thv/gateway/revival.hpp>

#include "gateway_access.hpp"
#include "output.hpp"

namespace thv {

template class basic_engine<plugin::runtime_set, store::sqlite_store>;

}  // namespace thv

namespace thv::cli {

std::vector<flag> global_flags(global_options& into) {
  return {
      {"--config", "FILE", "read this configuration instead of the user's", &into.config,
       completes::files},
      {"--debug", "", "say more about what is done", &into.debug},
      {"--plugin-dir", "DIR", "look for runtime plugins here first", &into.plugin_folders,
       completes::files},
  };
}

result<config::configuration const*> session::configuration() {
  if (!configuration_) {
    std::optional<std::filesystem::path> file;
    if (options_.config) file = *options_.config;
    THV_TRY(configuration_, config::load(file));
  }
  return &*configuration_;
}

result<config::paths const*> session::paths() {
  if (!paths_) {
    THV_TRY(paths_, config::user_paths());
  }
  return &*paths_;
}

result<void> session::open_store(bool read_only) {
  if (store_) return {};
  THV_TRY(auto const* where, paths());
  auto opened = store::sqlite_store::open({where->state, read_only});
  if (!opened && opened.error().code == errc::corrupt && !read_only) {
    THV_TRY(auto const aside, store::sqlite_store::set_aside(where->state));
    if (aside)
      say_warning(fmt::format("{}; it was set aside as {}", to_string(opened.error()),
                              aside->filename().string()));
    opened = store::sqlite_store::open({where->state, read_only});
  }
  if (!opened) return std::move(opened).error();
  store_.emplace(*std::move(opened));
  return {};
}

result<secret_access*> session::secrets() {
  std::lock_guard const lock(secrets_mutex_);
  if (!secrets_) {
    THV_TRY(secrets_, make_secret_access(*this));
  }
  return secrets_.get();
}

result<std::string> session::secret(std::string const& name, std::string const& group) {
  THV_TRY(auto* access, secrets());
  return access->get(name, group);
}

result<engine*> session::reading_engine() {
  if (engine_) return &*engine_;
  THV_CHECK(open_store(true));
  THV_TRY(
      auto* made,
      make_engine([this](auto const& name, auto const& group) { return secret(name, group); }, {}));
  if (auto const left = made->unfinished())
    for (auto const& text : *left) say_warning(text);
  return made;
}

result<engine*> session::changing_engine() {
  THV_CHECK(open_store(false));
  auto const secrets = [this](auto const& name, auto const& group) { return secret(name, group); };
  engine_options options;
  options.probe = [this, secrets](plugin::call const& c, plugin::runtime& runtime,
                                  plugin::instance const& instance, run_config const& config,
                                  bool initialised) {
    auto const directly = [&] {
      return probe_instance(c, runtime, instance, config, initialised, secrets);
    };
    return gateway::streams(config) ? prove_beside_gateway(*this, c, instance, directly)
                                    : directly();
  };
  return make_engine(secrets, std::move(options));
}

result<engine*> session::gateway_engine(secret_source secrets) {
  THV_CHECK(open_store(false));
  return make_engine(std::move(secrets), {});
}

result<engine*> session::make_engine(secret_source secrets, engine_options options) {
  if (engine_) return &*engine_;
  THV_TRY(auto const* settings, configuration());
  THV_TRY(auto* set, runtimes());
  options.default_runtime = settings->default_runtime;
  options.auto_create = settings->auto_create;
  options.parallel = settings->deploy_parallel;
  options.timeout = settings->deploy_timeout;
  for (auto const& [name, table] : settings->runtimes) options.group_holders.push_back(name);
  engine_.emplace(*set, *store_, std::move(secrets), std::move(options));
  return &*engine_;
}

result<std::vector<store::workload_record>> session::workloads() {
  THV_CHECK(open_store(true));
  return store_->workloads();
}

result<std::vector<std::string>> session::workload_names() {
  THV_TRY(auto const records, workloads());
  std::vector<std::string> names;
  for (auto const& record : records) names.push_back(record.name);
  return names;
}

result<plugin::runtime_set*> session::runtimes() {
  if (runtimes_) return &*runtimes_;
  THV_TRY(auto const* settings, configuration());
  THV_TRY(auto const* where, paths());
  std::vector<std::filesystem::path> const first(options_.plugin_folders.begin(),
                                                 options_.plugin_folders.end());
  plugin::host_options host;
  host.plugin_folders = plugin::plugin_search_path(first);
  host.state_directory = where->state;
  host.cache_directory = where->cache;
  if (store_) host.store = store_->id();
  if (options_.debug)
    host.log = [](std::string_view text) { say(fmt::format("debug: {}\n", plain_line(text))); };
  runtimes_.emplace(*settings, std::move(host));
  return &*runtimes_;
}

}  // namespace thv::cli
