// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include <thv/error.hpp>
#include <thv/model/run_config.hpp>
#include <thv/store/records.hpp>

/// A plan is a value: what a command would do, in which order and why. Printing it, comparing it
/// and executing it are different rooms.
namespace thv::plan {

struct create_group {
  store::group_record group;
};
struct delete_group {};
/// Makes a workload's first instance.
struct deploy_workload {
  run_config config;
  std::string runtime;
  std::string declared_by;
  std::map<std::string, std::string> secret_fingerprints;
};
/// Puts a new instance in the place of `previous`, which is kept until the new one is ready.
struct replace_workload {
  run_config config;
  std::string runtime;
  std::string declared_by;
  std::map<std::string, std::string> secret_fingerprints;
  std::string previous_runtime;
  std::string previous;
};
struct start_workload {
  std::string runtime;
  std::string instance;
};
struct stop_workload {
  std::string runtime;
  std::string instance;
};
struct restart_workload {
  std::string runtime;
  std::string instance;
};
/// Asks a running workload again whether it is ready.
struct prove_workload {
  std::string runtime;
  std::string instance;
};
struct remove_workload {
  std::string runtime;
  std::string instance;  ///< empty: nothing runs, only the record goes
};
/// Drops the record of a workload whose runtime is gone; its instance, if any, is left.
struct forget_workload {
  std::string runtime;
};
struct move_workload {
  std::string from;
  std::string to;
};

using action = std::variant<create_group, delete_group, deploy_workload, replace_workload,
                            start_workload, stop_workload, restart_workload, prove_workload,
                            remove_workload, forget_workload, move_workload>;

/// One step. `subject` is the workload's or group's name. Steps whose `depends_on` are done may run
/// at the same time.
struct operation {
  int id = 0;  ///< place in the plan, from 1
  std::string subject;
  thv::plan::action action;
  std::string cause;  ///< why, in words: "not deployed yet", "image changed"
  std::vector<int> depends_on;
  bool optional = false;     ///< its failure does not fail the plan
  bool destructive = false;  ///< removes something of the user's
};

/// Something the user should know that is no step.
struct note {
  bool warning = false;
  std::string subject;
  std::string text;

  friend bool operator==(note const&, note const&) = default;
};

struct plan {
  std::string kind;   ///< the command in words: "group run"
  std::string group;  ///< the group it is about, or empty
  std::vector<operation> operations;
  std::vector<note> notes;
  std::vector<std::string> unchanged;  ///< workloads that are as desired

  [[nodiscard]] bool empty() const { return operations.empty(); }
};

}  // namespace thv::plan
