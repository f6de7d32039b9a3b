// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <thv/plugin/adapter.hpp>

#include "common/secret_files.hpp"
#include "docker/api.hpp"

namespace thv::docker {

/// Workloads as containers of a Docker engine, spoken to through its API. A plain class as
/// plugin::runtime_class wants it; what the verbs promise is said in thv/plugin/runtime.hpp.
/// [thread-safe]
class driver {
 public:
  /// errc::invalid_argument for settings that cannot be; the engine is not asked yet.
  static result<std::unique_ptr<driver>> create(plugin::host_context const& host);

  driver(plugin::host_context host, settings s)
      : host_(std::move(host)), api_(std::move(s)), files_(host_.store, host_.runtime_name) {}

  result<plugin::fingerprint> identify(plugin::call const& c);
  result<void> prepare(plugin::call const& c, plugin::workload_spec const& spec);
  result<plugin::instance> deploy(plugin::call const& c, plugin::workload_spec const& spec);
  result<plugin::instance> start(plugin::call const& c, std::string const& id);
  result<void> stop(plugin::call const& c, std::string const& id);
  result<void> remove(plugin::call const& c, std::string const& id);
  result<plugin::instance> inspect(plugin::call const& c, std::string const& id);
  result<std::vector<plugin::instance>> list(plugin::call const& c);
  result<void> logs(plugin::call const& c, std::string const& id,
                    plugin::log_options const& options, plugin::log_sink const& sink);
  result<void> watch(plugin::call const& c, plugin::event_sink const& sink);
  result<plugin::stream> attach(plugin::call const& c, std::string const& id);
  result<plugin::endpoint> where(plugin::call const& c, std::string const& id);

 private:
  /// The container, if it is ours to touch; errc::conflict if it is not.
  result<container> ours(plugin::call const& c, std::string const& id);
  result<void> pull(plugin::call const& c, std::string const& image);
  result<bool> has_image(plugin::call const& c, std::string const& image);
  result<port_plan> plan_ports(plugin::call const& c, plugin::workload_spec const& spec);
  [[nodiscard]] std::string lock_path(std::string const& id) const;

  // secrets.cpp
  [[nodiscard]] result<void> can_give_files() const;
  result<common::secret_files::placed> place_files(plugin::call const& c,
                                                   plugin::workload_spec const& spec,
                                                   std::string const& nonce);
  [[nodiscard]] result<void> check_files(container const& found) const;
  void remove_leftovers(plugin::call const& c);

  plugin::host_context host_;
  api api_;
  common::secret_files files_;
};

static_assert(plugin::runtime_class<driver>);

}  // namespace thv::docker
