// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <thv/model/names.hpp>

namespace thv::registry {

/// Number of single-character edits (insert, delete, replace, swap of neighbours) between two
/// texts, by bytes.
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t(0));
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto const replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      bool const swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last.back();
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
