// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <thv/store/records.hpp>

namespace thv::cli {

/// One place that a secret's value goes to.
struct secret_use {
  std::string name;
  std::string workload;
  std::string group;   ///< of the workload
  std::string target;  ///< environment variable, or header of a remote server

  friend bool operator==(secret_use const&, secret_use const&) = default;
};

/// A secret by its group (empty: for all) and name.
using secret_place = std::pair<std::string, std::string>;

/// All places, by name and workload.
[[nodiscard]] std::vector<secret_use> secret_uses(
    std::vector<store::workload_record> const& records);

/// Those that get the value of one secret, given which there are: the one for all goes to members
/// of groups that have none of that name themselves.
[[nodiscard]] std::vector<secret_use> users_of(std::vector<secret_use> const& uses,
                                               secret_place const& secret,
                                               std::set<secret_place> const& stored);

/// The names of their workloads, each once, in order.
[[nodiscard]] std::vector<std::string> workloads_in(std::vector<secret_use> const& uses);

}  // namespace thv::cli
