// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <thv/secrets/environment.hpp>

namespace thv::secrets {
namespace {

bool shell_can_export(std::string const& name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

result<std::string> environment_provider::get(std::string const& name) {
  if (name.empty() || name.find_first_of(std::string("=\0", 2)) != std::string::npos)
    return fail(errc::invalid_argument, "'" + name + "' is no name for a secret",
                "a secret's name is not empty and holds no '='");
  for (auto const* prefix : {"THV_SECRET_", "TOOLHIVE_SECRET_"})
    if (auto value = variables_(prefix + name)) return *std::move(value);
  auto const variable = "THV_SECRET_" + name;
  return fail(errc::not_found, "secret '" + name + "' has no value",
              shell_can_export(name)
                  ? "set the environment variable " + variable
                  : "set the environment variable " + variable + " with env(1): env '" + variable +
                        "=...' thv-engine ...");
}

}  // namespace thv::secrets
