// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <thv/model/run_config.hpp>

namespace thv::store {

/// A group as stored. `title` is the human name of a registry group, else empty; `registry` and
/// `registry_group` say where it was run from, else empty.
struct group_record {
  std::string name;
  std::string title;
  std::string registry;
  std::string registry_group;
  std::int64_t created_at = 0;  ///< milliseconds since 1970

  friend bool operator==(group_record const&, group_record const&) = default;
};

/// `reserved`: an operation in flight owns the name, nothing is promised. `present`: the workload
/// is committed. `removing`: committed to go, its instances may still be there.
enum class phase { reserved, present, removing };

/// A workload as stored: what it is to be, and the handle of what runs.
struct workload_record {
  std::string name;
  std::string group;
  std::string runtime;   ///< name of the runtime that holds it
  std::string instance;  ///< the runtime's handle; empty while reserved
  run_config config;
  thv::store::phase phase = thv::store::phase::present;
  bool wanted_running = true;
  /// Group that a registry group was run as and that declared it, else empty. Stays when the user
  /// moves it.
  std::string declared_by;
  /// `NAME,target=KEY` → keyed HMAC of the value, to see a rotation.
  std::map<std::string, std::string> secret_fingerprints;
  /// What the session of `session_key` answered: kept so that nobody initialises twice.
  std::string session_key;
  std::string initialize_result;  ///< JSON
  std::vector<std::string> tools;
  /// Outcome of the last readiness proof: "ready", "unauthenticated", or empty.
  std::string readiness;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;

  friend bool operator==(workload_record const&, workload_record const&) = default;
};

/// What a workload said of itself when it was last asked by the gateway: kept apart from its
/// record, since it is large and read by few. Each text is the JSON of a `result`.
struct catalogue_record {
  std::string session_key;  ///< the start of the instance that said it
  std::string revision;     ///< of MCP: `2025-06-18`, `2026-07-28`
  std::string initialize_result;
  std::map<std::string, std::string> lists;  ///< by method: `tools/list`, `prompts/list` …

  friend bool operator==(catalogue_record const&, catalogue_record const&) = default;
};

/// Which process this is, proof against recycled pids.
struct process_identity {
  std::int64_t pid = 0;
  std::int64_t start_time = 0;  ///< clock ticks since boot, /proc/PID/stat field 22
  std::string boot_id;          ///< /proc/sys/kernel/random/boot_id

  friend bool operator==(process_identity const&, process_identity const&) = default;
};

/// Where an operation stands. `pending`: a crash means undo. `committed`: its changes hold; what is
/// left of its intents (removing replaced or deleted instances) is to be finished.
enum class operation_state { pending, committed };

/// One group operation in flight or crashed.
struct operation_record {
  std::int64_t id = 0;  ///< given by the store
  std::string group;
  std::string kind;  ///< "group run", "group delete", "run", "rm", "restart" ...
  process_identity owner;
  operation_state state = operation_state::pending;
  std::int64_t started_at = 0;
  /// Groups this operation made, to be unmade when it is undone and they are empty.
  std::vector<std::string> created_groups;
  /// Groups that go once this operation is committed and their members are removed.
  std::vector<std::string> removed_groups;

  friend bool operator==(operation_record const&, operation_record const&) = default;
};

/// `deploy`: an instance of the workload may exist that no record knows. `replace`: likewise, and
/// `previous` is stopped and kept. `remove`: `previous` is to be removed. `start`, `stop`: the
/// instance `previous` was to be started or stopped.
enum class intent_kind { deploy, replace, remove, start, stop };

/// What an operation set out to do to one workload, written before it is done.
struct intent_record {
  std::int64_t id = 0;         ///< given by the store
  std::int64_t operation = 0;  ///< owner
  intent_kind kind = intent_kind::deploy;
  std::string workload;
  std::string runtime;
  std::string instance;  ///< made by it, once known
  std::string previous;  ///< instance before
  bool done = false;

  friend bool operator==(intent_record const&, intent_record const&) = default;
};

/// Changes that hold together or not at all: one transaction.
struct change_set {
  std::vector<group_record> put_groups;        ///< insert or replace
  std::vector<workload_record> put_workloads;  ///< insert or replace; its group must exist
  std::vector<std::string> remove_workloads;   ///< unknown names are fine
  std::vector<std::string> remove_groups;      ///< after the workloads; errc::conflict if not empty
};

}  // namespace thv::store
