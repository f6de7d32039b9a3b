// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <remote/files.hpp>
#include <thv/plugin/adapter.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::remote {

/// MCP servers that somebody else runs, by URL. There is nothing to start: an instance is a record
/// of what was asked for, and whether it answers is found by the readiness exchange. Headers live
/// in this object alone; `where` gives those of instances that it deployed. [thread-safe]
class driver {
 public:
  /// errc::invalid_argument: the runtime has no settings.
  [[nodiscard]] static result<std::unique_ptr<driver>> create(plugin::host_context const& host);

  [[nodiscard]] result<plugin::fingerprint> identify(plugin::call const& c);
  [[nodiscard]] result<plugin::instance> deploy(plugin::call const& c,
                                                plugin::workload_spec const& spec);
  [[nodiscard]] result<plugin::instance> start(plugin::call const& c, std::string const& id);
  [[nodiscard]] result<void> stop(plugin::call const& c, std::string const& id);
  [[nodiscard]] result<void> remove(plugin::call const& c, std::string const& id);
  [[nodiscard]] result<plugin::instance> inspect(plugin::call const& c, std::string const& id);
  /// A record that cannot be read is in it with the state `error`, so that it can be removed.
  [[nodiscard]] result<std::vector<plugin::instance>> list(plugin::call const& c);
  /// errc::conflict for a stopped instance.
  [[nodiscard]] result<plugin::endpoint> where(plugin::call const& c, std::string const& id);

 private:
  explicit driver(plugin::host_context const& host);

  [[nodiscard]] result<void> refuse_held_name(plugin::workload_spec const& spec) const;
  /// Marks every other holder of the name as displaced.
  [[nodiscard]] result<void> take_name(record const& winner) const;
  [[nodiscard]] plugin::instance unreadable(std::string const& id, error const& why) const;

  record_folder records_;
  std::string store_;
  std::mutex mutex_;
  std::map<std::string, std::map<std::string, std::string>> headers_;  ///< by instance
};

static_assert(plugin::runtime_class<driver>);

}  // namespace thv::remote
