// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <thv/model/names.hpp>

namespace thv::registry {

/// Number of single-character edits (insert, delete, replace) between two texts, by bytes.
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t(0));
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      auto const replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The candidate that was probably meant: nearest without regard to case, and no further than a
/// third of the word (one edit at least).
[[nodiscard]] inline std::optional<std::string> nearest(
    std::string_view word, std::vector<std::string> const& candidates) {
  if (word.size() > 200) return std::nullopt;
  auto const lower = thv::detail::to_lower(word);
  auto best = std::max<std::size_t>(1, lower.size() / 3) + 1;
  std::optional<std::string> found;
  for (auto const& candidate : candidates) {
    if (candidate.size() > word.size() + best || word.size() > candidate.size() + best) continue;
    auto const distance = edit_distance(lower, thv::detail::to_lower(candidate));
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

}  // namespace thv::registry
