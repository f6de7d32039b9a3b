// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>
#include <thv/store/records.hpp>
#include <thv/store/store.hpp>

namespace thv::store {

/// How a `sqlite_store` is opened.
struct sqlite_options {
  /// Folder that holds `state.db`, `identity` and `locks/`; made (mode 0700) where it is missing.
  std::filesystem::path state_directory;
  /// For commands that only report: nothing is created or changed, functions that change something
  /// fail with errc::unsupported. A folder without a database reads as an empty store.
  bool read_only = false;
  /// Milliseconds since 1970; empty: the system's clock.
  std::function<std::int64_t()> now{};
  /// How long another process may keep the database busy before errc::timeout.
  std::chrono::milliseconds busy_timeout = std::chrono::seconds(10);
};

/// The state in one SQLite database, shared by any number of processes and threads. A
/// `state_store`.
///
/// Lost power loses no commit of begin, commit, end, apply, create_group and move_workload, so no
/// instance is made whose intent is unknown afterwards; the last update_intent, put_session or
/// put_catalogue may be lost, from which recovery works. A killed process loses nothing at all.
///
/// Where the record of a group or a workload has `created_at` 0, the time of the first change is
/// stored; `updated_at` is the time of the last put or move, whatever the record said.
/// `config.name` and `config.group` always equal the record's.
class sqlite_store {
 public:
  /// errc::corrupt: `state.db` or `identity` is damaged (hint: `set_aside`). errc::unsupported: a
  /// newer thv-engine wrote it. errc::io, errc::permission_denied: with the path.
  static result<sqlite_store> open(sqlite_options options);

  /// Moves a damaged database with its companions to `state.db.corrupt-<time>`, so that the next
  /// `open` starts an empty one that `needs_rebuild`. Returns where it went; nullopt if it is sound
  /// or gone, since another process was first: just open again. Deletes nothing. Let go of every
  /// `sqlite_store` on it before.
  static result<std::optional<std::filesystem::path>> set_aside(
      std::filesystem::path const& state_directory);

  sqlite_store(sqlite_store&&) noexcept;
  sqlite_store& operator=(sqlite_store&&) noexcept;
  ~sqlite_store();

  /// The database was lost or set aside, and this one was made empty in its place: rebuild it from
  /// what the runtimes hold. True in every process until `rebuilt` was called.
  [[nodiscard]] bool needs_rebuild() const;
  result<void> rebuilt();

  [[nodiscard]] std::filesystem::path const& state_directory() const;
  [[nodiscard]] std::string id() const;
  [[nodiscard]] std::string keyed_hash(std::string_view text) const;

  result<std::vector<group_record>> groups();
  result<std::optional<group_record>> group(std::string const& name);
  result<std::vector<workload_record>> workloads();
  result<std::vector<workload_record>> workloads_of(std::string const& group);
  result<std::optional<workload_record>> workload(std::string const& name);

  result<void> create_group(group_record const& group);
  result<void> apply(change_set const& changes);
  result<void> put_session(workload_record const& workload);
  result<std::map<std::string, catalogue_record>> catalogues();
  result<void> put_catalogue(std::string const& name, catalogue_record const& catalogue);
  result<void> move_workload(std::string const& name, std::string const& from,
                             std::string const& to);

  result<std::int64_t> begin(operation_record const& operation,
                             std::vector<workload_record> const& reserve,
                             std::vector<intent_record> const& intents);
  result<std::vector<intent_record>> intents(std::int64_t operation);
  result<void> update_intent(intent_record const& intent);
  result<void> commit(std::int64_t operation, change_set const& changes);
  result<void> end(std::int64_t operation, change_set const& changes);
  result<std::vector<operation_record>> open_operations();

  /// By the kernel's file locks: the death of the holder releases it.
  result<group_lock> lock_group(plugin::call const& c, std::string const& name);

 private:
  class state;
  explicit sqlite_store(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

static_assert(state_store<sqlite_store>);

}  // namespace thv::store
