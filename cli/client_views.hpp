// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include <thv/clients/registrar.hpp>

#include "output.hpp"

// Clients as commands print them.
namespace thv::cli {

[[nodiscard]] std::string groups_text(std::set<std::string> const& groups);

[[nodiscard]] cell yes_no(bool value);

/// With each entry and how it stands.
void print_json(std::vector<clients::client_view> const& views);

/// A table, and below it what is not as it should be.
void print_status(std::vector<clients::client_view> const& views);

}  // namespace thv::cli
