// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <thv/model/run_config.hpp>

namespace thv::plan {

/// When an instance is made anew because a secret of it has another value now, `config` being the
/// recorded one. `when_started`: a running one is left as it is.
enum class renewal { none, when_started, at_once };

/// What one workload is to be. Whatever is nullopt or empty stays as it is recorded.
struct desired_workload {
  std::string name;
  bool present = true;
  std::optional<run_config> config;
  std::string runtime;  ///< runtime to hold it, already chosen; empty: as recorded
  std::optional<std::string> group;
  std::optional<bool> running;
  bool restart = false;  ///< stop and start it even when it runs
  /// Group that a registry group is run as and that declares it (its slug, or --as), or empty.
  std::string declared_by;
  renewal renews = renewal::none;
  /// `NAME,target=KEY` → keyed hash of the secret's value now.
  std::map<std::string, std::string> secret_fingerprints;
};

/// What one group is to be.
struct desired_group {
  std::string name;
  bool present = true;
  std::string title;           ///< human name, empty: none
  std::string registry;        ///< origin it is run from
  std::string registry_group;  ///< its slug there
};

/// The part of the world that one command speaks about; what is not named here is left alone.
struct desired_state {
  std::string kind;   ///< the command in words: "group run", "rm"
  std::string group;  ///< the group it is about, or empty
  std::vector<desired_group> groups;
  std::vector<desired_workload> workloads;
};

/// How the user wants doubtful cases decided.
struct reconcile_options {
  bool prune = false;    ///< remove members that left the registry group
  bool reclaim = false;  ///< take back members that the user moved to another group
  bool forget = false;   ///< drop workloads whose runtime is gone, without removing instances
  /// True for a group run: a moved member stays where it is, members that left are reported.
  bool registry_run = false;
};

}  // namespace thv::plan
