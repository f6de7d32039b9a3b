// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <thv/engine/choose_runtime.hpp>
#include <thv/engine/desire.hpp>
#include <thv/engine/lookup.hpp>
#include <thv/engine/observe.hpp>
#include <thv/engine/requests.hpp>
#include <thv/engine/views.hpp>
#include <thv/plan/reconcile.hpp>
#include <thv/plan/services.hpp>
#include <thv/plugin/collection.hpp>
#include <thv/store/store.hpp>

namespace thv {

/// Reads groups and workloads as their runtimes see them. Part of basic_engine, which says what its
/// functions do and whose members it refers to.
template <runtime_collection Runtimes, store::state_store Store>
class state_reader {
 public:
  state_reader(Runtimes& runtimes, Store& store, runtime_chooser<Runtimes>& chooser)
      : runtimes_(runtimes), store_(store), chooser_(chooser), lookup_(store) {}

  result<std::vector<store::group_record>> groups(std::vector<std::string> const& holders,
                                                  std::stop_token stop) {
    THV_TRY(auto all, store_.groups());
    for (auto const& name : holders) {
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

  result<std::vector<workload_view>> list(std::optional<std::string> const& group,
                                          std::stop_token stop) {
    if (group) THV_CHECK(lookup_.group(*group));
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

  result<workload_view> status(std::string const& name, std::stop_token stop) {
    THV_TRY(auto record, lookup_.workload(name));
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

  result<std::vector<std::string>> unfinished(plan::services const& world) {
    THV_TRY(auto const open, store_.open_operations());
    std::vector<std::string> said;
    for (auto const& op : open)
      if (!world.is_alive(op.owner))
        said.push_back(fmt::format(
            "an interrupted '{}'{} was found; the next command that changes something repairs it",
            op.kind, op.group.empty() ? "" : " of group '" + op.group + "'"));
    return said;
  }

 private:
  Runtimes& runtimes_;
  Store& store_;
  runtime_chooser<Runtimes>& chooser_;
  lookup<Store> lookup_;
};

}  // namespace thv
