// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include <thv/plan/step.hpp>

namespace thv::plan::detail {

/// Does one step of a plan, or takes it back. Lives for that one call.
template <class Store>
class step_runner {
 public:
  step_runner(step_context<Store>& context, operation const& step) : x_(context), step_(step) {}

  /// On failure it has put back what it changed itself, or says in `left` that it has not, and in
  /// `undo_failure` why it could not.
  step_result run() {
    auto done = std::visit([this](auto const& what) -> result<void> { return this->perform(what); },
                           step_.action);
    if (!done) {
      if (result_.undo_failure) result_.left = aftermath::uncertain;
      result_.failure =
          interrupts(done.error()) ? fail(errc::cancelled, "interrupted") : std::move(done).error();
      say(progress_event::kind::failed, to_string(*result_.failure));
    }
    return std::move(result_);
  }

  /// Takes a step back that had succeeded.
  result<void> undo(step_result const& done) {
    result_ = done;
    say(progress_event::kind::started, "taking back");
    auto undone = std::visit(
        [this](auto const& what) -> result<void> { return this->take_back(what); }, step_.action);
    if (undone)
      say(progress_event::kind::undone, "taken back");
    else
      say(progress_event::kind::failed, to_string(undone.error()));
    return undone;
  }

 private:
  // ---- doing ----------------------------------------------------------------------------------

  result<void> perform(deploy_workload const& d) { return make(d.config, d.runtime, {}, {}); }

  result<void> perform(replace_workload const& r) {
    return make(r.config, r.runtime, r.previous_runtime, r.previous);
  }

  result<void> perform(start_workload const& s) { return start(s.runtime, s.instance); }

  result<void> perform(restart_workload const& s) {
    THV_TRY(auto* runtime, x_.world.runtime(s.runtime));
    say(progress_event::kind::started, "restarting");
    THV_CHECK(stop(*runtime, s.instance));
    auto done = start(s.runtime, s.instance);
    if (done) return done;
    result_.left = aftermath::stopped;
    if (interrupts(done.error())) start_again(*runtime);
    return done;
  }

  result<void> perform(stop_workload const& s) {
    THV_TRY(auto* runtime, x_.world.runtime(s.runtime));
    say(progress_event::kind::started, "stopping");
    THV_CHECK(stop(*runtime, s.instance));
    say(progress_event::kind::done, "stopped");
    return {};
  }

  result<void> perform(prove_workload const& s) {
    THV_TRY(auto* runtime, x_.world.runtime(s.runtime));
    THV_TRY(auto const record, recorded());
    auto const c = call_for(true);
    THV_TRY(auto const seen, runtime->inspect(c, s.instance));
    say(progress_event::kind::started, "asking whether it is ready");
    bool const initialised =
        record.session_key == seen.session_key && !record.initialize_result.empty();
    auto proved = prove(*runtime, seen, record.config, c, initialised);
    if (!proved) return blotted(std::move(proved).error(), record.config);
    result_.instance = s.instance;
    return say_ready();
  }

  template <class Other>
  result<void> perform(Other const&) {
    return {};  // of the store alone: done at commit
  }

  result<void> make(run_config const& config, std::string const& runtime_name,
                    std::string const& previous_runtime, std::string const& previous) {
    if (x_.stop.stop_requested()) return fail(errc::cancelled, "interrupted");
    THV_TRY(auto* runtime, x_.world.runtime(runtime_name));
    THV_TRY(auto spec, x_.world.make_spec(config));
    say(progress_event::kind::started, previous.empty() ? "deploying" : "replacing");
    THV_CHECK(runtime->prepare(call_for(false), spec));
    if (!previous.empty()) result_.was_running = runs(previous_runtime, previous);
    if (previous_runtime == runtime_name) spec.replaces = previous;
    auto done = deploy_and_prove(*runtime, spec, config);
    if (done) return say_ready();
    blot_secrets(done.error(), spec);
    if (!previous.empty())
      if (auto restored = restore_previous(previous_runtime, previous); !restored)
        result_.undo_failure = std::move(restored).error();
    return done;
  }

  /// On failure nothing of the new instance is left.
  result<void> deploy_and_prove(plugin::runtime& runtime, plugin::workload_spec const& spec,
                                run_config const& config) {
    auto const c = call_for(true);
    THV_TRY(auto const made, runtime.deploy(c, spec));
    auto done = note_instance(made.id);
    if (done) done = prove(runtime, made, config, c, false);
    if (done) return done;
    result_.log_tail = log_tail(runtime, made.id, spec);
    if (auto removed = runtime.remove(cleanup_call(), made.id); !removed)
      result_.undo_failure = std::move(removed).error();
    result_.instance.clear();
    return done;
  }

  result<void> stop(plugin::runtime& runtime, std::string const& id) {
    if (x_.stop.stop_requested()) return fail(errc::cancelled, "interrupted");
    auto stopped = runtime.stop(cleanup_call(), id);
    if (!stopped) result_.left = aftermath::uncertain;
    return stopped;
  }

  /// On failure it is stopped again.
  result<void> start(std::string const& runtime_name, std::string const& id) {
    THV_TRY(auto* runtime, x_.world.runtime(runtime_name));
    THV_TRY(auto record, recorded());
    say(progress_event::kind::started, "starting");
    auto const c = call_for(true);
    THV_TRY(auto const started, start_or_remake(x_.world, *runtime, c, id, record.config));
    if (started.id != record.instance) {
      THV_CHECK(note_instance(started.id));
      THV_CHECK(keep(record, started.id, nullptr));
    }
    result_.instance = started.id;
    bool const initialised = record.session_key == started.session_key;
    auto done = prove(*runtime, started, record.config, c, initialised);
    if (done) return say_ready();
    if (auto spec = x_.world.make_spec(record.config))
      result_.log_tail = log_tail(*runtime, started.id, *spec);
    if (auto stopped = runtime->stop(cleanup_call(), started.id); !stopped)
      result_.undo_failure = std::move(stopped).error();
    return blotted(std::move(done).error(), record.config);
  }

  result<void> prove(plugin::runtime& runtime, plugin::instance const& made,
                     run_config const& config, plugin::call const& c, bool initialised) {
    THV_TRY(auto proved, prove_ready(x_.world, runtime, made, config, c, initialised));
    result_.proved = std::move(proved);
    return {};
  }

  // ---- taking back ----------------------------------------------------------------------------

  result<void> take_back(deploy_workload const& d) {
    return remove_instance(x_.world, d.runtime, result_.instance);
  }

  result<void> take_back(replace_workload const& r) {
    THV_CHECK(remove_instance(x_.world, r.runtime, result_.instance));
    return restore_previous(r.previous_runtime, r.previous);
  }

  result<void> take_back(start_workload const& s) {
    THV_TRY(auto* runtime, x_.world.runtime(s.runtime));
    return runtime->stop(cleanup_call(), result_.instance);
  }

  result<void> take_back(stop_workload const& s) { return start(s.runtime, s.instance); }

  template <class Other>
  result<void> take_back(Other const&) {
    return {};
  }

  /// What ran before an interrupted restart runs again. The user is not kept waiting for it.
  void start_again(plugin::runtime& runtime) {
    auto record = recorded();
    if (!record) return;
    auto const back =
        start_or_remake(x_.world, runtime, cleanup_call(), record->instance, record->config);
    if (back && keep(*record, back->id, nullptr)) result_.left = aftermath::as_before;
  }

  /// Brings the instance that was replaced back, and proves it ready if it ran before. It may come
  /// back under another id where the runtime cannot start it again.
  result<void> restore_previous(std::string const& runtime_name, std::string const& id) {
    THV_TRY(auto* runtime, x_.world.runtime(runtime_name));
    THV_TRY(auto record, recorded());
    auto c = cleanup_call();
    c.deadline = std::chrono::steady_clock::now() + x_.options.timeout;
    THV_TRY(auto const back, start_or_remake(x_.world, *runtime, c, id, record.config));
    if (!result_.was_running) {
      THV_CHECK(runtime->stop(cleanup_call(), back.id));
      return keep(record, back.id, nullptr);
    }
    bool const initialised = record.session_key == back.session_key;
    THV_TRY(auto const proved,
            prove_ready(x_.world, *runtime, back, record.config, c, initialised));
    return keep(record, back.id, &proved);
  }

  bool runs(std::string const& runtime_name, std::string const& id) const {
    auto runtime = x_.world.runtime(runtime_name);
    if (!runtime) return false;
    auto const seen = (*runtime)->inspect(cleanup_call(), id);
    return seen &&
           (seen->state == workload_state::running || seen->state == workload_state::starting);
  }

  // ---- the store ------------------------------------------------------------------------------

  result<store::workload_record> recorded() {
    THV_TRY(auto known, x_.store.workload(step_.subject));
    if (!known) return fail(errc::not_found, "its record is gone");
    return *std::move(known);
  }

  result<void> note_instance(std::string const& id) {
    result_.instance = id;
    if (!x_.intent) return {};
    x_.intent->instance = id;
    return x_.store.update_intent(*x_.intent);
  }

  result<void> keep(store::workload_record& record, std::string const& id, proof const* proved) {
    bool const other = record.instance != id;
    record.instance = id;
    if (proved) keep_session(record, *proved);
    if (!other) return x_.store.put_session(record);
    store::change_set changes;
    changes.put_workloads.push_back(record);
    return x_.store.apply(changes);
  }

  /// Did this fail since the user interrupted it?
  bool interrupts(error const& e) const {
    return x_.stop.stop_requested() && e.code != errc::exited;
  }

  // ---- talking --------------------------------------------------------------------------------

  plugin::call call_for(bool timed) const {
    plugin::call c;
    if (timed) c.deadline = std::chrono::steady_clock::now() + x_.options.timeout;
    c.stop = x_.stop;
    c.progress = [this](std::string_view text) {
      say(progress_event::kind::progress, std::string(text));
    };
    return c;
  }

  void say(progress_event::kind what, std::string text) const {
    x_.events.send(what, step_.subject, std::move(text));
  }

  result<void> say_ready() {
    auto const& p = *result_.proved;
    auto const count = p.answer.tools.size();
    say(progress_event::kind::done,
        p.readiness == "ready" ? fmt::format("ready, {} tool{}", count, count == 1 ? "" : "s")
                               : p.readiness);
    return {};
  }

  error blotted(error e, run_config const& config) const {
    if (auto spec = x_.world.make_spec(config)) blot_secrets(e, *spec);
    return e;
  }

  step_context<Store>& x_;
  operation const& step_;
  step_result result_;
};

}  // namespace thv::plan::detail
