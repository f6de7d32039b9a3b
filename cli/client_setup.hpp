// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <thv/clients/registrar.hpp>

namespace thv::cli {

/// Asks in the terminal which clients are to see which groups, with what was found on this machine;
/// groups that are named already are not asked for. False when there is nothing to do.
[[nodiscard]] result<bool> ask_for_setup(clients::registrar const& files,
                                         clients::membership const& now,
                                         clients::gateway_address const& gateway,
                                         std::vector<std::string>& names,
                                         std::vector<std::string>& groups);

}  // namespace thv::cli
