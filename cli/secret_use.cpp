// SPDX-License-Identifier: Apache-2.0
#include "secret_use.hpp"

#include <algorithm>
#include <tuple>

#include <thv/model/secret_reference.hpp>

namespace thv::cli {

std::vector<secret_use> secret_uses(std::vector<store::workload_record> const& records) {
  std::vector<secret_use> uses;
  for (auto const& record : records) {
    for (auto const& text : record.config.secrets)
      if (auto const reference = parse_secret_reference(text))
        uses.push_back({reference->name, record.name, record.group, reference->target});
    for (auto const& [header, name] : record.config.secret_headers)
      uses.push_back({name, record.name, record.group, header});
  }
  std::sort(uses.begin(), uses.end(), [](secret_use const& a, secret_use const& b) {
    return std::tie(a.name, a.workload, a.target) < std::tie(b.name, b.workload, b.target);
  });
  return uses;
}

std::vector<secret_use> users_of(std::vector<secret_use> const& uses, secret_place const& secret,
                                 std::set<secret_place> const& stored) {
  std::vector<secret_use> found;
  auto const& [group, name] = secret;
  for (auto const& use : uses) {
    if (use.name != name) continue;
    bool const own = stored.contains({use.group, name});
    if (group.empty() ? !own : use.group == group) found.push_back(use);
  }
  return found;
}

std::vector<std::string> workloads_in(std::vector<secret_use> const& uses) {
  std::set<std::string> names;
  for (auto const& use : uses) names.insert(use.workload);
  return {names.begin(), names.end()};
}

}  // namespace thv::cli
