// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <thv/model/secret_reference.hpp>
#include <thv/plan/desired.hpp>
#include <thv/plan/difference.hpp>
#include <thv/plan/observed.hpp>
#include <thv/plan/plan.hpp>

namespace thv::plan {

namespace detail {

/// Builds one plan. Holds references to the arguments of `reconcile` for the time of that call.
class reconciler {
 public:
  reconciler(desired_state const& desired, observed_state const& observed,
             reconcile_options const& options)
      : desired_(desired), observed_(observed), options_(options) {
    plan_.kind = desired.kind;
    plan_.group = desired.group;
  }

  result<plan> run() {
    for (auto const& group : desired_.groups) want_group(group);
    for (auto const& workload : sorted_workloads()) want_workload(*workload);
    if (options_.registry_run) look_for_members_that_left();
    if (conflict_) return *conflict_;
    for (auto const& group : desired_.groups) drop_group(group);
    return std::move(plan_);
  }

 private:
  std::vector<desired_workload const*> sorted_workloads() const {
    std::vector<desired_workload const*> list;
    for (auto const& workload : desired_.workloads) list.push_back(&workload);
    std::sort(list.begin(), list.end(),
              [](auto const* a, auto const* b) { return a->name < b->name; });
    return list;
  }

  operation& add(std::string subject, action what, std::string cause) {
    operation step;
    step.id = static_cast<int>(plan_.operations.size()) + 1;
    step.subject = std::move(subject);
    step.action = std::move(what);
    step.cause = std::move(cause);
    plan_.operations.push_back(std::move(step));
    return plan_.operations.back();
  }

  void add_note(bool warning, std::string subject, std::string text) {
    plan_.notes.push_back({warning, std::move(subject), std::move(text)});
  }

  /// Conflicts are collected into one error, so that the user sees all of them at once.
  void add_conflict(errc code, std::string text, std::string hint) {
    if (conflict_)
      conflict_->message += "; " + text;
    else
      conflict_ = fail(code, std::move(text), std::move(hint));
  }

  void want_group(desired_group const& group) {
    if (!group.present) return;
    if (auto const known = observed_.groups.find(group.name); known != observed_.groups.end()) {
      auto const& before = known->second.registry_group;
      if (!before.empty() && !group.registry_group.empty() && before != group.registry_group)
        add_conflict(
            errc::already_exists,
            fmt::format("group '{}' was run from the registry group '{}'", group.name, before),
            "use --as GROUP to run this one under another name");
      return;
    }
    add(group.name,
        create_group{{group.name, group.title, group.registry, group.registry_group, 0}},
        "does not exist");
    group_step_ = static_cast<int>(plan_.operations.size());
  }

  void drop_group(desired_group const& group) {
    if (group.present || !observed_.groups.contains(group.name)) return;
    std::vector<int> before;
    for (auto const& step : plan_.operations) before.push_back(step.id);
    auto& step = add(group.name, delete_group{}, "asked for");
    step.depends_on = std::move(before);
    step.destructive = true;
  }

  void depend_on_group(operation& step) const {
    if (group_step_ != 0) step.depends_on.push_back(group_step_);
  }

  void want_workload(desired_workload const& wanted) {
    auto const found = observed_.workloads.find(wanted.name);
    if (!wanted.present) {
      if (found != observed_.workloads.end()) drop_workload(found->second, "asked for");
      return;
    }
    if (found == observed_.workloads.end()) return want_new_workload(wanted);
    want_existing_workload(wanted, found->second);
  }

  void want_new_workload(desired_workload const& wanted) {
    if (!wanted.config) {
      add_conflict(errc::not_found, fmt::format("workload '{}' does not exist", wanted.name),
                   "use 'thv-engine list --all' to see the workloads");
      return;
    }
    for (auto const& other : observed_.foreign)
      if (other.runtime == wanted.runtime && other.name == wanted.name)
        return add_conflict(
            errc::conflict,
            fmt::format("the name '{}' is taken on runtime '{}' by an instance {}", other.name,
                        other.runtime,
                        other.store.empty() ? "that thv-engine did not make"
                                            : "of another thv-engine store (" + other.store + ")"),
            "remove it with the program that made it, or choose another name "
            "(--name, or --prefix for a group run)");
    auto& step = add(wanted.name,
                     deploy_workload{*wanted.config, wanted.runtime, wanted.declared_by,
                                     wanted.secret_fingerprints},
                     "not deployed yet");
    step.optional = wanted.config->optional;
    depend_on_group(step);
    check_secret_files(*wanted.config, wanted.runtime);
    note_limits(*wanted.config, wanted.runtime);
  }

  void want_existing_workload(desired_workload const& wanted, observed_workload const& seen) {
    auto const& record = seen.record;
    if (wanted.group && *wanted.group != record.group && !settle_group(wanted, record)) return;
    if (wanted.config && wanted.renews == renewal::none && conflicts_with_existing(wanted, record))
      return;
    if (seen.runtime_error) {
      add_conflict(errc::unavailable,
                   fmt::format("runtime '{}', which holds '{}', does not answer: {}",
                               record.runtime, record.name, to_string(*seen.runtime_error)),
                   "start it; if it is gone for good, use 'thv-engine group delete --forget'");
      return;
    }
    if (wanted.config) return want_config(wanted, seen);
    want_running(wanted, seen);
  }

  /// True if the workload is to be looked at further, in the group that it is to be in.
  bool settle_group(desired_workload const& wanted, store::workload_record const& record) {
    bool const moved_by_user = options_.registry_run && record.declared_by == wanted.declared_by;
    if (options_.registry_run && !moved_by_user) {
      add_conflict(
          errc::already_exists,
          fmt::format("MCP server '{}' already exists in group '{}'", record.name, record.group),
          fmt::format("use --as GROUP and --prefix PREFIX to run this group beside it, or "
                      "'thv-engine rm {}' to remove it first",
                      record.name));
      return false;
    }
    if (moved_by_user && !options_.reclaim) {
      add_note(false, record.name,
               fmt::format("was moved to group '{}' and stays there; --reclaim takes it back",
                           record.group));
      return false;
    }
    auto& step = add(record.name, move_workload{record.group, *wanted.group}, "asked for");
    depend_on_group(step);
    return true;
  }

  bool conflicts_with_existing(desired_workload const& wanted,
                               store::workload_record const& record) {
    if (options_.registry_run) {
      if (record.declared_by == wanted.declared_by) return false;
      add_conflict(
          errc::already_exists,
          fmt::format("MCP server '{}' already exists in group '{}', not run from this registry "
                      "group",
                      record.name, record.group),
          fmt::format("use --prefix PREFIX to run under other names, or 'thv-engine rm {}' to "
                      "remove it first",
                      record.name));
      return true;
    }
    add_conflict(
        errc::already_exists,
        wanted.group && *wanted.group != record.group
            ? fmt::format("workload '{}' is already in group '{}'", record.name, record.group)
            : fmt::format("workload with name '{}' already exists", record.name),
        fmt::format("choose another --name, or remove it with 'thv-engine rm {}'", record.name));
    return true;
  }

  void want_config(desired_workload const& wanted, observed_workload const& seen) {
    auto const& record = seen.record;
    bool const starts = wanted.restart || !seen.instance || !is_up(seen.instance->state);
    if (wanted.renews == renewal::when_started && !starts) return want_running(wanted, seen);
    auto causes = instance_differences(record.config, *wanted.config);
    auto const rotated = rotated_secrets(record.secret_fingerprints, wanted.secret_fingerprints);
    causes.insert(causes.end(), rotated.begin(), rotated.end());
    if (wanted.runtime != record.runtime)
      causes.push_back(fmt::format("runtime {} instead of {}", wanted.runtime, record.runtime));
    if (!seen.instance) {
      auto& step = add(record.name,
                       deploy_workload{*wanted.config, wanted.runtime, wanted.declared_by,
                                       wanted.secret_fingerprints},
                       "its instance is gone");
      step.optional = wanted.config->optional;
      depend_on_group(step);
    } else if (!causes.empty()) {
      auto& step =
          add(record.name,
              replace_workload{*wanted.config, wanted.runtime, wanted.declared_by,
                               wanted.secret_fingerprints, record.runtime, record.instance},
              fmt::format("{}", fmt::join(causes, ", ")));
      step.optional = wanted.config->optional;
      depend_on_group(step);
    } else {
      return want_running(wanted, seen);
    }
    check_secret_files(*wanted.config, wanted.runtime);
    note_limits(*wanted.config, wanted.runtime);
  }

  void want_running(desired_workload const& wanted, observed_workload const& seen) {
    auto const& record = seen.record;
    if (!wanted.running) {
      if (!options_.registry_run && wanted.group) return note_if_untouched(record.name);
      return unchanged(record.name);
    }
    bool const runs = seen.instance && is_up(seen.instance->state);
    if (!*wanted.running) {
      if (!runs && !record.wanted_running) return unchanged(record.name);
      add(record.name, stop_workload{record.runtime, record.instance}, "asked for");
      return;
    }
    if (!seen.instance) {
      auto& step = add(record.name,
                       deploy_workload{record.config, record.runtime, record.declared_by,
                                       wanted.secret_fingerprints},
                       "its instance is gone");
      step.optional = record.config.optional;
      return;
    }
    auto mark_optional = [&](operation& step) { step.optional = record.config.optional; };
    if (!runs)
      mark_optional(add(record.name, start_workload{record.runtime, record.instance},
                        fmt::format("is {}", to_string(seen.instance->state))));
    else if (wanted.restart)
      mark_optional(
          add(record.name, restart_workload{record.runtime, record.instance}, "asked for"));
    else if (record.readiness != "ready" || record.session_key != seen.instance->session_key)
      mark_optional(add(record.name, prove_workload{record.runtime, record.instance},
                        record.readiness.empty() ? "not proved ready yet"
                                                 : "started again since it was proved ready"));
    else
      unchanged(record.name);
  }

  static bool is_up(workload_state state) {
    return state == workload_state::running || state == workload_state::starting ||
           state == workload_state::unauthenticated;
  }

  void note_if_untouched(std::string const& name) {
    bool const touched = !plan_.operations.empty() && plan_.operations.back().subject == name;
    if (!touched) unchanged(name);
  }

  void unchanged(std::string const& name) { plan_.unchanged.push_back(name); }

  void drop_workload(observed_workload const& seen, std::string cause) {
    auto const& record = seen.record;
    if (seen.runtime_error) {
      if (!options_.forget)
        return add_conflict(
            errc::unavailable,
            fmt::format("runtime '{}', which holds '{}', does not answer: {}", record.runtime,
                        record.name, to_string(*seen.runtime_error)),
            "start it and try again; if it is gone for good, --forget drops what it held");
      add(record.name, forget_workload{record.runtime}, std::move(cause)).destructive = true;
      return;
    }
    add(record.name,
        remove_workload{record.runtime, seen.instance ? record.instance : std::string()},
        std::move(cause))
        .destructive = true;
  }

  /// A secret as a file is not given in another way where the chosen runtime cannot: a variable can
  /// be read by more than a file.
  void check_secret_files(run_config const& config, std::string const& runtime) {
    auto const found = observed_.runtimes.find(runtime);
    if (found == observed_.runtimes.end() || found->second.secret_files) return;
    std::vector<std::string> names;
    for (auto const& reference : config.secrets)
      if (auto const parsed = parse_secret_reference(reference);
          parsed && parsed->as == secret_delivery::file)
        names.push_back(parsed->name);
    if (names.empty()) return;
    bool const url = config.origin().kind == source_kind::url;
    add_conflict(
        errc::unsupported,
        fmt::format("'{}' is to get the secret{} {} as a file, which runtime '{}' cannot give",
                    config.name, names.size() == 1 ? "" : "s", fmt::join(names, ", "), runtime),
        url ? "a remote server gets secrets as headers"
            : "leave out ',as=file' to give it as a variable, or use a runtime that can: process, "
              "or docker with its engine on this machine");
  }

  /// What the chosen runtime cannot enforce of the profile, and that it confines nothing.
  void note_limits(run_config const& config, std::string const& runtime) {
    auto const found = observed_.runtimes.find(runtime);
    if (found == observed_.runtimes.end()) return;
    for (auto& text : unenforced(config, found->second)) add_note(true, config.name, text);
  }

 public:
  /// Sentences for what `runtime` cannot enforce of the workload's permissions.
  static std::vector<std::string> unenforced(run_config const& config,
                                             plugin::fingerprint const& runtime) {
    std::vector<std::string> texts;
    if (config.origin().kind == source_kind::url) return texts;
    if (runtime.bare_host) texts.push_back("runs as a plain process on this machine, unconfined");
    if (!config.permission_profile) return texts;
    auto const& profile = *config.permission_profile;
    std::vector<std::string> parts;
    if (!runtime.enforces_outbound_rules && !profile.network.outbound_allow_all &&
        profile.network.mode != "none")
      parts.push_back("outbound network rules");
    else if (!runtime.enforces_outbound_rules && (!profile.network.outbound_allow_host.empty() ||
                                                  !profile.network.outbound_allow_port.empty()))
      parts.push_back("outbound hosts and ports");
    if (!runtime.enforces_mounts && (!profile.read.empty() || !profile.write.empty()))
      parts.push_back("read and write paths");
    if (!runtime.enforces_network_mode && !profile.network.mode.empty())
      parts.push_back("network mode " + profile.network.mode);
    if (!profile.network.inbound_allow_host.empty()) parts.push_back("inbound hosts");
    if (!parts.empty())
      texts.push_back(fmt::format("not enforced by this runtime: {}", fmt::join(parts, ", ")));
    return texts;
  }

 private:
  void look_for_members_that_left() {
    std::set<std::string_view> declared;
    for (auto const& wanted : desired_.workloads) declared.insert(wanted.name);
    for (auto const& [name, seen] : observed_.workloads) {
      auto const& record = seen.record;
      if (record.group != desired_.group || record.declared_by != desired_.group) continue;
      if (declared.contains(record.name)) continue;
      if (options_.prune)
        drop_workload(seen, "left the registry group");
      else
        add_note(false, name, "left the registry group and is kept; --prune removes it");
    }
  }

  desired_state const& desired_;
  observed_state const& observed_;
  reconcile_options const& options_;
  plan plan_;
  std::optional<error> conflict_;
  int group_step_ = 0;
};

}  // namespace detail

/// What must be done so that the observed world becomes the desired one. Pure and total: no I/O, no
/// clock, and equal arguments give equal plans; steps are ordered by name. Errors (all conflicts in
/// one): errc::already_exists, errc::not_found, errc::conflict, errc::unavailable.
[[nodiscard]] inline result<plan> reconcile(desired_state const& desired,
                                            observed_state const& observed,
                                            reconcile_options const& options = {}) {
  return detail::reconciler(desired, observed, options).run();
}

/// Sentences for the parts of a workload's permissions that `runtime` does not enforce.
[[nodiscard]] inline std::vector<std::string> unenforced_permissions(
    run_config const& config, plugin::fingerprint const& runtime) {
  return detail::reconciler::unenforced(config, runtime);
}

}  // namespace thv::plan
