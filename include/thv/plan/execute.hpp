// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include <thv/plan/plan.hpp>
#include <thv/plan/plan_text.hpp>
#include <thv/plan/report.hpp>
#include <thv/plan/services.hpp>
#include <thv/plan/step_runner.hpp>
#include <thv/plan/worker_pool.hpp>
#include <thv/store/store.hpp>

namespace thv::plan {

namespace detail {

/// Executes one plan once. Phase one makes, starts, stops and proves, in parallel, and takes
/// everything back if it fails; then one transaction commits; phase two removes what is not needed
/// any more and cannot be taken back.
template <store::state_store Store>
class executor {
 public:
  executor(Store& store, plan planned, services const& world, execution_options const& options)
      : store_(store), world_(world), options_(options), events_(options.on_progress) {
    report_.planned = std::move(planned);
    events_.total(static_cast<int>(report_.planned.operations.size()));
  }

  result<report> run() {
    if (report_.planned.empty()) return finish_report();
    THV_CHECK(begin());
    run_phase_one();
    if (must_roll_back()) {
      roll_back();
      return finish_report();
    }
    if (auto done = commit(); !done) {
      report_.failure = std::move(done).error();
      roll_back();
      return finish_report();
    }
    run_phase_two();
    return finish_report();
  }

 private:
  // ---- the journal ----------------------------------------------------------------------------

  result<void> begin() {
    store::operation_record record;
    record.group = report_.planned.group;
    record.kind = report_.planned.kind;
    record.owner = world_.self;
    record.started_at = world_.now();
    std::vector<store::workload_record> reserved;
    std::vector<store::intent_record> intents;
    for (auto const& step : report_.planned.operations) {
      if (std::holds_alternative<create_group>(step.action))
        record.created_groups.push_back(step.subject);
      if (std::holds_alternative<delete_group>(step.action))
        record.removed_groups.push_back(step.subject);
      auto known = store_.workload(step.subject);
      if (!known) return std::move(known).error();
      if (auto const* d = std::get_if<deploy_workload>(&step.action); d && !known->has_value())
        reserved.push_back(new_record(step, *d));
      if (auto intent = intent_of(step, *known)) intents.push_back(*std::move(intent));
    }
    for (auto const& r : reserved) reserved_.push_back(r.name);
    created_groups_ = record.created_groups;
    auto begun = store_.begin(record, reserved, intents);
    if (!begun) return std::move(begun).error();
    operation_ = *begun;
    auto stored = store_.intents(operation_);
    if (!stored) {
      (void)store_.end(operation_, undone_changes());
      return std::move(stored).error();
    }
    for (auto& intent : *stored) intents_[intent.workload] = std::move(intent);
    return name_groups();
  }

  /// Groups made by `begin` have only their name: the rest follows.
  result<void> name_groups() {
    store::change_set changes;
    for (auto const& step : report_.planned.operations)
      if (auto const* create = std::get_if<create_group>(&step.action)) {
        changes.put_groups.push_back(create->group);
        changes.put_groups.back().created_at = world_.now();
      }
    if (changes.put_groups.empty()) return {};
    auto put = store_.apply(changes);
    if (!put) (void)store_.end(operation_, undone_changes());
    return put;
  }

  store::workload_record new_record(operation const& step, deploy_workload const& d) const {
    store::workload_record record;
    record.name = step.subject;
    record.group = d.config.group;
    record.runtime = d.runtime;
    record.config = d.config;
    record.phase = store::phase::reserved;
    record.declared_by = d.declared_by;
    record.created_at = record.updated_at = world_.now();
    return record;
  }

  static std::optional<store::intent_record> intent_of(
      operation const& step, std::optional<store::workload_record> const& known) {
    store::intent_record intent;
    intent.workload = step.subject;
    intent.runtime = runtime_of(step.action);
    if (known) intent.previous = known->instance;
    if (std::holds_alternative<deploy_workload>(step.action))
      intent.kind = store::intent_kind::deploy;
    else if (auto const* r = std::get_if<replace_workload>(&step.action)) {
      intent.kind = store::intent_kind::replace;
      intent.previous = r->previous;
    } else if (std::holds_alternative<start_workload>(step.action) ||
               std::holds_alternative<restart_workload>(step.action))
      intent.kind = store::intent_kind::start;
    else if (std::holds_alternative<stop_workload>(step.action))
      intent.kind = store::intent_kind::stop;
    else if (std::holds_alternative<remove_workload>(step.action) ||
             std::holds_alternative<forget_workload>(step.action))
      intent.kind = store::intent_kind::remove;
    else
      return std::nullopt;
    return intent;
  }

  store::change_set undone_changes() const {
    store::change_set changes;
    changes.remove_workloads = reserved_;
    changes.remove_groups = created_groups_;
    return changes;
  }

  // ---- phase one ------------------------------------------------------------------------------

  static bool in_phase_one(action const& a) {
    return std::holds_alternative<deploy_workload>(a) ||
           std::holds_alternative<replace_workload>(a) ||
           std::holds_alternative<start_workload>(a) || std::holds_alternative<stop_workload>(a) ||
           std::holds_alternative<restart_workload>(a) || std::holds_alternative<prove_workload>(a);
  }

  void run_phase_one() {
    std::stop_callback forward(options_.stop, [this] { siblings_.request_stop(); });
    std::vector<task> tasks;
    std::map<int, std::size_t> places;
    for (auto const& step : report_.planned.operations) {
      if (!in_phase_one(step.action)) continue;
      task t{[this, &step] { return run_step(step); }, {}};
      for (int before : step.depends_on)
        if (auto const found = places.find(before); found != places.end())
          t.depends_on.push_back(found->second);
      places[step.id] = tasks.size();
      tasks.push_back(std::move(t));
    }
    (void)run_tasks(tasks, options_.parallel);
  }

  bool run_step(operation const& step) {
    step_context<Store> context{
        store_, world_, options_, events_, siblings_.get_token(), intent_for(step.subject)};
    step_result done = step_runner<Store>(context, step).run();
    bool const succeeded = !done.failure;
    if (succeeded) events_.step_done();
    std::lock_guard lock(mutex_);
    if (!succeeded) {
      if (done.undo_failure && !report_.rollback_failure)
        report_.rollback_failure = done.undo_failure;
      bool const alone = options_.keep_going || step.optional;
      if (!alone && done.failure->code != errc::cancelled) failed_ = true;
      if (!alone) siblings_.request_stop();
    }
    results_[step.id] = std::move(done);
    return succeeded;
  }

  std::optional<store::intent_record> intent_for(std::string const& subject) const {
    auto const found = intents_.find(subject);
    if (found == intents_.end()) return std::nullopt;
    return found->second;
  }

  bool interrupted() const { return options_.stop.stop_requested(); }

  bool must_roll_back() const {
    if (options_.keep_going) return !results_.empty() && none_succeeded();
    return failed_ || interrupted();
  }

  bool none_succeeded() const {
    return std::all_of(results_.begin(), results_.end(),
                       [](auto const& entry) { return entry.second.failure.has_value(); });
  }

  void roll_back() {
    rolled_back_ = true;
    std::vector<task> tasks;
    for (auto const& step : report_.planned.operations) {
      auto const found = results_.find(step.id);
      if (found == results_.end() || found->second.failure) continue;
      tasks.push_back({[this, &step, done = &found->second] { return undo_one(step, *done); }, {}});
    }
    (void)run_tasks(tasks, options_.parallel);
    if (report_.rollback_failure) return;  // stays in the journal: the next command tries again
    if (auto ended = store_.end(operation_, undone_changes()); !ended)
      report_.rollback_failure = std::move(ended).error();
  }

  bool undo_one(operation const& step, step_result& done) {
    step_context<Store> context{
        store_, world_, options_, events_, std::stop_token{}, intent_for(step.subject)};
    auto undone = step_runner<Store>(context, step).undo(done);
    std::lock_guard lock(mutex_);
    done.undone = true;
    if (!undone) done.left = aftermath::uncertain;
    if (!undone && !report_.rollback_failure) report_.rollback_failure = undone.error();
    return undone.has_value();
  }

  // ---- commit ---------------------------------------------------------------------------------

  result<void> commit() {
    store::change_set changes;
    std::map<std::string, store::workload_record> records;
    for (auto const& step : report_.planned.operations) {
      if (!records.contains(step.subject)) {
        auto known = store_.workload(step.subject);
        if (!known) return std::move(known).error();
        if (known->has_value()) records[step.subject] = **std::move(known);
      }
      auto const found = records.find(step.subject);
      if (found != records.end()) change_record(found->second, step);
    }
    for (auto& [name, record] : records) {
      auto const failed_new = record.phase == store::phase::reserved;
      if (failed_new) {
        changes.remove_workloads.push_back(name);
        continue;
      }
      record.updated_at = world_.now();
      changes.put_workloads.push_back(std::move(record));
    }
    return store_.commit(operation_, changes);
  }

  void change_record(store::workload_record& record, operation const& step) const {
    auto const found = results_.find(step.id);
    bool const ran = found != results_.end() && !found->second.failure;
    if (auto const* move = std::get_if<move_workload>(&step.action)) {
      record.group = record.config.group = move->to;
      return;
    }
    if (std::holds_alternative<remove_workload>(step.action) ||
        std::holds_alternative<forget_workload>(step.action)) {
      record.phase = store::phase::removing;
      return;
    }
    if (!ran) return;
    if (auto const* d = std::get_if<deploy_workload>(&step.action))
      take_over(record, d->config, d->runtime, d->declared_by, d->secret_fingerprints);
    if (auto const* r = std::get_if<replace_workload>(&step.action))
      take_over(record, r->config, r->runtime, r->declared_by, r->secret_fingerprints);
    if (std::holds_alternative<stop_workload>(step.action)) {
      record.wanted_running = false;
      return;
    }
    record.wanted_running = true;
    if (!found->second.instance.empty()) record.instance = found->second.instance;
    if (found->second.proved) keep_session(record, *found->second.proved);
  }

  static void take_over(store::workload_record& record, run_config const& config,
                        std::string const& runtime, std::string const& declared_by,
                        std::map<std::string, std::string> const& fingerprints) {
    record.group = config.group;
    record.config = config;
    record.runtime = runtime;
    record.declared_by = declared_by;
    record.secret_fingerprints = fingerprints;
    record.phase = store::phase::present;
  }

  // ---- phase two ------------------------------------------------------------------------------

  void run_phase_two() {
    std::vector<task> tasks;
    for (auto const& step : report_.planned.operations) {
      auto const found = results_.find(step.id);
      bool const ran = found != results_.end() && !found->second.failure;
      if (auto const* remove = std::get_if<remove_workload>(&step.action))
        tasks.push_back(
            {[this, &step, remove] { return remove_one(step, remove->runtime, remove->instance); },
             {}});
      else if (std::holds_alternative<forget_workload>(step.action))
        results_[step.id] = {};
      else if (auto const* r = std::get_if<replace_workload>(&step.action); r && ran)
        tasks.push_back({[this, &step, r] { return remove_previous(step, *r); }, {}});
    }
    (void)run_tasks(tasks, options_.parallel);
    end();
  }

  bool remove_one(operation const& step, std::string const& runtime, std::string const& instance) {
    events_.send(progress_event::kind::started, step.subject, "removing");
    auto removed = remove_instance(world_, runtime, instance);
    std::lock_guard lock(mutex_);
    if (!removed) {
      events_.send(progress_event::kind::failed, step.subject, to_string(removed.error()));
      results_[step.id].failure = std::move(removed).error();
      results_[step.id].left = aftermath::uncertain;
      return false;
    }
    results_[step.id] = {};
    events_.step_done();
    events_.send(progress_event::kind::done, step.subject, "removed");
    return true;
  }

  bool remove_previous(operation const& step, replace_workload const& r) {
    auto removed = remove_instance(world_, r.previous_runtime, r.previous);
    if (removed) return true;
    std::lock_guard lock(mutex_);
    leftovers_ = true;
    events_.send(progress_event::kind::warning, step.subject,
                 "the replaced instance could not be removed yet: " + to_string(removed.error()));
    return false;
  }

  /// Ends the journal entry. A replaced instance that could not be removed keeps it open, so that
  /// the next changing command tries again.
  void end() {
    store::change_set changes;
    bool all_removed = true;
    for (auto const& step : report_.planned.operations) {
      bool const removes = std::holds_alternative<remove_workload>(step.action) ||
                           std::holds_alternative<forget_workload>(step.action);
      if (!removes) continue;
      if (!results_[step.id].failure) {
        changes.remove_workloads.push_back(step.subject);
        continue;
      }
      all_removed = false;
      if (auto known = store_.workload(step.subject); known && *known) {
        (*known)->phase = store::phase::present;
        changes.put_workloads.push_back(**std::move(known));
      }
    }
    for (auto const& step : report_.planned.operations)
      if (std::holds_alternative<delete_group>(step.action)) {
        if (all_removed)
          changes.remove_groups.push_back(step.subject);
        else
          results_[step.id].failure =
              fail(errc::conflict, fmt::format("group '{}' still has members", step.subject));
      }
    auto ended = leftovers_ ? store_.apply(changes) : store_.end(operation_, changes);
    if (!ended) report_.rollback_failure = std::move(ended).error();
  }

  // ---- the report -----------------------------------------------------------------------------

  report finish_report() {
    for (auto const& step : report_.planned.operations) add_member(step);
    for (auto const& name : report_.planned.unchanged) add_unchanged(name);
    std::stable_sort(report_.members.begin(), report_.members.end(),
                     [](auto const& a, auto const& b) { return a.name < b.name; });
    report_.status = status();
    return std::move(report_);
  }

  void add_unchanged(std::string const& name) {
    member_report member{.name = name};
    if (auto known = store_.workload(name); known && *known) {
      member.runtime = (*known)->runtime;
      member.readiness = (*known)->readiness;
      member.tools = (*known)->tools;
    }
    report_.members.push_back(std::move(member));
  }

  void add_member(operation const& step) {
    auto same = [&](auto const& m) { return m.name == step.subject; };
    auto found = std::find_if(report_.members.begin(), report_.members.end(), same);
    if (found == report_.members.end()) {
      report_.members.push_back({.name = step.subject});
      found = std::prev(report_.members.end());
    }
    auto& member = *found;
    if (auto runtime = runtime_of(step.action); !runtime.empty()) member.runtime = runtime;
    auto const ran = results_.find(step.id);
    if (ran == results_.end()) {
      member.outcome = rolled_back_ ? outcome::cancelled : store_outcome(step.action);
      return;
    }
    auto const& done = ran->second;
    member.failure = done.failure;
    member.left = done.left;
    member.log_tail = done.log_tail;
    if (done.failure)
      member.outcome = done.failure->code == errc::cancelled ? outcome::cancelled : outcome::failed;
    else
      member.outcome = done.undone ? outcome::undone : success_outcome(step.action);
    if (done.proved && !done.undone) {
      member.readiness = done.proved->readiness;
      member.tools = done.proved->answer.tools;
    }
  }

  completion status() const {
    if (report_.rollback_failure || (rolled_back_ && has_stopped_one()))
      return completion::rollback_incomplete;
    if (rolled_back_)
      return interrupted() && !failed_ && !report_.failure ? completion::interrupted
                                                           : completion::failed_undone;
    bool any_failed = false;
    bool any_succeeded = false;
    for (auto const& step : report_.planned.operations) {
      auto const found = results_.find(step.id);
      if (found == results_.end()) continue;
      if (!found->second.failure)
        any_succeeded = true;
      else if (!step.optional)
        any_failed = true;
    }
    if (!any_failed) return completion::done;
    return any_succeeded ? completion::partly_done : completion::failed_undone;
  }

  /// A restart that failed cannot be taken back.
  bool has_stopped_one() const {
    return std::any_of(results_.begin(), results_.end(),
                       [](auto const& entry) { return entry.second.left == aftermath::stopped; });
  }

  Store& store_;
  services const& world_;
  execution_options const& options_;
  event_queue events_;
  report report_;
  std::int64_t operation_ = 0;
  std::vector<std::string> reserved_;
  std::vector<std::string> created_groups_;
  std::map<std::string, store::intent_record> intents_;
  std::stop_source siblings_;
  std::mutex mutex_;
  std::map<int, step_result> results_;
  bool failed_ = false;
  bool rolled_back_ = false;
  bool leftovers_ = false;
};

}  // namespace detail

/// Makes the plan true. The caller holds the locks of the groups concerned. Blocks until everything
/// is ready, or undone. An error is returned only when nothing was begun (the journal could not be
/// written, a name was taken meanwhile); whatever happens later stands in the report.
template <store::state_store Store>
[[nodiscard]] result<report> execute(Store& store, plan const& planned, services const& world,
                                     execution_options const& options) {
  return detail::executor<Store>(store, planned, world, options).run();
}

}  // namespace thv::plan
