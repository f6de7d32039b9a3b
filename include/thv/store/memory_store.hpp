// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>
#include <thv/store/keyed_hash.hpp>
#include <thv/store/memory_locks.hpp>
#include <thv/store/messages.hpp>
#include <thv/store/records.hpp>
#include <thv/store/store.hpp>

namespace thv::store {

/// The state in this process only: for tests, and for embedders that keep none. A `state_store`
/// with the behaviour of `sqlite_store`, save that it is lost with the process. Movable while
/// nobody uses it.
class memory_store {
 public:
  /// `now`: milliseconds since 1970; empty: the system's clock.
  explicit memory_store(std::function<std::int64_t()> now = {})
      : state_(std::make_unique<state>()), locks_(std::make_shared<memory_locks>()) {
    state_->now = now ? std::move(now) : std::function<std::int64_t()>(system_time);
    auto& group = state_->content.groups["default"];
    group.name = "default";
    group.created_at = state_->now();
  }

  [[nodiscard]] std::string id() const { return state_->id; }
  [[nodiscard]] std::string keyed_hash(std::string_view text) const {
    return thv::store::keyed_hash(state_->key, text);
  }

  result<std::vector<group_record>> groups() {
    std::lock_guard const lock(state_->mutex);
    std::vector<group_record> list;
    for (auto const& [name, group] : state_->content.groups) list.push_back(group);
    return list;
  }
  result<std::optional<group_record>> group(std::string const& name) {
    std::lock_guard const lock(state_->mutex);
    auto const* const found = find(state_->content.groups, name);
    return found ? std::optional(*found) : std::nullopt;
  }
  result<std::vector<workload_record>> workloads() { return select({}); }
  result<std::vector<workload_record>> workloads_of(std::string const& group) {
    return select(group);
  }
  result<std::optional<workload_record>> workload(std::string const& name) {
    std::lock_guard const lock(state_->mutex);
    auto const* const found = find(state_->content.workloads, name);
    return found ? std::optional(found->record) : std::nullopt;
  }

  result<void> create_group(group_record const& group) {
    std::lock_guard const lock(state_->mutex);
    if (state_->content.groups.contains(group.name)) return messages::group_exists(group.name);
    return put(state_->content, group);
  }
  result<void> apply(change_set const& changes) {
    return change([&](content& c) { return apply_to(c, changes, 0); });
  }
  result<void> put_session(workload_record const& from) {
    std::lock_guard const lock(state_->mutex);
    auto* const found = find(state_->content.workloads, from.name);
    if (!found) return messages::no_such_workload(from.name);
    auto& w = found->record;
    w.session_key = from.session_key;
    w.initialize_result = from.initialize_result;
    w.tools = from.tools;
    w.readiness = from.readiness;
    return {};
  }
  result<std::map<std::string, catalogue_record>> catalogues() {
    std::lock_guard const lock(state_->mutex);
    std::map<std::string, catalogue_record> all;
    for (auto const& [name, w] : state_->content.workloads)
      if (w.catalogue) all.emplace(name, *w.catalogue);
    return all;
  }
  result<void> put_catalogue(std::string const& name, catalogue_record const& catalogue) {
    std::lock_guard const lock(state_->mutex);
    auto* const found = find(state_->content.workloads, name);
    if (!found) return messages::no_such_workload(name);
    found->catalogue = catalogue;
    return {};
  }
  result<void> move_workload(std::string const& name, std::string const& from,
                             std::string const& to) {
    std::lock_guard const lock(state_->mutex);
    auto* const found = find(state_->content.workloads, name);
    if (!found) return messages::no_such_workload(name);
    auto& w = found->record;
    if (!state_->content.groups.contains(to)) return messages::no_such_group(to);
    if (w.group != from) return messages::in_other_group(name, w.group, from);
    if (w.phase != phase::present) return messages::being_changed(name);
    if (from == to) return {};
    w.group = w.config.group = to;
    w.updated_at = state_->now();
    return {};
  }

  result<std::int64_t> begin(operation_record operation,
                             std::vector<workload_record> const& reserve,
                             std::vector<intent_record> const& intents) {
    return change([&](content& c) { return begin_in(c, operation, reserve, intents); });
  }
  result<std::vector<intent_record>> intents(std::int64_t operation) {
    std::lock_guard const lock(state_->mutex);
    std::vector<intent_record> list;
    for (auto const& [id, intent] : state_->content.intents)
      if (intent.operation == operation) list.push_back(intent);
    return list;
  }
  result<void> update_intent(intent_record const& intent) {
    std::lock_guard const lock(state_->mutex);
    auto* const found = find(state_->content.intents, intent.id);
    if (!found) return messages::no_such_intent(intent.id);
    found->instance = intent.instance;
    found->done = intent.done;
    return {};
  }
  result<void> commit(std::int64_t id, change_set const& changes) {
    return change([&](content& c) -> result<void> {
      auto* const found = find(c.operations, id);
      if (!found) return messages::no_such_operation(id);
      found->state = operation_state::committed;
      return apply_to(c, changes, 0);
    });
  }
  result<void> end(std::int64_t id, change_set const& changes) {
    return change([&](content& c) -> result<void> {
      if (c.operations.erase(id) == 0) return messages::no_such_operation(id);
      std::erase_if(c.intents, [&](auto const& entry) { return entry.second.operation == id; });
      return apply_to(c, changes, id);
    });
  }
  result<std::vector<operation_record>> open_operations() {
    std::lock_guard const lock(state_->mutex);
    std::vector<operation_record> list;
    for (auto const& [id, operation] : state_->content.operations) list.push_back(operation);
    return list;
  }

  result<group_lock> lock_group(plugin::call const& c, std::string const& name) {
    return locks_->take(c, name);
  }

 private:
  struct stored_workload {
    workload_record record;
    std::int64_t reserved_by = 0;
    std::optional<catalogue_record> catalogue{};
  };
  struct content {
    std::map<std::string, group_record> groups;
    std::map<std::string, stored_workload> workloads;
    std::map<std::int64_t, operation_record> operations;
    std::map<std::int64_t, intent_record> intents;
    std::int64_t last_operation = 0;
    std::int64_t last_intent = 0;
  };
  struct state {
    std::mutex mutex;
    std::string id = random_hex(16);
    std::string key = random_hex(32);
    std::function<std::int64_t()> now;
    memory_store::content content;
  };
  static std::int64_t system_time() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }

  template <class Map>
  static auto find(Map& map, typename Map::key_type const& key) -> decltype(&map.begin()->second) {
    auto const it = map.find(key);
    return it == map.end() ? nullptr : &it->second;
  }

  // Works on a copy, which takes the place of the content if all went well.
  template <class F>
  auto change(F const& body) -> decltype(body(std::declval<content&>())) {
    std::lock_guard const lock(state_->mutex);
    auto copy = state_->content;
    auto outcome = body(copy);
    if (outcome) state_->content = std::move(copy);
    return outcome;
  }

  result<std::vector<workload_record>> select(std::optional<std::string> const& group) {
    std::lock_guard const lock(state_->mutex);
    std::vector<workload_record> list;
    for (auto const& [name, w] : state_->content.workloads)
      if (!group || w.record.group == *group) list.push_back(w.record);
    return list;
  }

  result<void> put(content& c, group_record group) const {
    auto const* const before = find(c.groups, group.name);
    if (group.created_at == 0) group.created_at = before ? before->created_at : state_->now();
    c.groups[group.name] = std::move(group);
    return {};
  }

  result<void> put(content& c, workload_record w, std::int64_t operation) const {
    if (!c.groups.contains(w.group)) return messages::no_such_group(w.group);
    auto const* const before = find(c.workloads, w.name);
    if (operation != 0)
      w.phase = phase::reserved;
    else if (w.phase == phase::reserved && before)
      operation = before->reserved_by;
    w.updated_at = state_->now();
    if (w.created_at == 0) w.created_at = before ? before->record.created_at : w.updated_at;
    w.config.name = w.name;
    w.config.group = w.group;
    auto const name = w.name;
    auto& stored = c.workloads[name];
    stored.record = std::move(w);
    stored.reserved_by = operation;
    return {};
  }

  static result<void> remove_group(content& c, std::string const& name) {
    if (name == messages::default_group) return messages::group_is_default();
    for (auto const& [member, w] : c.workloads)
      if (w.record.group == name) return messages::group_not_empty(name, member);
    c.groups.erase(name);
    return {};
  }

  // `ended`: the operation whose reserved names are freed, or 0.
  result<void> apply_to(content& c, change_set const& changes, std::int64_t ended) const {
    for (auto const& group : changes.put_groups) THV_CHECK(put(c, group));
    for (auto const& w : changes.put_workloads) THV_CHECK(put(c, w, 0));
    for (auto const& name : changes.remove_workloads) c.workloads.erase(name);
    if (ended != 0)
      std::erase_if(c.workloads,
                    [&](auto const& entry) { return entry.second.reserved_by == ended; });
    for (auto const& name : changes.remove_groups) THV_CHECK(remove_group(c, name));
    return {};
  }

  result<std::int64_t> begin_in(content& c, operation_record& operation,
                                std::vector<workload_record> const& reserve,
                                std::vector<intent_record> const& intents) const {
    auto const id = operation.id = ++c.last_operation;
    std::vector<std::string> created;
    for (auto const& name : std::exchange(operation.created_groups, {})) {
      if (c.groups.contains(name)) continue;
      group_record group;
      group.name = name;
      THV_CHECK(put(c, std::move(group)));
      created.push_back(name);
    }
    operation.created_groups = std::move(created);
    if (operation.started_at == 0) operation.started_at = state_->now();
    c.operations[id] = operation;
    for (auto const& w : reserve) {
      if (auto const* const taken = find(c.workloads, w.name))
        return messages::name_taken(w.name, taken->record.group);
      THV_CHECK(put(c, w, id));
    }
    for (auto intent : intents) {
      intent.id = ++c.last_intent;
      intent.operation = id;
      c.intents[intent.id] = std::move(intent);
    }
    return id;
  }

  std::unique_ptr<state> state_;
  std::shared_ptr<memory_locks> locks_;
};

static_assert(state_store<memory_store>);

}  // namespace thv::store
