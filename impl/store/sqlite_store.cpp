// SPDX-License-Identifier: Apache-2.0
#include <thv/store/sqlite_store.hpp>

#include <fcntl.h>
#include <fmt/format.h>

#include <chrono>
#include <thv/store/keyed_hash.hpp>
#include <thv/store/messages.hpp>

#include "file.hpp"
#include "lock.hpp"
#include "rows.hpp"
#include "schema.hpp"
#include "sqlite_state.hpp"

namespace thv::store {

using detail::durability;

std::int64_t system_time() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::int64_t sqlite_store::state::now() const {
  return options.now ? options.now() : system_time();
}

result<void> sqlite_store::state::writable() const {
  if (!options.read_only) return {};
  return fail(errc::unsupported,
              fmt::format("{} was opened for reading only", paths.database().string()));
}

// That it cannot be written does not matter: whoever meets the damage next tries again.
void sqlite_store::state::note_damage() const {
  if (options.read_only) return;
  detail::descriptor const made(
      ::open(paths.damage_mark().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
}

sqlite_store::sqlite_store(std::unique_ptr<state> s) : state_(std::move(s)) {}
sqlite_store::sqlite_store(sqlite_store&&) noexcept = default;
sqlite_store& sqlite_store::operator=(sqlite_store&&) noexcept = default;
sqlite_store::~sqlite_store() = default;

bool sqlite_store::needs_rebuild() const {
  std::lock_guard const lock(state_->mutex);
  return state_->needs_rebuild;
}

result<void> sqlite_store::rebuilt() {
  return state_->change(durability::power_loss, [&]() -> result<void> {
    THV_CHECK(detail::write_fact(state_->db, "needs_rebuild", ""));
    state_->needs_rebuild = false;
    return {};
  });
}

std::filesystem::path const& sqlite_store::state_directory() const {
  return state_->paths.directory;
}

std::string sqlite_store::id() const {
  return state_->who.id;
}

std::string sqlite_store::keyed_hash(std::string_view text) const {
  return thv::store::keyed_hash(state_->who.key, text);
}

result<std::vector<group_record>> sqlite_store::groups() {
  return state_->read([](auto& db) { return detail::all_groups(db); });
}

result<std::optional<group_record>> sqlite_store::group(std::string const& name) {
  return state_->read([&](auto& db) { return detail::find_group(db, name); });
}

result<std::vector<workload_record>> sqlite_store::workloads() {
  return state_->read([](auto& db) { return detail::all_workloads(db); });
}

result<std::vector<workload_record>> sqlite_store::workloads_of(std::string const& group) {
  return state_->read([&](auto& db) { return detail::group_workloads(db, group); });
}

result<std::optional<workload_record>> sqlite_store::workload(std::string const& name) {
  return state_->read([&](auto& db) { return detail::find_workload(db, name); });
}

result<void> sqlite_store::create_group(group_record const& group) {
  return state_->change(durability::power_loss, [&]() -> result<void> {
    THV_TRY(auto const made, detail::insert_group(state_->db, group, state_->now()));
    if (!made) return messages::group_exists(group.name);
    return {};
  });
}

namespace {

// Parts of a transaction of the caller. `operation`: whose reserved names are freed, or 0.
result<void> apply_changes(detail::database& db, change_set const& changes, std::int64_t now,
                           std::int64_t operation = 0) {
  for (auto const& group : changes.put_groups) THV_CHECK(detail::put_group(db, group, now));
  for (auto const& workload : changes.put_workloads)
    THV_CHECK(detail::put_workload(db, workload, now));
  for (auto const& name : changes.remove_workloads) THV_CHECK(detail::remove_workload(db, name));
  if (operation != 0) THV_CHECK(detail::free_reserved(db, operation));
  for (auto const& name : changes.remove_groups) THV_CHECK(detail::remove_group(db, name));
  return {};
}

result<std::int64_t> begin_operation(detail::database& db, operation_record const& operation,
                                     std::vector<workload_record> const& reserve,
                                     std::vector<intent_record> const& intents, std::int64_t now) {
  std::vector<std::string> created;
  for (auto const& name : operation.created_groups) {
    THV_TRY(auto const made, detail::insert_group(db, group_record{.name = name}, now));
    if (made) created.push_back(name);
  }
  THV_TRY(auto const id, detail::insert_operation(db, operation, created, now));
  for (auto const& workload : reserve) THV_CHECK(detail::reserve_workload(db, workload, id, now));
  for (auto const& intent : intents) THV_CHECK(detail::insert_intent(db, intent, id));
  return id;
}

}  // namespace

result<void> sqlite_store::apply(change_set const& changes) {
  return state_->change(durability::power_loss,
                        [&] { return apply_changes(state_->db, changes, state_->now()); });
}

result<void> sqlite_store::put_session(workload_record const& workload) {
  return state_->change(durability::process_death, [&]() -> result<void> {
    THV_TRY(auto const changed, detail::update_session(state_->db, workload));
    if (!changed) return messages::no_such_workload(workload.name);
    return {};
  });
}

result<std::map<std::string, catalogue_record>> sqlite_store::catalogues() {
  return state_->read([](auto& db) { return detail::all_catalogues(db); });
}

result<void> sqlite_store::put_catalogue(std::string const& name,
                                         catalogue_record const& catalogue) {
  return state_->change(durability::process_death, [&]() -> result<void> {
    THV_TRY(auto const workload, detail::find_workload(state_->db, name));
    if (!workload) return messages::no_such_workload(name);
    return detail::put_catalogue(state_->db, name, catalogue);
  });
}

result<void> sqlite_store::move_workload(std::string const& name, std::string const& from,
                                         std::string const& to) {
  return state_->change(durability::power_loss, [&]() -> result<void> {
    THV_TRY(auto const workload, detail::find_workload(state_->db, name));
    if (!workload) return messages::no_such_workload(name);
    THV_TRY(auto const target, detail::find_group(state_->db, to));
    if (!target) return messages::no_such_group(to);
    if (workload->group != from) return messages::in_other_group(name, workload->group, from);
    if (workload->phase != phase::present) return messages::being_changed(name);
    if (from == to) return {};
    return detail::update_group(state_->db, name, to, state_->now());
  });
}

result<std::int64_t> sqlite_store::begin(operation_record const& operation,
                                         std::vector<workload_record> const& reserve,
                                         std::vector<intent_record> const& intents) {
  return state_->change(durability::power_loss, [&] {
    return begin_operation(state_->db, operation, reserve, intents, state_->now());
  });
}

result<std::vector<intent_record>> sqlite_store::intents(std::int64_t operation) {
  return state_->read([&](auto& db) { return detail::operation_intents(db, operation); });
}

result<void> sqlite_store::update_intent(intent_record const& intent) {
  return state_->change(durability::process_death, [&]() -> result<void> {
    THV_TRY(auto const changed, detail::update_intent(state_->db, intent));
    if (!changed) return messages::no_such_intent(intent.id);
    return {};
  });
}

result<void> sqlite_store::commit(std::int64_t operation, change_set const& changes) {
  return state_->change(durability::power_loss, [&]() -> result<void> {
    THV_TRY(auto const open, detail::mark_committed(state_->db, operation));
    if (!open) return messages::no_such_operation(operation);
    return apply_changes(state_->db, changes, state_->now());
  });
}

result<void> sqlite_store::end(std::int64_t operation, change_set const& changes) {
  return state_->change(durability::power_loss, [&]() -> result<void> {
    THV_TRY(auto const open, detail::remove_operation(state_->db, operation));
    if (!open) return messages::no_such_operation(operation);
    return apply_changes(state_->db, changes, state_->now(), operation);
  });
}

result<std::vector<operation_record>> sqlite_store::open_operations() {
  return state_->read([](auto& db) { return detail::all_operations(db); });
}

result<group_lock> sqlite_store::lock_group(plugin::call const& c, std::string const& name) {
  THV_CHECK(state_->writable());
  return detail::take_group_lock(state_->paths.locks(), name, c);
}

}  // namespace thv::store
