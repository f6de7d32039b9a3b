// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <thv/plan/observed.hpp>
#include <thv/plugin/collection.hpp>
#include <thv/store/store.hpp>

namespace thv {

/// What one runtime said when it was asked for its instances.
using runtime_answer = result<std::vector<plugin::instance>>;

/// Asks several runtimes for their instances at the same time.
template <runtime_collection Runtimes>
[[nodiscard]] std::map<std::string, runtime_answer> list_instances(
    Runtimes& runtimes, std::set<std::string> const& names, std::stop_token stop) {
  std::map<std::string, runtime_answer> answers;
  for (auto const& name : names) answers.emplace(name, std::vector<plugin::instance>{});
  plugin::call const c{std::chrono::steady_clock::now() + std::chrono::seconds(20), stop, {}};
  auto const ask = [&](std::string const& name, runtime_answer& answer) {
    auto runtime = runtimes.get(name);
    answer = runtime ? (*runtime)->list(c) : runtime_answer(std::move(runtime).error());
  };
  std::vector<std::jthread> threads;
  for (auto entry = answers.begin(); entry != answers.end(); ++entry)
    if (std::next(entry) == answers.end())
      ask(entry->first, entry->second);
    else
      threads.emplace_back([&ask, entry] { ask(entry->first, entry->second); });
  threads.clear();
  return answers;
}

/// A record and the instance that belongs to it among what the runtimes said.
[[nodiscard]] inline plan::observed_workload match_instance(
    store::workload_record record, std::map<std::string, runtime_answer> const& answers) {
  plan::observed_workload seen{std::move(record), std::nullopt, std::nullopt};
  auto const answer = answers.find(seen.record.runtime);
  if (answer == answers.end()) return seen;
  if (!answer->second) {
    seen.runtime_error = answer->second.error();
    return seen;
  }
  for (auto const& one : *answer->second)
    if (one.id == seen.record.instance) seen.instance = one;
  return seen;
}

/// Names on the runtimes that belong to another store or to nobody.
[[nodiscard]] inline std::vector<plan::foreign_instance> foreign_instances(
    std::map<std::string, runtime_answer> const& answers, std::string const& store) {
  std::vector<plan::foreign_instance> foreign;
  for (auto const& [runtime, answer] : answers) {
    if (!answer) continue;
    for (auto const& one : *answer)
      if (one.store != store) foreign.push_back({runtime, one.workload, one.store});
  }
  return foreign;
}

}  // namespace thv
