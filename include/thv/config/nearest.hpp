// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thv::config {

/// The candidate that `word` was probably meant to be (fewest inserted, deleted, changed or swapped
/// letters, at most a third of the longer word), or nullopt. The first of equal ones.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::vector<std::string> const& candidates);

}  // namespace thv::config
