// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <process/settings.hpp>
#include <string_view>
#include <utility>
#include <vector>

namespace thv::process {

/// How many letters must be changed, added or dropped (Levenshtein).
static std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto const substitution = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substitution}));
    }
  }
  return row.back();
}

result<settings> parse_settings(std::string const& runtime_name,
                                std::map<std::string, std::string> const& values) {
  settings parsed;
  std::vector<std::pair<std::string_view, std::string*>> const known{
      {"node", &parsed.node}, {"npm", &parsed.npm}, {"uv", &parsed.uv}};
  auto const table = "[runtimes." + runtime_name + "]";
  for (auto const& [key, value] : values) {
    auto const& name = key;
    auto const entry = std::find_if(known.begin(), known.end(),
                                    [&](auto const& item) { return item.first == name; });
    if (entry == known.end()) {
      auto const nearest =
          std::min_element(known.begin(), known.end(), [&](auto const& a, auto const& b) {
            return distance(a.first, name) < distance(b.first, name);
          });
      return fail(errc::invalid_argument, "unknown key '" + key + "'",
                  "did you mean '" + std::string(nearest->first) +
                      "'? A process runtime knows node, npm and uv",
                  table);
    }
    if (!value.starts_with('/'))
      return fail(errc::invalid_argument,
                  "'" + key + "' must be the absolute path of a program, not '" + value + "'", {},
                  table);
    *entry->second = value;
  }
  return parsed;
}

}  // namespace thv::process
