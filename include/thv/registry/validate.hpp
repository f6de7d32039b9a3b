// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include <thv/registry/finding.hpp>
#include <thv/registry/read.hpp>

namespace thv::registry {

/// Everything that is wrong with a document: all errors (reading goes on with the next entry after
/// one), then all warnings, each in the order of the document. Empty: nothing is.
[[nodiscard]] inline std::vector<finding> validate(std::string_view text, std::string_view origin,
                                                   read_options options = {}) {
  options.max_warnings = std::max<std::size_t>(options.max_warnings, 100'000);
  detail::findings found(true, options.max_warnings);
  auto const document = detail::read_into(text, origin, options, found);
  auto list = found.list();
  for (auto const& g : document.groups)
    if (g.servers.empty())
      list.push_back({severity::warning, fail(errc::invalid_argument, "no servers", {},
                                              json::place(origin, g.pointer))});
  std::stable_sort(list.begin(), list.end(),
                   [](finding const& a, finding const& b) { return a.severity < b.severity; });
  return list;
}

}  // namespace thv::registry
