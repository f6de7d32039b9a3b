// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>
#include <thv/store/records.hpp>

namespace thv::store {

/// Held while a group is being changed; released when destroyed (also by the death of the process).
class group_lock {
 public:
  group_lock() = default;
  explicit group_lock(std::shared_ptr<void> held) : held_(std::move(held)) {}

 private:
  std::shared_ptr<void> held_;
};

/// Where the state lives. Every function is one short transaction, safe to call from several
/// threads and, for a persistent store, from several processes at once. The group `default` exists
/// always and cannot be removed. Errors: errc::io (disk full, missing folder), errc::corrupt,
/// errc::timeout (another process keeps the database busy for longer than 10 s).
template <class S>
concept state_store = requires(S& s, S const& cs, std::string const& name,
                               workload_record const& workload, change_set const& changes,
                               operation_record const& operation, intent_record const& intent,
                               std::vector<workload_record> const& reserve,
                               std::vector<intent_record> const& intents, std::int64_t id,
                               plugin::call const& c, group_record const& group,
                               catalogue_record const& catalogue) {
  /// Random, made with the store: 32 hexadecimal digits.
  { cs.id() } -> std::convertible_to<std::string>;
  /// Lower-case hexadecimal HMAC-SHA-256 of `text` under the installation's key.
  { cs.keyed_hash(std::string_view{}) } -> std::same_as<std::string>;

  { s.groups() } -> std::same_as<result<std::vector<group_record>>>;  // by name
  { s.group(name) } -> std::same_as<result<std::optional<group_record>>>;
  { s.workloads() } -> std::same_as<result<std::vector<workload_record>>>;  // by name
  /// The members of a group, by name; none if there is no such group.
  { s.workloads_of(name) } -> std::same_as<result<std::vector<workload_record>>>;
  { s.workload(name) } -> std::same_as<result<std::optional<workload_record>>>;

  /// errc::already_exists if there is one of that name.
  { s.create_group(group) } -> std::same_as<result<void>>;
  /// All or nothing.
  { s.apply(changes) } -> std::same_as<result<void>>;
  /// Replaces the stored session facts (session_key, initialize_result, tools, readiness) only.
  { s.put_session(workload) } -> std::same_as<result<void>>;
  /// Catalogues by workload, of those that have one. They go with their workload.
  { s.catalogues() } -> std::same_as<result<std::map<std::string, catalogue_record>>>;
  /// Replaces a workload's catalogue. errc::not_found if there is no such workload.
  { s.put_catalogue(name, catalogue) } -> std::same_as<result<void>>;
  /// errc::not_found (no such workload, no such target group) or errc::conflict (it is not in
  /// `from`; it is reserved or being removed).
  { s.move_workload(name, name, name) } -> std::same_as<result<void>>;

  /// One transaction: creates `created_groups` (those that exist already are not kept as created),
  /// inserts the operation, reserves the names (errc::already_exists naming the first taken one and
  /// its group), inserts the intents. Returns the operation's id.
  { s.begin(operation, reserve, intents) } -> std::same_as<result<std::int64_t>>;
  /// The intents of an operation, in the order inserted.
  { s.intents(id) } -> std::same_as<result<std::vector<intent_record>>>;
  /// Stores `instance` and `done` of an intent (by its id).
  { s.update_intent(intent) } -> std::same_as<result<void>>;
  /// One transaction: applies the changes and marks the operation committed. errc::not_found, here
  /// and in `end`, if it is not open any more: somebody else has finished or undone it.
  { s.commit(id, changes) } -> std::same_as<result<void>>;
  /// One transaction: applies the changes, frees the names that the operation has reserved and
  /// that were not put since, and removes the operation with its intents.
  { s.end(id, changes) } -> std::same_as<result<void>>;
  /// Operations not yet ended, oldest first: in flight in some process, or crashed.
  { s.open_operations() } -> std::same_as<result<std::vector<operation_record>>>;

  /// Waits for the group's lock until the call's deadline (errc::timeout, naming the holder's pid
  /// where known) or cancellation. Tells c.progress once when it has to wait.
  { s.lock_group(c, name) } -> std::same_as<result<group_lock>>;
};

}  // namespace thv::store
