// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>

#include <thv/config/nearest.hpp>

namespace thv::config {
namespace {

/// Damerau-Levenshtein distance (optimal string alignment), three rows.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t const change = a[i - 1] == b[j - 1] ? 0 : 1;
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        current[j] = std::min(current[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view word,
                                   std::vector<std::string> const& candidates) {
  constexpr std::size_t longest = 128;  // nobody mistypes more, and the cost is quadratic
  std::optional<std::string> best;
  std::size_t best_distance = 0;
  if (word.size() > longest) return best;
  for (auto const& candidate : candidates) {
    if (candidate.size() > longest) continue;
    auto const d = distance(word, candidate);
    auto const limit = std::max<std::size_t>(1, std::max(word.size(), candidate.size()) / 3);
    if (d > limit || (best && d >= best_distance)) continue;
    best = candidate;
    best_distance = d;
  }
  return best;
}

}  // namespace thv::config
