// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <thv/plan/services.hpp>
#include <thv/plan/step.hpp>
#include <thv/store/store.hpp>

namespace thv::plan {

namespace detail {

/// Puts right what one crashed operation left. Its group is locked by the caller.
template <store::state_store Store>
class repair {
 public:
  repair(Store& store, services const& world, store::operation_record const& crashed)
      : store_(store), world_(world), crashed_(crashed) {}

  /// Sentences of what was done. An error: not finished, the journal entry stays.
  result<std::vector<std::string>> run() {
    THV_TRY(intents_, store_.intents(crashed_.id));
    said_.push_back(fmt::format(
        "an interrupted '{}'{} (pid {}) was found: {}", crashed_.kind,
        crashed_.group.empty() ? "" : " of group '" + crashed_.group + "'", crashed_.owner.pid,
        crashed_.state == store::operation_state::pending ? "undoing it" : "finishing it"));
    if (crashed_.state == store::operation_state::pending) {
      std::reverse(intents_.begin(), intents_.end());
      for (auto const& intent : intents_) THV_CHECK(undo(intent));
    } else {
      for (auto const& intent : intents_) THV_CHECK(finish(intent));
    }
    THV_CHECK(end());
    return std::move(said_);
  }

 private:
  result<void> undo(store::intent_record const& intent) {
    switch (intent.kind) {
      case store::intent_kind::deploy:
        return remove_strays(intent);
      case store::intent_kind::replace:
        THV_CHECK(remove_strays(intent));
        return bring_back(intent);
      case store::intent_kind::start:
        return settle(intent);
      case store::intent_kind::stop:
        return bring_back(intent);
      case store::intent_kind::remove:
        return {};  // not committed: nothing was removed yet
    }
    return {};
  }

  result<void> finish(store::intent_record const& intent) {
    if (intent.kind != store::intent_kind::replace && intent.kind != store::intent_kind::remove)
      return {};
    THV_TRY(auto known, store_.workload(intent.workload));
    bool const in_use =
        known && known->instance == intent.previous && known->phase != store::phase::removing;
    if (intent.previous.empty() || in_use) return {};
    THV_TRY(auto* runtime, world_.runtime(intent.runtime));
    THV_CHECK(runtime->remove(cleanup_call(), intent.previous));
    said_.push_back(
        fmt::format("removed what was left of '{}' from {}", intent.workload, intent.runtime));
    return {};
  }

  /// Removes every instance of our store under the intent's name that no record knows.
  result<void> remove_strays(store::intent_record const& intent) {
    THV_TRY(auto* runtime, world_.runtime(intent.runtime));
    THV_TRY(auto const seen, runtime->list(cleanup_call()));
    THV_TRY(auto const records, store_.workloads());
    std::set<std::string> known{intent.previous};
    for (auto const& record : records) known.insert(record.instance);
    for (auto const& one : seen) {
      bool const ours = one.store == std::string(store_.id()) && one.workload == intent.workload;
      if (!ours || known.contains(one.id)) continue;
      THV_CHECK(runtime->remove(cleanup_call(), one.id));
      said_.push_back(
          fmt::format("removed an unfinished '{}' from {}", intent.workload, intent.runtime));
    }
    return {};
  }

  result<void> bring_back(store::intent_record const& intent) {
    THV_TRY(auto known, store_.workload(intent.workload));
    if (!known || !known->wanted_running) return {};
    THV_TRY(auto* runtime, world_.runtime(known->runtime));
    auto const seen = runtime->inspect(cleanup_call(), known->instance);
    if (seen && seen->state == workload_state::running) return {};
    auto started =
        start_or_remake(world_, *runtime, cleanup_call(), known->instance, known->config);
    if (!started) return std::move(started).error();
    if (started->id != known->instance) {
      known->instance = started->id;
      store::change_set changes;
      changes.put_workloads.push_back(*known);
      THV_CHECK(store_.apply(changes));
    }
    said_.push_back(fmt::format("started '{}' again on {}", intent.workload, known->runtime));
    return {};
  }

  /// A start or restart that was cut short: the workload is left running or not as it was wanted.
  result<void> settle(store::intent_record const& intent) {
    THV_CHECK(remove_strays(intent));
    THV_TRY(auto known, store_.workload(intent.workload));
    if (!known) return {};
    if (known->wanted_running) return bring_back(intent);
    THV_TRY(auto* runtime, world_.runtime(known->runtime));
    THV_CHECK(runtime->stop(cleanup_call(), known->instance));
    said_.push_back(fmt::format("stopped '{}' again on {}", intent.workload, known->runtime));
    return {};
  }

  result<void> end() {
    store::change_set changes;
    bool const pending = crashed_.state == store::operation_state::pending;
    for (auto const& intent : intents_) {
      THV_TRY(auto known, store_.workload(intent.workload));
      if (!known) continue;
      if (known->phase == (pending ? store::phase::reserved : store::phase::removing))
        changes.remove_workloads.push_back(intent.workload);
    }
    changes.remove_groups = pending ? crashed_.created_groups : crashed_.removed_groups;
    return store_.end(crashed_.id, changes);
  }

  Store& store_;
  services const& world_;
  store::operation_record crashed_;
  std::vector<store::intent_record> intents_;
  std::vector<std::string> said_;
};

}  // namespace detail

/// Finds operations whose process is gone and undoes or finishes them. Returns what was done, as
/// sentences; what could not be repaired (its runtime does not answer) is a sentence too, and is
/// tried again next time. Whoever executes an operation holds the lock of its group (of `default`
/// for one without group), so an entry whose lock is free is not in flight. [idempotent]
template <store::state_store Store>
[[nodiscard]] result<std::vector<std::string>> recover(Store& store, services const& world,
                                                       std::stop_token stop) {
  std::vector<std::string> said;
  THV_TRY(auto const open, store.open_operations());
  for (auto const& candidate : open) {
    bool const own = candidate.owner == world.self;  // of a command that could not be undone
    if (!own && world.is_alive(candidate.owner)) continue;
    auto const patience = own ? std::chrono::seconds(0) : std::chrono::seconds(10);
    plugin::call c{std::chrono::steady_clock::now() + patience, stop, {}};
    auto lock = store.lock_group(c, candidate.group.empty() ? "default" : candidate.group);
    if (!lock) {
      if (!own) said.push_back(to_string(lock.error()));
      continue;
    }
    THV_TRY(auto const now, store.open_operations());
    auto const still =
        std::find_if(now.begin(), now.end(), [&](auto const& op) { return op.id == candidate.id; });
    if (still == now.end()) continue;
    auto done = detail::repair<Store>(store, world, *still).run();
    if (done)
      said.insert(said.end(), done->begin(), done->end());
    else
      said.push_back(fmt::format("an interrupted '{}' could not be repaired yet: {}",
                                 candidate.kind, to_string(done.error())));
  }
  return said;
}

}  // namespace thv::plan
