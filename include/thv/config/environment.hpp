// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace thv::config {

/// Looks up an environment variable. A variable that is set to nothing counts as unset.
using environment = std::function<std::optional<std::string>(std::string const& name)>;

/// The environment of this process. The variables must not be changed while it is used.
[[nodiscard]] environment process_environment();

/// An environment for tests and embedders that want to decide themselves.
[[nodiscard]] environment fixed_environment(std::map<std::string, std::string> variables);

}  // namespace thv::config
