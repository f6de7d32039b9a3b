// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <thv/clients/edit.hpp>

namespace thv::clients {

std::string entry_name(kind const& k, std::string_view workload) {
  std::string name(workload);
  if (k.name == "codex") std::replace(name.begin(), name.end(), '.', '-');
  return name;
}

}  // namespace thv::clients
