// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <common/secret_files.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <process/children.hpp>
#include <process/program.hpp>
#include <process/settings.hpp>
#include <process/state.hpp>
#include <string>
#include <vector>

#include <thv/plugin/runtime.hpp>

namespace thv::process {

/// The process runtime: members as processes of this user, each with a session of its own. No
/// process of ours stands beside them; they go on when this one ends. See docs/runtimes/process.md
/// for the files, and for what `start` can't do: values of secrets are on no disk, so a stopped
/// instance that has secrets is started again only by the runtime object that deployed or stopped
/// it (or by any while its secrets are files that are still there), and otherwise errc::unsupported
/// asks the engine to deploy it anew. [thread-safe]
class driver {
 public:
  static result<std::unique_ptr<driver>> create(plugin::host_context const& host);

  result<plugin::fingerprint> identify(plugin::call const& c);
  result<void> prepare(plugin::call const& c, plugin::workload_spec const& spec);
  result<plugin::instance> deploy(plugin::call const& c, plugin::workload_spec const& spec);
  result<plugin::instance> start(plugin::call const& c, std::string const& id);
  result<void> stop(plugin::call const& c, std::string const& id);
  result<void> remove(plugin::call const& c, std::string const& id);
  result<plugin::instance> inspect(plugin::call const& c, std::string const& id);
  result<std::vector<plugin::instance>> list(plugin::call const& c);
  result<void> logs(plugin::call const& c, std::string const& id,
                    plugin::log_options const& options,
                    std::function<bool(std::string_view)> const& sink);
  result<void> watch(plugin::call const& c, std::function<bool(plugin::event const&)> const& sink);
  result<plugin::stream> attach(plugin::call const& c, std::string const& id);
  result<plugin::endpoint> where(plugin::call const& c, std::string const& id);

 private:
  /// What an instance is given, with the values of secrets, which no disk holds.
  struct member_values {
    environment_map environment;
    common::secret_values files;
  };

  /// What `watch` compares to see a change.
  struct seen {
    std::string workload;
    identity who;
    bool running = false;
    bool wanted = true;
    std::optional<int> exit_code;
  };

  driver(plugin::host_context const& host, settings chosen);

  install_context installer() const;

  // driver_start.cpp
  result<record> reserve(plugin::call const& c, plugin::workload_spec const& spec);
  result<void> check_name(plugin::workload_spec const& spec);
  result<std::uint16_t> choose_port(plugin::workload_spec const& spec);
  result<void> launch_member(record& r, member_values const& values, program_line const& line);
  result<void> execute_member(record& r, environment_map const& values, program_line const& line);
  result<void> displace(plugin::call const& c, std::string const& id, std::string const& by);
  void remember_secrets(record const& r);
  result<record> start_locked(plugin::call const& c, record r);
  result<void> take_name(plugin::call const& c, record& r);
  result<member_values> full_values(record const& r);
  void forget_secrets(std::string const& id);
  void remove_leftovers();
  void undo(std::string const& id, std::string const& replaced);

  // view.cpp
  identity find_process(record const& r);
  bool note_exit(record& r);
  void write_exit(record const& r);
  plugin::instance to_instance(record const& r,
                               std::vector<process_entry> const* processes = nullptr);
  plugin::instance unreadable(std::string const& id, error const& failure) const;
  plugin::instance orphan(std::vector<process_entry> const& entries) const;
  std::optional<plugin::instance> find_orphan(std::string const& id) const;
  std::vector<std::string> notes(record const& r, identity const& who,
                                 std::vector<process_entry> const* processes);
  error not_running(record& r);
  result<void> stop_process(plugin::call const& c, record& r);
  result<void> stop_orphan(plugin::call const& c, std::string const& id);

  // watch.cpp
  std::map<std::string, seen> snapshot();
  bool tell_changes(std::map<std::string, seen> const& before,
                    std::map<std::string, seen> const& after,
                    std::function<bool(plugin::event const&)> const& sink);
  result<void> follow(plugin::call const& c, record const& r, int fd, std::int64_t offset,
                      std::function<bool(std::string_view)> const& sink);

  state state_;
  std::string cache_directory_;
  std::string store_;
  settings settings_;
  children children_;
  common::secret_files files_;
  std::mutex mutex_;
  std::map<std::string, member_values> secrets_;  ///< by id: what `deploy` was given
};

}  // namespace thv::process
