// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <thv/engine/choose_runtime.hpp>
#include <thv/engine/observe.hpp>
#include <thv/engine/rebuild.hpp>
#include <thv/engine/requests.hpp>
#include <thv/plan/execute.hpp>
#include <thv/plan/reconcile.hpp>
#include <thv/plan/recover.hpp>
#include <thv/plan/report.hpp>
#include <thv/store/store.hpp>

namespace thv {

/// The one way of a change: repair what was interrupted, lock the groups, observe, reconcile,
/// execute. Part of basic_engine, whose members it refers to.
template <runtime_collection Runtimes, store::state_store Store>
class changer {
 public:
  changer(Runtimes& runtimes, Store& store, runtime_chooser<Runtimes>& chooser,
          plan::services const& world, engine_options const& options)
      : runtimes_(runtimes), store_(store), chooser_(chooser), world_(world), options_(options) {}

  /// `locks` names the groups to lock, `build` says what is wished for; both are called once, the
  /// former before the locks are held, the latter after.
  template <class Locks, class Build>
  result<plan::report> change(change_options const& o, plan::reconcile_options const& how,
                              Locks const& locks, Build const& build) {
    std::vector<std::string> repairs;
    std::vector<store::group_lock> held;
    if (!o.dry_run) {
      THV_TRY(repairs, repair(o));
      THV_TRY(held, lock_groups(o, locks));
    }
    THV_TRY(auto const desired, build());
    THV_TRY(auto const observed, observe(desired, o.stop));
    THV_TRY(auto const planned, plan::reconcile(desired, observed, how));
    plan::report report;
    if (o.dry_run) {
      report.planned = planned;
      report.dry_run = true;
    } else {
      THV_CHECK(check_secrets(planned));
      THV_TRY(report, plan::execute(store_, planned, world_, execution(o)));
    }
    report.repairs = std::move(repairs);
    return report;
  }

  /// Puts right what interrupted commands left. Returns what was done, as sentences, and sends each
  /// as an event.
  result<std::vector<std::string>> repair(change_options const& o) {
    std::vector<std::string> said;
    if constexpr (requires { store_.needs_rebuild(); })
      if (store_.needs_rebuild()) {
        THV_TRY(said, rebuild(o));
      }
    THV_TRY(auto const recovered, plan::recover(store_, world_, o.stop));
    said.insert(said.end(), recovered.begin(), recovered.end());
    if (o.on_progress)
      for (auto const& text : said)
        o.on_progress({plan::progress_event::kind::repaired, {}, text, 0, 0});
    return said;
  }

 private:
  /// After the database was lost: groups and workloads as the runtimes' labels tell them. Tried
  /// again by each changing command until every runtime has answered.
  result<std::vector<std::string>> rebuild(change_options const& o) {
    auto const names = runtimes_.names();
    auto const answers = list_instances(runtimes_, {names.begin(), names.end()}, o.stop);
    THV_TRY(auto const known, store_.workloads());
    auto const found = rebuilt(answers, std::string(store_.id()), known, world_.now());
    THV_CHECK(store_.apply(found.changes));
    if (found.complete) THV_CHECK(store_.rebuilt());
    return found.said;
  }

  plan::execution_options execution(change_options const& o) const {
    plan::execution_options e;
    e.parallel = o.parallel.value_or(options_.parallel);
    e.timeout = o.timeout.value_or(options_.timeout);
    e.keep_going = o.keep_going;
    e.stop = o.stop;
    e.on_progress = o.on_progress;
    return e;
  }

  template <class Locks>
  result<std::vector<store::group_lock>> lock_groups(change_options const& o, Locks const& which) {
    THV_TRY(auto const names, which());
    plugin::call c{o.lock_deadline, o.stop, {}};
    c.progress = [&](std::string_view text) {
      if (o.on_progress)
        o.on_progress({plan::progress_event::kind::waiting, {}, std::string(text), 0, 0});
    };
    std::vector<store::group_lock> held;
    for (auto const& name : names) {  // in order of name, so that two commands cannot deadlock
      THV_TRY(auto lock, store_.lock_group(c, name));
      held.push_back(std::move(lock));
    }
    return held;
  }

  result<plan::observed_state> observe(plan::desired_state const& desired, std::stop_token stop) {
    plan::observed_state seen;
    THV_TRY(auto groups, store_.groups());
    for (auto& group : groups) seen.groups.emplace(group.name, std::move(group));
    THV_TRY(auto records, store_.workloads());
    std::set<std::string> wanted;
    std::set<std::string> used;
    bool asks_runtimes = false;
    for (auto const& w : desired.workloads) {
      wanted.insert(w.name);
      if (!w.runtime.empty()) used.insert(w.runtime);
      asks_runtimes = asks_runtimes || w.config || w.running || !w.present;
    }
    std::erase_if(records, [&](auto const& r) {
      return !wanted.contains(r.name) && (desired.group.empty() || r.group != desired.group);
    });
    for (auto const& record : records) used.insert(record.runtime);
    if (!asks_runtimes) used.clear();
    auto const answers = list_instances(runtimes_, used, stop);
    for (auto& record : records)
      seen.workloads.emplace(record.name, match_instance(record, answers));
    seen.foreign = foreign_instances(answers, std::string(store_.id()));
    for (auto const& w : desired.workloads)
      if (w.config)
        if (auto const who = chooser_.identify(w.runtime)) seen.runtimes.emplace(w.runtime, *who);
    return seen;
  }

  /// Every secret of what is to be made has a value, before anything is changed.
  result<void> check_secrets(plan::plan const& planned) const {
    for (auto const& step : planned.operations) {
      run_config const* config = nullptr;
      if (auto const* d = std::get_if<plan::deploy_workload>(&step.action)) config = &d->config;
      if (auto const* r = std::get_if<plan::replace_workload>(&step.action)) config = &r->config;
      if (config) THV_CHECK(world_.make_spec(*config));
    }
    return {};
  }

  Runtimes& runtimes_;
  Store& store_;
  runtime_chooser<Runtimes>& chooser_;
  plan::services const& world_;
  engine_options const& options_;
};

}  // namespace thv
