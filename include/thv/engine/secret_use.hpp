// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <thv/engine/spec.hpp>
#include <thv/model/run_config.hpp>

namespace thv {

/// The names of the secrets that a workload is given.
[[nodiscard]] inline std::set<std::string> secrets_of(run_config const& config) {
  std::set<std::string> names;
  for (auto const& reference : config.secrets)
    names.insert(reference.substr(0, reference.find(',')));
  for (auto const& [header, name] : config.secret_headers) names.insert(name);
  return names;
}

/// Is a secret of it delivered as a file?
[[nodiscard]] inline bool has_secret_files(run_config const& config) {
  return std::any_of(config.secrets.begin(), config.secrets.end(), [](auto const& text) {
    auto const parsed = parse_secret_reference(text);
    return parsed && parsed->as == secret_delivery::file;
  });
}

/// The first secret, by name, that a workload cannot be given now; empty: it can have all.
[[nodiscard]] inline std::string missing_secret(run_config const& config,
                                                secret_source const& secrets) {
  auto const names = secrets_of(config);
  auto const found = std::find_if(names.begin(), names.end(), [&](std::string const& name) {
    return !secrets(name, config.group);
  });
  return found == names.end() ? std::string() : *found;
}

}  // namespace thv
