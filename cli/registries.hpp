// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include <thv/registry/registry.hpp>

#include "command.hpp"
#include "session.hpp"

namespace thv::cli {

/// `--registry FILE|URL`, which may stand several times.
[[nodiscard]] flag registry_flag(std::vector<std::string>& into);

/// The sources in force: the flags, else THV_REGISTRY, else `[registry] sources`.
[[nodiscard]] result<std::vector<std::string>> registry_sources(
    session& s, std::vector<std::string> const& flags);

/// Reads these sources; notices about old copies go to standard error.
[[nodiscard]] result<std::vector<registry::document>> load_registries(
    session& s, std::vector<std::string> const& sources, std::stop_token stop = {});

}  // namespace thv::cli
