// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <thv/config/config.hpp>
#include <thv/config/paths.hpp>
#include <thv/engine.hpp>
#include <thv/plugin/host.hpp>
#include <thv/store/sqlite_store.hpp>

#include "command.hpp"
#include "secret_access.hpp"

namespace thv {

extern template class basic_engine<plugin::runtime_set, store::sqlite_store>;

}  // namespace thv

namespace thv::cli {

using engine = basic_engine<plugin::runtime_set, store::sqlite_store>;

/// Flags that every command takes.
struct global_options {
  bool debug = false;
  std::optional<std::string> config;
  std::vector<std::string> plugin_folders;
};

[[nodiscard]] std::vector<flag> global_flags(global_options& into);

/// What a command works with, each made when it is first asked for. Not thread-safe.
class session {
 public:
  session(command const& root, global_options options)
      : root_(root), options_(std::move(options)) {}

  /// All commands, for those that speak about the command line itself.
  [[nodiscard]] command const& root() const { return root_; }
  [[nodiscard]] bool debug() const { return options_.debug; }
  [[nodiscard]] global_options const& options() const { return options_; }

  [[nodiscard]] result<config::configuration const*> configuration();
  [[nodiscard]] result<config::paths const*> paths();

  /// An engine for commands that only report, which says what interrupted commands have left.
  [[nodiscard]] result<engine*> reading_engine();
  /// One for commands that change something: it sets a damaged database aside, says so, and fills a
  /// new one from what the runtimes hold.
  [[nodiscard]] result<engine*> changing_engine();

  /// The names of all workloads, without asking any runtime.
  [[nodiscard]] result<std::vector<std::string>> workload_names();

  /// All workloads as recorded, without asking any runtime.
  [[nodiscard]] result<std::vector<store::workload_record>> workloads();

  /// The runtimes, whatever state the store is in.
  [[nodiscard]] result<plugin::runtime_set*> runtimes();

  /// The state, once an engine was made.
  [[nodiscard]] store::sqlite_store& store() { return *store_; }

  /// The secrets, as configured; made on the first call. [thread-safe]
  [[nodiscard]] result<secret_access*> secrets();
  /// Takes these instead. Before anything asked for a secret.
  void use_secrets(std::unique_ptr<secret_access> access) { secrets_ = std::move(access); }
  /// The value of a secret for a member of a group. [thread-safe]
  [[nodiscard]] result<std::string> secret(std::string const& name, std::string const& group);

  /// An engine for the gateway: secrets come from `secrets`, and it proves members itself.
  [[nodiscard]] result<engine*> gateway_engine(secret_source secrets);

 private:
  result<void> open_store(bool read_only);
  result<engine*> make_engine(secret_source secrets, engine_options options);

  command const& root_;
  global_options options_;
  std::optional<config::configuration> configuration_;
  std::optional<config::paths> paths_;
  std::optional<store::sqlite_store> store_;
  std::optional<plugin::runtime_set> runtimes_;
  std::mutex secrets_mutex_;
  std::unique_ptr<secret_access> secrets_;
  std::optional<engine> engine_;
};

}  // namespace thv::cli
