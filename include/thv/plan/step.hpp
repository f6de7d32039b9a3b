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

#include <thv/model/secret_reference.hpp>
#include <thv/plan/plan.hpp>
#include <thv/plan/plan_text.hpp>
#include <thv/plan/progress.hpp>
#include <thv/plan/prove.hpp>
#include <thv/plan/report.hpp>
#include <thv/plan/services.hpp>
#include <thv/store/store.hpp>

/// What the steps of a plan share.
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
  std::optional<error> failure;
  std::optional<error> undo_failure;      ///< what it had changed could not be put back
  aftermath left = aftermath::as_before;  ///< of one that failed
  std::string instance;                   ///< made or started
  bool was_running = false;               ///< the previous instance ran
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
inline result<void> remove_instance(services const& world, std::string const& runtime,
                                    std::string const& instance) {
  if (instance.empty()) return {};
  THV_TRY(auto* rt, world.runtime(runtime));
  return rt->remove(cleanup_call(), instance);
}

/// Puts `***` in the place of a value. One of under four characters is left: it would blot out half
/// of every text.
inline void blot(std::string& text, std::string_view value) {
  if (value.size() < 4) return;
  for (auto at = text.find(value); at != std::string::npos; at = text.find(value, at + 3))
    text.replace(at, value.size(), "***");
}

/// A value of several lines (a key, a document) is told line by line, and seldom with its last line
/// break. Short lines of it, as `{`, are no secret.
inline void blot_lines(std::string& text, std::string_view value) {
  blot(text, value);
  if (value.find('\n') == std::string_view::npos) return;
  while (!value.empty()) {
    auto line = value.substr(0, value.find('\n'));
    value.remove_prefix(std::min(line.size() + 1, value.size()));
    auto const start = std::min(line.find_first_not_of(" \t"), line.size());
    line = line.substr(start, line.find_last_not_of(" \t\r") + 1 - start);
    if (line.size() >= 8 || value.empty()) blot(text, line);
  }
}

/// Blots out the values of a workload's secrets.
inline void blot_secrets(std::string& text, plugin::workload_spec const& spec) {
  for (auto const& reference : spec.secret_names) {
    auto const parsed = parse_secret_reference(reference);
    auto const found = spec.environment.find(parsed ? parsed->target : reference);
    bool const is_path = parsed && parsed->as == secret_delivery::file;
    if (found != spec.environment.end() && !is_path) blot_lines(text, found->second);
  }
  for (auto const& [key, value] : spec.secret_files) blot_lines(text, value);
  for (auto const& [name, value] : spec.headers) blot_lines(text, value);
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

/// Of a step that is done when the plan is committed.
inline outcome store_outcome(action const& a) {
  if (std::holds_alternative<create_group>(a)) return outcome::created;
  if (std::holds_alternative<delete_group>(a)) return outcome::removed;
  if (std::holds_alternative<move_workload>(a)) return outcome::moved;
  return outcome::cancelled;
}

/// Of a step that succeeded.
inline outcome success_outcome(action const& a) {
  return std::visit(overloaded{
                        [](deploy_workload const&) { return outcome::deployed; },
                        [](replace_workload const&) { return outcome::replaced; },
                        [](start_workload const&) { return outcome::started; },
                        [](restart_workload const&) { return outcome::restarted; },
                        [](stop_workload const&) { return outcome::stopped; },
                        [](prove_workload const&) { return outcome::proved; },
                        [](move_workload const&) { return outcome::moved; },
                        [](create_group const&) { return outcome::created; },
                        [](delete_group const&) { return outcome::removed; },
                        [](remove_workload const&) { return outcome::removed; },
                        [](forget_workload const&) { return outcome::removed; },
                    },
                    a);
}

}  // namespace thv::plan::detail
