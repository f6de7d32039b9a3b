// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <utility>

#include <thv/config/environment.hpp>

namespace thv::config {

environment process_environment() {
  return [](std::string const& name) -> std::optional<std::string> {
    char const* value = std::getenv(name.c_str());
    if (!value || !*value) return std::nullopt;
    return value;
  };
}

environment fixed_environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](std::string const& name) -> std::optional<std::string> {
    auto const found = variables.find(name);
    if (found == variables.end() || found->second.empty()) return std::nullopt;
    return found->second;
  };
}

}  // namespace thv::config
