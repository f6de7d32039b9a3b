// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include <thv/plan/plan.hpp>
#include <thv/plan/progress.hpp>
#include <thv/plan/prove.hpp>
#include <thv/plan/services.hpp>
#include <thv/store/store.hpp>

/// One step of a plan: doing it, and taking it back.
namespace thv::plan::detail {

/// Hands events to the caller's sink, one at a time.
class event_queue {
 public:
  explicit event_queue(progress_sink const& sink) : sink_(sink) {}

  void total(int steps) { total_ = steps; }
  void step_done() {
    std::lock_guard lock(mutex_);
    ++finished_;
  }
  void send(progress_event::kind what, std::string const& subject, std::string text) {
    if (!sink_) return;
    std::lock_guard lock(mutex_);
    sink_({what, subject, std::move(text), finished_, total_});
  }

 private:
  progress_sink const& sink_;
  std::mutex mutex_;
  int finished_ = 0;
  int total_ = 0;
};

/// What a step left behind.
struct step_result {
  std::optional<error> failure;       ///< the step failed, and put back what it had changed
  std::optional<error> undo_failure;  ///< or could not put it back
  std::string instance;               ///< made or started
  bool was_running = false;           ///< the previous instance ran
  std::optional<proof> proved;
  std::vector<std::string> log_tail;
  bool undone = false;
};

template <class Store>
struct step_context {
  Store& store;
  services const& world;
  execution_options const& options;
  event_queue& events;
  std::stop_token stop;
  std::optional<store::intent_record> intent;
};

/// Writes what a proof found into the record. A session that existed already keeps its
/// `initialize` answer.
inline void keep_session(store::workload_record& record, proof const& proved) {
  if (!proved.answer.initialize_result.empty())
    record.initialize_result = proved.answer.initialize_result;
  record.session_key = proved.instance.session_key;
  record.tools = proved.answer.tools;
  record.readiness = proved.readiness;
}

/// For calls that must not be cut short by the user's interrupt: stopping, removing, putting back.
inline plugin::call cleanup_call() {
  return {std::chrono::steady_clock::now() + std::chrono::seconds(60), {}, {}};
}

/// Removes an instance; none is fine.
inline result<void> remove_instance(services const& world, execution_options const&,
                                    std::string const& runtime, std::string const& instance) {
  if (instance.empty()) return {};
  THV_TRY(auto* rt, world.runtime(runtime));
  return rt->remove(cleanup_call(), instance);
}

/// Puts `***` in the place of the values of a workload's secrets. Values of under four characters
/// are left: they would blot out half of every text.
inline void blot_secrets(std::string& text, plugin::workload_spec const& spec) {
  auto const blot = [&](std::string const& value) {
    if (value.size() < 4) return;
    for (auto at = text.find(value); at != std::string::npos; at = text.find(value, at + 3))
      text.replace(at, value.size(), "***");
  };
  for (auto const& reference : spec.secret_names) {
    auto const key = reference.substr(reference.find('=') + 1);
    if (auto const found = spec.environment.find(key); found != spec.environment.end())
      blot(found->second);
  }
  for (auto const& [name, value] : spec.headers) blot(value);
}

inline std::vector<std::string> lines_of(std::string const& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    auto const end = std::min(text.find('\n', from), text.size());
    if (end > from) lines.push_back(text.substr(from, std::min<std::size_t>(end - from, 300)));
    from = end + 1;
  }
  return lines;
}

/// The last lines of a workload's log, with the values of its secrets blotted out.
inline std::vector<std::string> log_tail(plugin::runtime& runtime, std::string const& id,
                                         plugin::workload_spec const& spec) {
  std::string text;
  plugin::call c{std::chrono::steady_clock::now() + std::chrono::seconds(5), {}, {}};
  (void)runtime.logs(c, id, {false, 10}, [&](std::string_view piece) {
    text += piece;
    return text.size() < 64 * 1024;
  });
  blot_secrets(text, spec);
  auto lines = lines_of(text);
  if (lines.size() > 10) lines.erase(lines.begin(), lines.end() - 10);
  return lines;
}

/// A failed workload's own words may hold its secrets.
inline void blot_secrets(error& e, plugin::workload_spec const& spec) {
  blot_secrets(e.message, spec);
  blot_secrets(e.engine_message, spec);
}

/// Starts an instance, or makes it anew from its config where the runtime cannot start it again
/// (it does not keep secrets). Returns the instance that runs now.
inline result<plugin::instance> start_or_remake(services const& world, plugin::runtime& runtime,
                                                plugin::call const& c, std::string const& id,
                                                run_config const& config) {
  auto started = runtime.start(c, id);
  if (started || started.error().code != errc::unsupported) return started;
  THV_TRY(auto spec, world.make_spec(config));
  spec.replaces = id;
  auto made = runtime.deploy(c, spec);
  if (!made) return made;
  (void)runtime.remove(cleanup_call(), id);
  return made;
}

template <class Store>
class step_runner {
 public:
  step_runner(step_context<Store>& context, operation const& step) : x_(context), step_(step) {}

  step_result run() {
    auto done =
        std::visit([this](auto const& what) -> std::optional<error> { return this->perform(what); },
                   step_.action);
    if (done) {
      result_.failure = x_.stop.stop_requested() && done->code != errc::exited
                            ? fail(errc::cancelled, "interrupted")
                            : *done;
      x_.events.send(progress_event::kind::failed, step_.subject, to_string(*result_.failure));
    }
    return std::move(result_);
  }

  std::optional<error> undo(step_result const& done) {
    result_ = done;
    x_.events.send(progress_event::kind::started, step_.subject, "taking back");
    auto failure = std::visit(
        [this](auto const& what) -> std::optional<error> { return this->take_back(what); },
        step_.action);
    if (failure)
      x_.events.send(progress_event::kind::failed, step_.subject, to_string(*failure));
    else
      x_.events.send(progress_event::kind::undone, step_.subject, "taken back");
    return failure;
  }

 private:
  plugin::call call_for(bool timed) const {
    plugin::call c;
    if (timed) c.deadline = std::chrono::steady_clock::now() + x_.options.timeout;
    c.stop = x_.stop;
    c.progress = [this](std::string_view text) {
      x_.events.send(progress_event::kind::progress, step_.subject, std::string(text));
    };
    return c;
  }

  void say_started(std::string text) {
    x_.events.send(progress_event::kind::started, step_.subject, std::move(text));
  }
  void say_done(std::string text) {
    x_.events.send(progress_event::kind::done, step_.subject, std::move(text));
  }

  std::optional<error> note_instance(std::string const& id) {
    result_.instance = id;
    if (!x_.intent) return std::nullopt;
    x_.intent->instance = id;
    auto noted = x_.store.update_intent(*x_.intent);
    if (!noted) return std::move(noted).error();
    return std::nullopt;
  }

  std::optional<error> perform(deploy_workload const& d) {
    return make(d.config, d.runtime, {}, {});
  }

  std::optional<error> perform(replace_workload const& r) {
    return make(r.config, r.runtime, r.previous_runtime, r.previous);
  }

  std::optional<error> make(run_config const& config, std::string const& runtime_name,
                            std::string const& previous_runtime, std::string const& previous) {
    if (x_.stop.stop_requested()) return fail(errc::cancelled, "interrupted");
    auto runtime = x_.world.runtime(runtime_name);
    if (!runtime) return std::move(runtime).error();
    auto spec = x_.world.make_spec(config);
    if (!spec) return std::move(spec).error();
    say_started(previous.empty() ? "deploying" : "replacing");
    if (auto prepared = (*runtime)->prepare(call_for(false), *spec); !prepared)
      return std::move(prepared).error();
    if (!previous.empty()) result_.was_running = runs(previous_runtime, previous);
    if (previous_runtime == runtime_name) spec->replaces = previous;
    auto const c = call_for(true);
    auto made = (*runtime)->deploy(c, *spec);
    std::optional<error> failure;
    if (!made)
      failure = std::move(made).error();
    else if (failure = note_instance(made->id); !failure)
      failure = prove(**runtime, *made, config, c, false);
    if (!failure) return say_ready();
    blot_secrets(*failure, *spec);
    if (made) {
      result_.log_tail = log_tail(**runtime, made->id, *spec);
      if (auto removed = (*runtime)->remove(cleanup_call(), made->id); !removed)
        result_.undo_failure = std::move(removed).error();
      result_.instance.clear();
    }
    if (!previous.empty())
      if (auto restored = restore_previous(previous_runtime, previous))
        result_.undo_failure = restored;
    return failure;
  }

  bool runs(std::string const& runtime, std::string const& id) const {
    auto rt = x_.world.runtime(runtime);
    if (!rt) return false;
    auto const seen = (*rt)->inspect(cleanup_call(), id);
    return seen &&
           (seen->state == workload_state::running || seen->state == workload_state::starting);
  }

  std::optional<error> prove(plugin::runtime& runtime, plugin::instance const& made,
                             run_config const& config, plugin::call const& c, bool initialised) {
    auto proved = prove_ready(x_.world, runtime, made, config, c, initialised);
    if (!proved) return std::move(proved).error();
    result_.proved = *std::move(proved);
    return std::nullopt;
  }

  std::optional<error> say_ready() {
    auto const& p = *result_.proved;
    say_done(p.readiness == "ready" ? fmt::format("ready, {} tool{}", p.answer.tools.size(),
                                                  p.answer.tools.size() == 1 ? "" : "s")
                                    : p.readiness);
    return std::nullopt;
  }

  /// Brings the instance that was replaced back, and proves it ready if it ran before. It may come
  /// back under another id where the runtime cannot start it again.
  std::optional<error> restore_previous(std::string const& runtime_name, std::string const& id) {
    auto runtime = x_.world.runtime(runtime_name);
    if (!runtime) return std::move(runtime).error();
    auto known = x_.store.workload(step_.subject);
    if (!known) return std::move(known).error();
    if (!*known) return fail(errc::not_found, "its record is gone");
    auto record = **std::move(known);
    auto c = cleanup_call();
    c.deadline = std::chrono::steady_clock::now() + x_.options.timeout;
    auto back = start_or_remake(x_.world, **runtime, c, id, record.config);
    if (!back) return std::move(back).error();
    if (!result_.was_running) {
      if (auto stopped = (*runtime)->stop(cleanup_call(), back->id); !stopped)
        return std::move(stopped).error();
      return keep(record, back->id, nullptr);
    }
    auto proved = prove_ready(x_.world, **runtime, *back, record.config, c,
                              record.session_key == back->session_key);
    if (!proved) return std::move(proved).error();
    return keep(record, back->id, &*proved);
  }

  std::optional<error> keep(store::workload_record& record, std::string const& id,
                            proof const* proved) {
    bool const other = record.instance != id;
    record.instance = id;
    if (proved) keep_session(record, *proved);
    store::change_set changes;
    changes.put_workloads.push_back(record);
    auto stored = other ? x_.store.apply(changes) : x_.store.put_session(record);
    if (!stored) return std::move(stored).error();
    return std::nullopt;
  }

  std::optional<error> perform(start_workload const& s) { return start(s.runtime, s.instance); }

  std::optional<error> perform(restart_workload const& s) {
    auto runtime = x_.world.runtime(s.runtime);
    if (!runtime) return std::move(runtime).error();
    say_started("restarting");
    auto c = call_for(true);
    c.stop = {};
    if (auto stopped = (*runtime)->stop(c, s.instance); !stopped) return std::move(stopped).error();
    return start(s.runtime, s.instance);
  }

  std::optional<error> start(std::string const& runtime_name, std::string const& id) {
    auto runtime = x_.world.runtime(runtime_name);
    if (!runtime) return std::move(runtime).error();
    auto known = x_.store.workload(step_.subject);
    if (!known) return std::move(known).error();
    if (!*known) return fail(errc::not_found, "its record is gone");
    auto record = **std::move(known);
    say_started("starting");
    auto const c = call_for(true);
    auto started = start_or_remake(x_.world, **runtime, c, id, record.config);
    if (!started) return std::move(started).error();
    if (started->id != record.instance) {
      if (auto failure = note_instance(started->id)) return failure;
      if (auto failure = keep(record, started->id, nullptr)) return failure;
    }
    result_.instance = started->id;
    auto failure =
        prove(**runtime, *started, record.config, c, record.session_key == started->session_key);
    if (!failure) return say_ready();
    if (auto spec = x_.world.make_spec(record.config)) {
      blot_secrets(*failure, *spec);
      result_.log_tail = log_tail(**runtime, started->id, *spec);
    }
    if (auto stopped = (*runtime)->stop(cleanup_call(), started->id); !stopped)
      result_.undo_failure = std::move(stopped).error();
    return failure;
  }

  std::optional<error> perform(stop_workload const& s) {
    auto runtime = x_.world.runtime(s.runtime);
    if (!runtime) return std::move(runtime).error();
    say_started("stopping");
    if (auto stopped = (*runtime)->stop(cleanup_call(), s.instance); !stopped)
      return std::move(stopped).error();
    say_done("stopped");
    return std::nullopt;
  }

  std::optional<error> perform(prove_workload const& s) {
    auto runtime = x_.world.runtime(s.runtime);
    if (!runtime) return std::move(runtime).error();
    auto known = x_.store.workload(step_.subject);
    if (!known) return std::move(known).error();
    if (!*known) return fail(errc::not_found, "its record is gone");
    auto const& record = **known;
    auto const c = call_for(true);
    auto seen = (*runtime)->inspect(c, s.instance);
    if (!seen) return std::move(seen).error();
    say_started("asking whether it is ready");
    auto failure =
        prove(**runtime, *seen, record.config, c,
              record.session_key == seen->session_key && !record.initialize_result.empty());
    if (failure) {
      if (auto spec = x_.world.make_spec(record.config)) blot_secrets(*failure, *spec);
      return failure;
    }
    result_.instance = s.instance;
    return say_ready();
  }

  template <class Other>
  std::optional<error> perform(Other const&) {
    return std::nullopt;  // of the store alone: done at commit
  }

  std::optional<error> take_back(deploy_workload const& d) {
    auto removed = remove_instance(x_.world, x_.options, d.runtime, result_.instance);
    if (!removed) return std::move(removed).error();
    return std::nullopt;
  }

  std::optional<error> take_back(replace_workload const& r) {
    auto removed = remove_instance(x_.world, x_.options, r.runtime, result_.instance);
    if (!removed) return std::move(removed).error();
    return restore_previous(r.previous_runtime, r.previous);
  }

  std::optional<error> take_back(start_workload const& s) {
    auto runtime = x_.world.runtime(s.runtime);
    if (!runtime) return std::move(runtime).error();
    auto stopped = (*runtime)->stop(cleanup_call(), result_.instance);
    if (!stopped) return std::move(stopped).error();
    return std::nullopt;
  }

  std::optional<error> take_back(stop_workload const& s) { return start(s.runtime, s.instance); }

  template <class Other>
  std::optional<error> take_back(Other const&) {
    return std::nullopt;
  }

  step_context<Store>& x_;
  operation const& step_;
  step_result result_;
};

/// Does one step; on failure it has put back what it changed itself.
template <class Store>
step_result run_step(step_context<Store>& context, operation const& step) {
  return step_runner<Store>(context, step).run();
}

/// Takes a step back that had succeeded.
template <class Store>
std::optional<error> undo_step(step_context<Store>& context, operation const& step,
                               step_result const& done) {
  return step_runner<Store>(context, step).undo(done);
}

}  // namespace thv::plan::detail
