// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <thv/engine/desire.hpp>
#include <thv/engine/requests.hpp>
#include <thv/engine/secret_use.hpp>
#include <thv/engine/spec.hpp>
#include <thv/model/names.hpp>
#include <thv/plan/desired.hpp>
#include <thv/plan/plan.hpp>
#include <thv/store/store.hpp>

namespace thv {

/// What commands wish for, given the values that secrets have now. Part of basic_engine, whose
/// members it refers to.
template <store::state_store Store>
class wishes {
 public:
  wishes(Store& store, secret_source const& secrets) : store_(store), secrets_(secrets) {}

  /// A member that is to run as configured. Fails where a secret of it cannot be had.
  result<plan::desired_workload> member(run_config config, std::string runtime,
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

  /// A workload that is to run as it was made; or, if a secret of it has another value now, made
  /// anew. Where one cannot be had, it is left as it was made.
  result<plan::desired_workload> running(std::string const& name) const {
    plan::desired_workload wanted;
    wanted.name = name;
    THV_TRY(auto const record, store_.workload(name));
    if (record && record->phase == store::phase::present && !secrets_of(record->config).empty())
      if (auto renewed = member(record->config, record->runtime, record->declared_by)) {
        wanted = *std::move(renewed);
        wanted.renews = plan::renewal::when_started;
      }
    wanted.running = true;
    return wanted;
  }

  result<plan::desired_state> group_run(group_run_request const& request,
                                        group_run_shape const& shape) const {
    plan::desired_state desired{"group run", shape.group, {}, {}};
    desired.groups.push_back(
        {shape.group, true, shape.title, request.origin, slug(request.group.name)});
    for (auto const& one : shape.members) {
      THV_TRY(auto wanted, member(one.config, one.runtime, shape.group));
      desired.workloads.push_back(std::move(wanted));
    }
    return desired;
  }

  /// Those of some workloads that are wanted running are to run.
  result<plan::desired_state> revival(std::vector<std::string> const& names) const {
    plan::desired_state desired{"start", {}, {}, {}};
    for (auto const& name : names) {
      THV_TRY(auto const record, store_.workload(name));
      if (!record || record->phase != store::phase::present || !record->wanted_running) continue;
      THV_TRY(auto wanted, running(name));
      desired.workloads.push_back(std::move(wanted));
    }
    return desired;
  }

  /// The workloads that are wanted running and are given one of these secrets.
  result<std::vector<store::workload_record>> users_of(std::set<std::string> const& secrets) const {
    THV_TRY(auto records, store_.workloads());
    std::erase_if(records, [&](auto const& r) {
      auto const used = secrets_of(r.config);
      return r.phase != store::phase::present || !r.wanted_running ||
             std::none_of(secrets.begin(), secrets.end(),
                          [&](auto const& name) { return used.contains(name); });
    });
    return records;
  }

  /// The users of these secrets are to have their values of now. `kept` notes those that go on as
  /// they are, since another secret of theirs cannot be had.
  result<plan::desired_state> renewal(std::set<std::string> const& secrets,
                                      std::vector<plan::note>& kept) const {
    kept.clear();
    plan::desired_state desired{"secret set", {}, {}, {}};
    THV_TRY(auto const records, users_of(secrets));
    for (auto const& record : records) {
      auto wanted = member(record.config, record.runtime, record.declared_by);
      if (!wanted) {
        kept.push_back({true, record.name, "goes on as it is: " + to_string(wanted.error())});
        continue;
      }
      wanted->renews = plan::renewal::at_once;
      desired.workloads.push_back(*std::move(wanted));
    }
    return desired;
  }

 private:
  Store& store_;
  secret_source const& secrets_;
};

}  // namespace thv
