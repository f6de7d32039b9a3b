// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <thv/engine/changer.hpp>
#include <thv/engine/choose_runtime.hpp>
#include <thv/engine/desire.hpp>
#include <thv/engine/lookup.hpp>
#include <thv/engine/probe.hpp>
#include <thv/engine/requests.hpp>
#include <thv/engine/spec.hpp>
#include <thv/engine/state_reader.hpp>
#include <thv/engine/views.hpp>
#include <thv/engine/wishes.hpp>
#include <thv/model/names.hpp>
#include <thv/model/run_config_json.hpp>
#include <thv/plan/reconcile.hpp>
#include <thv/plan/report.hpp>
#include <thv/plugin/collection.hpp>
#include <thv/store/process_identity.hpp>
#include <thv/store/store.hpp>

namespace thv {

/// The engine: groups of MCP servers on any runtime, as one unit. It never prompts, prints or
/// exits. Everything that changes something goes one way: lock the groups, observe, reconcile into
/// a plan, execute it. Holds references: runtimes and store must outlive it. All functions are
/// thread-safe and block. Errors are returned when nothing was begun; how an execution went stands
/// in the report.
template <runtime_collection Runtimes, store::state_store Store,
          class Clock = std::chrono::system_clock>
class basic_engine {
 public:
  basic_engine(Runtimes& runtimes, Store& store, secret_source secrets = no_secrets,
               engine_options options = {})
      : runtimes_(runtimes),
        store_(store),
        secrets_(std::move(secrets)),
        options_(std::move(options)),
        chooser_(runtimes, options_.default_runtime) {
    world_.runtime = [this](std::string const& name) { return runtimes_.get(name); };
    world_.make_spec = [this](run_config const& config) {
      return thv::make_spec(config, std::string(store_.id()),
                            store_.keyed_hash(canonical_text(config)), secrets_);
    };
    world_.probe = options_.probe;
    if (!world_.probe)
      world_.probe = [this](plugin::call const& c, plugin::runtime& runtime,
                            plugin::instance const& instance, run_config const& config,
                            bool initialised) {
        return probe_instance(c, runtime, instance, config, initialised, secrets_);
      };
    world_.now = [] {
      return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch())
          .count();
    };
    world_.is_alive = [](store::process_identity const& who) { return store::is_alive(who); };
    world_.self = store::this_process();
  }
  basic_engine(basic_engine const&) = delete;
  basic_engine& operator=(basic_engine const&) = delete;

  // ---- reading --------------------------------------------------------------------------------

  /// All groups by name: those of the store, and those that the runtimes of
  /// `engine_options::group_holders` hold themselves. Asks no other runtime. A holder that does not
  /// answer is an error: a list without its groups would be wrong.
  [[nodiscard]] result<std::vector<store::group_record>> groups(std::stop_token stop = {}) {
    return reader_.groups(options_.group_holders, stop);
  }

  /// errc::not_found with ToolHive's sentence.
  [[nodiscard]] result<group_view> show_group(std::string const& name, std::stop_token stop = {}) {
    THV_TRY(auto record, lookup_.group(name));
    THV_TRY(auto members, list(name, stop));
    return group_view{std::move(record), std::move(members)};
  }

  /// Workloads by name, of one group (which must exist) or all, as their runtimes see them now.
  [[nodiscard]] result<std::vector<workload_view>> list(
      std::optional<std::string> const& group = {}, std::stop_token stop = {}) {
    return reader_.list(group, stop);
  }

  /// One workload, with what its runtime does not enforce and where it answers.
  [[nodiscard]] result<workload_view> status(std::string const& name, std::stop_token stop = {}) {
    return reader_.status(name, stop);
  }

  /// Feeds the workload's log to `sink` (see plugin::runtime::logs).
  [[nodiscard]] result<void> logs(std::string const& name, plugin::log_options const& options,
                                  std::function<bool(std::string_view)> const& sink,
                                  std::stop_token stop = {}) {
    THV_TRY(auto const record, lookup_.workload(name));
    THV_TRY(auto* runtime, runtimes_.get(record.runtime));
    plugin::call c;
    c.stop = stop;
    return runtime->logs(c, record.instance, options, sink);
  }

  /// The run config of a workload, as `run --from-config` reads it.
  [[nodiscard]] result<run_config> export_config(std::string const& name) {
    THV_TRY(auto record, lookup_.workload(name));
    record.config.group = record.group;
    return std::move(record.config);
  }

  /// What interrupted commands left, as sentences; repairs nothing. Asks no runtime.
  [[nodiscard]] result<std::vector<std::string>> unfinished() { return reader_.unfinished(world_); }

  // ---- changing -------------------------------------------------------------------------------

  /// errc::already_exists, errc::invalid_argument (ToolHive's rules).
  [[nodiscard]] result<void> create_group(std::string const& name, change_options const& o = {}) {
    THV_CHECK(validate_group_name(name));
    THV_CHECK(changer_.repair(o));
    return store_.create_group({name, {}, {}, {}, world_.now()});
  }

  /// Runs all members of a registry group.
  [[nodiscard]] result<plan::report> group_run(group_run_request const& request,
                                               change_options const& o = {}) {
    THV_TRY(auto const shape, shape_of(request));
    auto const build = [&] { return wishes_.group_run(request, shape); };
    plan::reconcile_options how;
    how.registry_run = true;
    how.prune = request.prune;
    how.reclaim = request.reclaim;
    return change(
        o, how, [&] { return result<std::set<std::string>>({shape.group}); }, build);
  }

  /// Runs one workload.
  [[nodiscard]] result<plan::report> run(run_request const& request, change_options const& o = {}) {
    auto config = request.config;
    if (config.group.empty()) config.group = "default";
    THV_CHECK(validate_group_name(config.group));
    THV_CHECK(validate_workload_name(config.name));
    auto const build = [&]() -> result<plan::desired_state> {
      THV_CHECK(group_for(config.group));
      THV_TRY(auto runtime, chooser_.choose(config.name, {config.origin().kind}, config.runtime));
      plan::desired_state desired{"run", config.group, {{.name = config.group}}, {}};
      THV_TRY(auto wanted, wishes_.member(config, std::move(runtime), {}));
      desired.workloads.push_back(std::move(wanted));
      return desired;
    };
    return change(
        o, {}, [&] { return result<std::set<std::string>>({config.group}); }, build);
  }

  /// Deletes a group with all its members, or moves them to `default`.
  [[nodiscard]] result<plan::report> delete_group(delete_group_request const& request,
                                                  change_options const& o = {}) {
    if (request.name == "default")
      return fail(errc::invalid_argument, "cannot delete the default group",
                  "the 'default' group is reserved for workloads that are not assigned to any "
                  "other group");
    THV_CHECK(lookup_.group(request.name));
    plan::reconcile_options how;
    how.forget = request.forget;
    auto const locks = [&] {
      std::set<std::string> names{request.name};
      if (request.keep_workloads) names.insert("default");
      return result<std::set<std::string>>(names);
    };
    auto const build = [&]() -> result<plan::desired_state> {
      THV_TRY(auto const records, store_.workloads());
      return desire_deletion(request, records);
    };
    return change(bulk(o), how, locks, build);
  }

  /// Moves workloads to another group. Nothing is restarted.
  [[nodiscard]] result<plan::report> move(move_request const& request,
                                          change_options const& o = {}) {
    THV_CHECK(validate_group_name(request.to));
    if (!request.from.empty()) THV_CHECK(lookup_.group(request.from));
    auto const locks = [&]() -> result<std::set<std::string>> {
      THV_TRY(auto names, lookup_.groups_of(selection{request.workloads, {}, false}));
      names.insert(request.to);
      return names;
    };
    auto const build = [&]() -> result<plan::desired_state> {
      THV_CHECK(group_for(request.to));
      THV_TRY(auto const records, store_.workloads());
      return desire_move(request, records);
    };
    return change(o, {}, locks, build);
  }

  /// Stops running workloads; stopped ones are left as they are.
  [[nodiscard]] result<plan::report> stop(selection const& which, change_options const& o = {}) {
    return change_selected("stop", which, o, [](std::string const& name) {
      plan::desired_workload wanted;
      wanted.name = name;
      wanted.running = false;
      return result(wanted);
    });
  }

  /// Starts stopped workloads and proves them ready; running ones are left as they are. One whose
  /// secrets have other values than when it was made is made anew.
  [[nodiscard]] result<plan::report> start(selection const& which, change_options const& o = {}) {
    return change_selected("start", which, o,
                           [this](std::string const& name) { return wishes_.running(name); });
  }

  /// Stops and starts workloads; they get the values that their secrets have now. One that does not
  /// come back is stopped: member_report::left.
  [[nodiscard]] result<plan::report> restart(selection const& which, change_options const& o = {}) {
    return change_selected("restart", which, o, [this](std::string const& name) {
      auto wanted = wishes_.running(name);
      if (wanted) wanted->restart = true;
      return wanted;
    });
  }

  /// Makes the running workloads anew that were made with another value of one of these secrets
  /// than it has now. The others are left as they are. One that also needs a secret that cannot be
  /// had keeps running as it is; the report says so, and is only partly done.
  [[nodiscard]] result<plan::report> apply_secrets(std::set<std::string> const& names,
                                                   change_options const& o = {}) {
    std::vector<plan::note> kept;
    auto const build = [&] { return wishes_.renewal(names, kept); };
    auto const locks = [&]() -> result<std::set<std::string>> {
      THV_TRY(auto const records, wishes_.users_of(names));
      std::set<std::string> groups{"default"};
      for (auto const& record : records) groups.insert(record.group);
      return groups;
    };
    auto report = change(bulk(o), {}, locks, build);
    if (!report || kept.empty()) return report;
    report->planned.notes.insert(report->planned.notes.end(), kept.begin(), kept.end());
    if (report->status == plan::completion::done) report->status = plan::completion::partly_done;
    return report;
  }

  /// Starts those of some workloads that are wanted running and do not run: for who watches over
  /// them. What a command has stopped or removed meanwhile stays as it is.
  [[nodiscard]] result<plan::report> revive(std::vector<std::string> const& names,
                                            change_options const& o = {}) {
    return change(
        bulk(o), {}, [&] { return lookup_.groups_of(names); },
        [&] { return wishes_.revival(names); });
  }

  /// Stops the instance of a workload without changing what is wanted of it: the next request
  /// starts it again (run_config::on_demand). One that is not wanted running is left alone.
  [[nodiscard]] result<void> put_to_sleep(plugin::call const& c, std::string const& name) {
    THV_TRY(auto const before, lookup_.workload(name));
    THV_TRY(auto const lock, store_.lock_group(c, before.group));
    THV_TRY(auto const record, lookup_.workload(name));
    if (record.phase != store::phase::present || record.group != before.group) return {};
    if (!record.wanted_running || !record.config.on_demand) return {};
    THV_TRY(auto* runtime, runtimes_.get(record.runtime));
    return runtime->stop(c, record.instance);
  }

  /// Stops and removes workloads. Their groups stay.
  [[nodiscard]] result<plan::report> remove(selection const& which, bool forget = false,
                                            change_options const& o = {}) {
    plan::reconcile_options how;
    how.forget = forget;
    auto const wish = [](std::string const& name) {
      plan::desired_workload wanted;
      wanted.name = name;
      wanted.present = false;
      return result(wanted);
    };
    return change_selected("rm", which, o, wish, how);
  }

 private:
  static result<std::string> no_secrets(std::string const& name, std::string const&) {
    return fail(errc::not_found, fmt::format("no value for secret '{}'", name),
                "this engine was made without a source of secrets");
  }

  /// Bulk commands go on with the others when one fails.
  static change_options bulk(change_options o) {
    o.keep_going = true;
    return o;
  }

  template <class Locks, class Build>
  result<plan::report> change(change_options const& o, plan::reconcile_options const& how,
                              Locks const& locks, Build const& build) {
    return changer_.change(o, how, locks, build);
  }

  /// Chooses each member's runtime and form, and checks all that can be checked before a change.
  result<group_run_shape> shape_of(group_run_request const& request) {
    return shape_group_run(request,
                           [this](registry::server const& server, std::string const& wanted)
                               -> result<std::pair<std::string, std::vector<source_kind>>> {
                             auto const offered = registry::source_kinds(server);
                             THV_TRY(auto name, chooser_.choose(server.name, offered, wanted));
                             if (server.remote()) return std::pair{name, offered};
                             THV_TRY(auto const who, chooser_.identify(name));
                             return std::pair{name, who.runs};
                           });
  }

  template <class Wish>
  result<plan::report> change_selected(char const* kind, selection const& which,
                                       change_options const& o, Wish const& wish,
                                       plan::reconcile_options const& how = {}) {
    if (which.group) THV_CHECK(lookup_.group(*which.group));
    auto const build = [&]() -> result<plan::desired_state> {
      THV_TRY(auto const names, lookup_.selected(which));
      plan::desired_state desired{kind, which.group.value_or(std::string()), {}, {}};
      for (auto const& name : names) {
        THV_TRY(auto wanted, wish(name));
        desired.workloads.push_back(std::move(wanted));
      }
      return desired;
    };
    return change(
        bulk(o), how, [&] { return lookup_.groups_of(which); }, build);
  }

  /// A group that a workload goes to: it exists, or may be made.
  result<void> group_for(std::string const& name) {
    if (options_.auto_create) return {};
    auto found = lookup_.group(name);
    if (!found) {
      found.error().hint = fmt::format(
          "create it with 'thv-engine group create {}', or set auto_create = true under "
          "[group_defaults]",
          name);
      return std::move(found).error();
    }
    return {};
  }

  Runtimes& runtimes_;
  Store& store_;
  secret_source secrets_;
  engine_options options_;
  runtime_chooser<Runtimes> chooser_;
  plan::services world_;
  lookup<Store> lookup_{store_};
  state_reader<Runtimes, Store> reader_{runtimes_, store_, chooser_};
  wishes<Store> wishes_{store_, secrets_};
  changer<Runtimes, Store> changer_{runtimes_, store_, chooser_, world_, options_};
};

}  // namespace thv
