// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <thv/engine.hpp>
#include <thv/engine/secret_use.hpp>
#include <thv/gateway/backend.hpp>
#include <thv/gateway/revival.hpp>
#include <thv/gateway/supervisor.hpp>

namespace thv::gateway {

struct engine_backend_options {
  /// Do the members of that group return after the machine was restarted? Empty: none does.
  std::function<bool(std::string const& group)> autostart{};
  /// When this machine was started, in milliseconds since 1970.
  std::int64_t booted_at = machine_start();
  /// For a member from its start until it is ready.
  std::chrono::milliseconds start_time = std::chrono::seconds(120);
};

/// The members of an engine as the gateway needs them: what its store knows, the way to what its
/// runtimes run, and process members brought back when they end. The engine, its runtimes and its
/// store must outlive it. [thread-safe]
template <runtime_collection Runtimes, store::state_store Store>
class engine_backend final : public backend {
 public:
  using engine_type = basic_engine<Runtimes, Store>;

  engine_backend(engine_type& engine, Runtimes& runtimes, Store& store, secret_source secrets,
                 engine_backend_options options = {})
      : engine_(engine),
        runtimes_(runtimes),
        store_(store),
        secrets_(std::move(secrets)),
        options_(std::move(options)) {}

  result<std::vector<member>> members() override {
    THV_TRY(auto const records, store_.workloads());
    THV_TRY(auto const catalogues, store_.catalogues());
    std::vector<member> all;
    for (auto const& record : records) {
      if (record.phase != store::phase::present) continue;
      auto const found = catalogues.find(record.name);
      all.push_back(member_of(record, found == catalogues.end() ? nullptr : &found->second));
    }
    return all;
  }

  result<attachment> open(plugin::call const& c, std::string const& name) override {
    THV_TRY(auto record, present(name));
    THV_TRY(auto seen, look(c, record));
    if (!is_up(seen)) {
      THV_CHECK(bring_up(c, record, seen));
      THV_TRY(record, present(name));
      THV_TRY(seen, look(c, record));
      if (!is_up(seen)) return does_not_run(record, seen);
    }
    return way_to(c, record, *seen);
  }

  result<void> keep(std::string const& name, catalogue const& said) override {
    THV_TRY(auto record, present(name));
    {
      // What an instance said that was replaced meanwhile must not be taken for the new one's.
      std::lock_guard const lock(mutex_);
      auto const opened = opened_.find(name);
      if (opened == opened_.end() || opened->second.instance != record.instance ||
          opened->second.session_key != said.session_key)
        return {};
    }
    THV_CHECK(store_.put_catalogue(
        name, {said.session_key, said.revision, said.initialize_result, said.lists}));
    record.session_key = said.session_key;
    record.initialize_result = said.initialize_result;
    if (auto const tools = said.lists.find("tools/list"); tools != said.lists.end())
      record.tools = tool_names(tools->second);
    record.readiness = "ready";
    return store_.put_session(record);
  }

  result<void> sleep(plugin::call const& c, std::string const& name) override {
    return engine_.put_to_sleep(c, name);
  }

  /// Which members cannot start until a secret can be had, and the name of that secret.
  [[nodiscard]] std::map<std::string, std::string> waiting_for_secrets() const {
    std::lock_guard const lock(mutex_);
    return waiting_;
  }

  /// Told which member was started, or why it could not be.
  using tending_sink = std::function<void(std::string const& name, std::optional<error> failure)>;

  /// Starts members that ended and may be started, whoever asks for them or not. Returns how long
  /// to wait before it should be called again, if a member waits for its turn.
  std::optional<std::chrono::milliseconds> tend(plugin::call const& c, tending_sink const& tell);

  /// Waits until a member of a runtime without a supervisor of its own may have ended, or until the
  /// deadline or stop of the call.
  void wait_for_end(plugin::call const& c);

 private:
  struct opened {
    std::string instance;
    std::string session_key;
  };

  result<store::workload_record> present(std::string const& name) {
    THV_TRY(auto found, store_.workload(name));
    if (!found || found->phase != store::phase::present)
      return fail(errc::not_found, fmt::format("there is no MCP server '{}'", name));
    return *std::move(found);
  }

  /// The instance as its runtime sees it; nullopt: there is none.
  result<std::optional<plugin::instance>> look(plugin::call const& c,
                                               store::workload_record const& record) {
    auto runtime = runtimes_.get(record.runtime);
    if (!runtime) return unreachable(record, runtime.error());
    auto seen = (*runtime)->inspect(c, record.instance);
    if (seen) return std::optional(*std::move(seen));
    if (seen.error().code == errc::not_found) return std::optional<plugin::instance>();
    return unreachable(record, seen.error());
  }

  /// No daemon and no kubelet watches over the members of this runtime: we do.
  bool supervised_by_us(plugin::call const& c, std::string const& runtime) {
    {
      std::lock_guard const lock(mutex_);
      if (auto const known = bare_.find(runtime); known != bare_.end()) return known->second;
    }
    auto found = runtimes_.get(runtime);
    if (!found) return false;
    auto const who = (*found)->identify(c);
    if (!who) return false;
    std::lock_guard const lock(mutex_);
    return bare_[runtime] = who->bare_host;
  }

  /// Notes whether a member can have all its secrets now. errc::unavailable if not; `tell` hears
  /// of it once.
  result<void> check_secrets(store::workload_record const& record, tending_sink const& tell = {}) {
    auto const secret = missing_secret(record.config, secrets_);
    if (!secret.empty()) return wait_for_secret(record, secret, tell);
    wait_no_more(record.name);
    return {};
  }

  error wait_for_secret(store::workload_record const& record, std::string const& secret,
                        tending_sink const& tell) {
    bool known = false;
    {
      std::lock_guard const lock(mutex_);
      known = std::exchange(waiting_[record.name], secret) == secret;
    }
    auto waits = waits_for_secret(record, secret);
    if (tell && !known) tell(record.name, waits);
    return waits;
  }

  void wait_no_more(std::string const& name) {
    std::lock_guard const lock(mutex_);
    waiting_.erase(name);
  }

  /// Members that are not to run wait for nothing.
  void forget_waiting(std::vector<store::workload_record> const& records) {
    std::lock_guard const lock(mutex_);
    std::erase_if(waiting_, [&](auto const& entry) {
      return std::none_of(records.begin(), records.end(), [&](auto const& r) {
        return r.name == entry.first && r.wanted_running && r.phase == store::phase::present;
      });
    });
  }

  /// Does a command of another process work on it?
  bool is_being_changed(std::string const& name) {
    auto const open = store_.open_operations();
    if (!open) return false;
    auto const self = store::this_process();
    for (auto const& operation : *open) {
      if (operation.owner == self || !store::is_alive(operation.owner)) continue;
      auto const intents = store_.intents(operation.id);
      if (intents && std::any_of(intents->begin(), intents->end(),
                                 [&](auto const& i) { return i.workload == name && !i.done; }))
        return true;
    }
    return false;
  }

  /// Its secrets lay in memory, and the machine was restarted: its daemon cannot start it.
  bool lost_its_files(store::workload_record const& record,
                      std::optional<plugin::instance> const& seen) const {
    return seen && seen->started_at < options_.booted_at && has_secret_files(record.config);
  }

  revival_case case_of(plugin::call const& c, store::workload_record const& record,
                       std::optional<plugin::instance> const& seen) {
    return {record,
            seen,
            is_being_changed(record.name),
            supervised_by_us(c, record.runtime) || lost_its_files(record, seen),
            options_.autostart && options_.autostart(record.group),
            options_.booted_at};
  }

  result<void> bring_up(plugin::call const& c, store::workload_record const& record,
                        std::optional<plugin::instance> const& seen) {
    auto const now = may_start(case_of(c, record, seen), supervisor_);
    // One that waits for its turn and for a secret says the latter.
    bool const stays_down = !now && now.error().code != errc::conflict && !record.wanted_running;
    if (!stays_down) THV_CHECK(check_secrets(record));
    THV_CHECK(now);
    change_options how;
    how.stop = c.stop;
    how.lock_deadline = c.deadline;
    how.timeout = time_left(c, options_.start_time);
    auto const report = engine_.revive({record.name}, how);
    if (!report) return unreachable(record, report.error());
    auto failure = start_failure(*report, record.name);
    if (!failure) return {};
    if (failure->code != errc::cancelled)
      supervisor_.failed_to_start(record.name, supervisor::time_point::clock::now());
    return *std::move(failure);
  }

  result<attachment> way_to(plugin::call const& c, store::workload_record const& record,
                            plugin::instance const& seen) {
    THV_TRY(auto* runtime, runtimes_.get(record.runtime));
    attachment way;
    way.session_key = seen.session_key;
    if (streams(record.config)) {
      THV_TRY(way.stream, runtime->attach(c, record.instance));
      // It may have ended, or been started anew, between the two calls: only an instance that runs
      // after it was attached to is the one at the other end.
      auto const now = runtime->inspect(c, record.instance);
      if (!now || !is_up(*now)) {
        close_stream(*way.stream);
        return fail(errc::conflict, fmt::format("'{}' has just ended", record.name), "try again");
      }
      way.session_key = now->session_key;
    } else {
      THV_TRY(auto where, runtime->where(c, record.instance));
      for (auto const& [header, value] : record.config.plaintext_headers)
        where.headers[header] = value;
      for (auto const& [header, secret] : record.config.secret_headers) {
        auto value = secrets_(secret, record.group);
        if (!value) return wait_for_secret(record, secret, {});
        where.headers[header] = *std::move(value);
      }
      way.endpoint = std::move(where);
    }
    wait_no_more(record.name);
    THV_TRY(auto const now, present(record.name));
    THV_TRY(auto const catalogues, store_.catalogues());
    auto const found = catalogues.find(record.name);
    way.known = member_of(now, found == catalogues.end() ? nullptr : &found->second).known;
    std::lock_guard const lock(mutex_);
    opened_[record.name] = {record.instance, way.session_key};
    return way;
  }

  engine_type& engine_;
  Runtimes& runtimes_;
  Store& store_;
  secret_source secrets_;
  engine_backend_options options_;
  supervisor supervisor_;
  mutable std::mutex mutex_;
  std::map<std::string, opened> opened_;        ///< by member
  std::map<std::string, std::string> waiting_;  ///< member → secret
  std::map<std::string, bool> bare_;            ///< by runtime
};

template <runtime_collection Runtimes, store::state_store Store>
std::optional<std::chrono::milliseconds> engine_backend<Runtimes, Store>::tend(
    plugin::call const& c, tending_sink const& tell) {
  std::optional<std::chrono::milliseconds> again;
  auto const records = store_.workloads();
  if (!records) return again;
  forget_waiting(*records);
  std::map<std::string, std::vector<std::string>> dead;  // by group
  for (auto const& record : *records) {
    if (record.phase != store::phase::present || !record.wanted_running || record.config.on_demand)
      continue;
    if (!supervised_by_us(c, record.runtime) && !has_secret_files(record.config)) continue;
    auto const seen = look(c, record);
    if (!seen || is_up(*seen)) continue;
    if (may_start(case_of(c, record, *seen), supervisor_)) {
      if (check_secrets(record, tell)) dead[record.group].push_back(record.name);
      continue;
    }
    auto const wait = supervisor_.wait(record.name, supervisor::time_point::clock::now());
    if (wait.count() > 0) again = again ? std::min(*again, wait) : wait;
  }
  for (auto const& [group, names] : dead) {
    change_options how;
    how.stop = c.stop;
    how.timeout = options_.start_time;
    auto const report = engine_.revive(names, how);
    for (auto const& name : names) {
      auto const failure = report ? start_failure(*report, name) : report.error();
      if (failure && failure->code == errc::cancelled) continue;
      tell(name, failure);
      if (!failure) continue;
      auto const wait = supervisor_.failed_to_start(name, supervisor::time_point::clock::now());
      again = again ? std::min(*again, wait) : wait;
    }
  }
  return again;
}

template <runtime_collection Runtimes, store::state_store Store>
void engine_backend<Runtimes, Store>::wait_for_end(plugin::call const& c) {
  std::string watched;
  if (auto const records = store_.workloads())
    for (auto const& record : *records)
      if (watched.empty() && supervised_by_us(c, record.runtime)) watched = record.runtime;
  if (!watched.empty())
    if (auto runtime = runtimes_.get(watched)) {
      auto const ended = [](plugin::event const& e) { return e.kind != "die"; };
      if ((*runtime)->watch(c, ended)) return;
    }
  pause(c);
}

}  // namespace thv::gateway
