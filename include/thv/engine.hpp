// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <thv/engine/changer.hpp>
#include <thv/engine/choose_runtime.hpp>
#include <thv/engine/desire.hpp>
#include <thv/engine/observe.hpp>
#include <thv/engine/probe.hpp>
#include <thv/engine/requests.hpp>
#include <thv/engine/secret_use.hpp>
#include <thv/engine/spec.hpp>
#include <thv/engine/views.hpp>
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
    THV_TRY(auto all, store_.groups());
    for (auto const& name : options_.group_holders) {
      auto runtime = runtimes_.get(name);
      if (!runtime) continue;  // `runtime list` says why
      auto* holder = plugin::find_interface<plugin::group_holder>(**runtime);
      if (!holder) continue;
      plugin::call const c{std::chrono::steady_clock::now() + std::chrono::seconds(20), stop, {}};
      THV_TRY(auto const held, holder->groups(c));
      for (auto const& group : held)
        if (std::none_of(all.begin(), all.end(), [&](auto const& g) { return g.name == group; }))
          all.push_back({group, {}, {}, {}, 0});
    }
    std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.name < b.name; });
    return all;
  }

  /// errc::not_found with ToolHive's sentence.
  [[nodiscard]] result<group_view> show_group(std::string const& name, std::stop_token stop = {}) {
    THV_TRY(auto record, existing_group(name));
    THV_TRY(auto members, list(name, stop));
    return group_view{std::move(record), std::move(members)};
  }

  /// Workloads by name, of one group (which must exist) or all, as their runtimes see them now.
  [[nodiscard]] result<std::vector<workload_view>> list(
      std::optional<std::string> const& group = {}, std::stop_token stop = {}) {
    if (group) THV_CHECK(existing_group(*group));
    THV_TRY(auto records, store_.workloads());
    if (group) std::erase_if(records, [&](auto const& r) { return r.group != *group; });
    std::set<std::string> used;
    for (auto const& record : records) used.insert(record.runtime);
    auto const answers = list_instances(runtimes_, used, stop);
    std::vector<workload_view> views;
    for (auto& record : records)
      views.push_back(view_of(match_instance(std::move(record), answers)));
    return views;
  }

  /// One workload, with what its runtime does not enforce and where it answers.
  [[nodiscard]] result<workload_view> status(std::string const& name, std::stop_token stop = {}) {
    THV_TRY(auto record, existing_workload(name));
    auto const answers = list_instances(runtimes_, {record.runtime}, stop);
    auto view = view_of(match_instance(std::move(record), answers));
    if (auto const who = chooser_.identify(view.record.runtime))
      for (auto& text : plan::unenforced_permissions(view.record.config, *who))
        view.notes.push_back(std::move(text));
    auto runtime = runtimes_.get(view.record.runtime);
    plugin::call const c{std::chrono::steady_clock::now() + std::chrono::seconds(5), stop, {}};
    if (runtime && view.record.config.transport != transport::stdio)
      if (auto where = (*runtime)->where(c, view.record.instance)) view.url = where->url;
    return view;
  }

  /// Feeds the workload's log to `sink` (see plugin::runtime::logs).
  [[nodiscard]] result<void> logs(std::string const& name, plugin::log_options const& options,
                                  std::function<bool(std::string_view)> const& sink,
                                  std::stop_token stop = {}) {
    THV_TRY(auto const record, existing_workload(name));
    THV_TRY(auto* runtime, runtimes_.get(record.runtime));
    plugin::call c;
    c.stop = stop;
    return runtime->logs(c, record.instance, options, sink);
  }

  /// The run config of a workload, as `run --from-config` reads it.
  [[nodiscard]] result<run_config> export_config(std::string const& name) {
    THV_TRY(auto record, existing_workload(name));
    record.config.group = record.group;
    return std::move(record.config);
  }

  /// What interrupted commands left, as sentences; repairs nothing. Asks no runtime.
  [[nodiscard]] result<std::vector<std::string>> unfinished() {
    THV_TRY(auto const open, store_.open_operations());
    std::vector<std::string> said;
    for (auto const& op : open)
      if (!world_.is_alive(op.owner))
        said.push_back(fmt::format(
            "an interrupted '{}'{} was found; the next command that changes something repairs it",
            op.kind, op.group.empty() ? "" : " of group '" + op.group + "'"));
    return said;
  }

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
    auto const build = [&] { return desire_group_run(request, shape); };
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
      THV_TRY(auto wanted, desired_member(config, std::move(runtime), {}));
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
    THV_CHECK(existing_group(request.name));
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
    if (!request.from.empty()) THV_CHECK(existing_group(request.from));
    auto const locks = [&]() -> result<std::set<std::string>> {
      THV_TRY(auto names, groups_of({request.workloads, {}, false}));
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
    return change_selected("stop", which, o, [](plan::desired_workload& w) { w.running = false; });
  }

  /// Starts stopped workloads and proves them ready; running ones are left as they are. One whose
  /// secrets have other values than when it was made is made anew.
  [[nodiscard]] result<plan::report> start(selection const& which, change_options const& o = {}) {
    return change_selected("start", which, o, [this](plan::desired_workload& w) {
      if (auto const record = store_.workload(w.name); record && *record)
        renew_secrets(w, **record);
      w.running = true;
    });
  }

  /// Stops and starts workloads; they get the values that their secrets have now.
  [[nodiscard]] result<plan::report> restart(selection const& which, change_options const& o = {}) {
    return change_selected("restart", which, o, [this](plan::desired_workload& w) {
      if (auto const record = store_.workload(w.name); record && *record)
        renew_secrets(w, **record);
      w.running = true;
      w.restart = true;
    });
  }

  /// Makes the running workloads anew that were made with another value of one of these secrets
  /// than it has now. The others are left as they are. One that also needs a secret that cannot be
  /// had keeps running as it is; the report says so, and is only partly done.
  [[nodiscard]] result<plan::report> apply_secrets(std::set<std::string> const& names,
                                                   change_options const& o = {}) {
    auto const users = [this, names]() -> result<std::vector<store::workload_record>> {
      THV_TRY(auto records, store_.workloads());
      std::erase_if(records, [&](auto const& r) {
        auto const used = secrets_of(r.config);
        return r.phase != store::phase::present || !r.wanted_running ||
               std::none_of(names.begin(), names.end(), [&](auto& n) { return used.contains(n); });
      });
      return records;
    };
    std::vector<plan::note> kept;
    auto const build = [this, users, &kept]() -> result<plan::desired_state> {
      kept.clear();
      plan::desired_state desired{"secret set", {}, {}, {}};
      THV_TRY(auto const records, users());
      for (auto const& record : records) {
        auto wanted = desired_member(record.config, record.runtime, record.declared_by);
        if (!wanted) {
          kept.push_back({true, record.name, "goes on as it is: " + to_string(wanted.error())});
          continue;
        }
        wanted->renews = plan::renewal::at_once;
        desired.workloads.push_back(*std::move(wanted));
      }
      return desired;
    };
    auto const locks = [users]() -> result<std::set<std::string>> {
      THV_TRY(auto const records, users());
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
    auto const build = [&]() -> result<plan::desired_state> {
      plan::desired_state desired{"start", {}, {}, {}};
      for (auto const& name : names) {
        THV_TRY(auto const record, store_.workload(name));
        if (!record || record->phase != store::phase::present || !record->wanted_running) continue;
        plan::desired_workload wanted;
        wanted.name = name;
        renew_secrets(wanted, *record);
        wanted.running = true;
        desired.workloads.push_back(std::move(wanted));
      }
      return desired;
    };
    auto const locks = [&]() -> result<std::set<std::string>> {
      THV_TRY(auto const records, store_.workloads());
      std::set<std::string> groups;
      for (auto const& record : records)
        if (std::find(names.begin(), names.end(), record.name) != names.end())
          groups.insert(record.group);
      return groups;
    };
    return change(bulk(o), {}, locks, build);
  }

  /// Stops the instance of a workload without changing what is wanted of it: the next request
  /// starts it again (run_config::on_demand). One that is not wanted running is left alone.
  [[nodiscard]] result<void> put_to_sleep(plugin::call const& c, std::string const& name) {
    THV_TRY(auto const before, existing_workload(name));
    THV_TRY(auto const lock, store_.lock_group(c, before.group));
    THV_TRY(auto const record, existing_workload(name));
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
    return change_selected(
        "rm", which, o, [](plan::desired_workload& w) { w.present = false; }, how);
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

  // ---- desires --------------------------------------------------------------------------------

  result<plan::desired_workload> desired_member(run_config config, std::string runtime,
                                                std::string declared_by) const {
    plan::desired_workload wanted;
    wanted.name = config.name;
    wanted.runtime = std::move(runtime);
    wanted.group = config.group;
    wanted.running = true;
    wanted.declared_by = std::move(declared_by);
    auto const keep = [&](std::string const& reference, std::string const& name) -> result<void> {
      auto value = secrets_(name, config.group);
      if (!value) return std::move(value).error();
      wanted.secret_fingerprints[reference] = store_.keyed_hash(name + '\n' + *value);
      return {};
    };
    for (auto const& reference : config.secrets) {
      THV_TRY(auto const parsed, parse_secret_reference(reference));
      THV_CHECK(keep(reference, parsed.name));
    }
    for (auto const& [header, name] : config.secret_headers)
      THV_CHECK(keep(name + ",target=" + header, name));
    wanted.config = std::move(config);
    return wanted;
  }

  /// Lets a workload that is to be started be made anew if a secret of it has another value now.
  /// Where one cannot be had, it is left as it was made.
  void renew_secrets(plan::desired_workload& wanted, store::workload_record const& record) {
    if (record.phase != store::phase::present || secrets_of(record.config).empty()) return;
    auto renewed = desired_member(record.config, record.runtime, record.declared_by);
    if (!renewed) return;
    wanted = *std::move(renewed);
    wanted.renews = plan::renewal::when_started;
  }

  result<plan::desired_state> desire_group_run(group_run_request const& request,
                                               group_run_shape const& shape) {
    plan::desired_state desired{"group run", shape.group, {}, {}};
    desired.groups.push_back(
        {shape.group, true, shape.title, request.origin, slug(request.group.name)});
    for (auto const& member : shape.members) {
      THV_TRY(auto wanted, desired_member(member.config, member.runtime, shape.group));
      desired.workloads.push_back(std::move(wanted));
    }
    return desired;
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
    if (which.group) THV_CHECK(existing_group(*which.group));
    auto const build = [&]() -> result<plan::desired_state> {
      THV_TRY(auto const names, selected(which));
      plan::desired_state desired{kind, which.group.value_or(std::string()), {}, {}};
      for (auto const& name : names) {
        plan::desired_workload wanted;
        wanted.name = name;
        wish(wanted);
        desired.workloads.push_back(std::move(wanted));
      }
      return desired;
    };
    return change(
        bulk(o), how, [&] { return groups_of(which); }, build);
  }

  // ---- names ----------------------------------------------------------------------------------

  result<std::vector<std::string>> selected(selection const& which) {
    THV_TRY(auto const records, store_.workloads());
    std::vector<std::string> names;
    if (!which.all && !which.group) {
      for (auto const& name : which.names) {
        auto const known = std::any_of(records.begin(), records.end(),
                                       [&](auto const& r) { return r.name == name; });
        if (!known) return no_workload(name, records);
        names.push_back(name);
      }
      return names;
    }
    for (auto const& record : records)
      if (which.all || record.group == *which.group) names.push_back(record.name);
    return names;
  }

  /// The groups whose locks a command on these workloads needs.
  result<std::set<std::string>> groups_of(selection const& which) {
    THV_TRY(auto const names, selected(which));
    std::set<std::string> groups;
    if (which.group)
      groups.insert(*which.group);
    else
      groups.insert("default");  // of operations without a group of their own
    for (auto const& name : names) {
      THV_TRY(auto const record, store_.workload(name));
      if (record) groups.insert(record->group);
    }
    return groups;
  }

  result<store::group_record> existing_group(std::string const& name) {
    THV_TRY(auto found, store_.group(name));
    if (found) return *std::move(found);
    return fail(errc::not_found, fmt::format("group '{}' does not exist", name),
                "use 'thv-engine group list' to see available groups");
  }

  /// A group that a workload goes to: it exists, or may be made.
  result<void> group_for(std::string const& name) {
    if (options_.auto_create) return {};
    auto found = existing_group(name);
    if (!found) {
      found.error().hint = fmt::format(
          "create it with 'thv-engine group create {}', or set auto_create = true under "
          "[group_defaults]",
          name);
      return std::move(found).error();
    }
    return {};
  }

  result<store::workload_record> existing_workload(std::string const& name) {
    THV_TRY(auto found, store_.workload(name));
    if (found) return *std::move(found);
    THV_TRY(auto const records, store_.workloads());
    return no_workload(name, records);
  }

  Runtimes& runtimes_;
  Store& store_;
  secret_source secrets_;
  engine_options options_;
  runtime_chooser<Runtimes> chooser_;
  plan::services world_;
  changer<Runtimes, Store> changer_{runtimes_, store_, chooser_, world_, options_};
};

}  // namespace thv
