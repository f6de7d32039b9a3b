// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>
#include <thv/store/records.hpp>

namespace thv::plan {

/// A workload as recorded, and as its runtime sees it.
struct observed_workload {
  store::workload_record record;
  /// nullopt: the runtime answered and knows no such instance, or it did not answer.
  std::optional<plugin::instance> instance;
  /// Why the runtime could not be asked; nullopt: it answered.
  std::optional<error> runtime_error;
};

/// A name on a runtime that belongs to another store, or to nobody.
struct foreign_instance {
  std::string runtime;
  std::string name;
  std::string store;  ///< empty: no store's
};

/// A snapshot of the world, taken before anything is decided: the decision makes no further calls.
struct observed_state {
  std::map<std::string, store::group_record> groups;
  std::map<std::string, observed_workload> workloads;
  std::vector<foreign_instance> foreign;
  std::map<std::string, plugin::fingerprint> runtimes;  ///< those that answered
};

}  // namespace thv::plan
