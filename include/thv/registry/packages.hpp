// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <thv/error.hpp>
#include <thv/model/source.hpp>
#include <thv/registry/registry.hpp>

namespace thv::registry {

/// The kinds of source that a server can be run from, in the document's order, each once.
[[nodiscard]] inline std::vector<source_kind> source_kinds(server const& s) {
  if (s.remote()) return {source_kind::url};
  std::vector<source_kind> kinds;
  for (auto const& p : s.packages) {
    auto const kind = parse_source(p.reference).kind;
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  }
  return kinds;
}

/// The package that a runtime should run: the first in the document's order whose kind is among
/// `runs`. Nothing: it can run none (or the server is remote). Points into the server.
[[nodiscard]] inline std::optional<package const*> choose_package(
    server const& s, std::vector<source_kind> const& runs) {
  for (auto const& p : s.packages)
    if (std::find(runs.begin(), runs.end(), parse_source(p.reference).kind) != runs.end())
      return &p;
  return std::nullopt;
}

/// What a server can be run from, as a phrase: `an image`, `an npx package or an image`, `only
/// nuget packages, which no runtime can run`.
[[nodiscard]] inline std::string describe_sources(server const& s) {
  if (!s.remote() && s.packages.empty()) {
    if (s.unsupported_packages.empty()) return "no package";
    return fmt::format("only {} packages, which no runtime can run",
                       fmt::join(s.unsupported_packages, " and "));
  }
  std::vector<std::string> words;
  for (auto const kind : source_kinds(s)) {
    bool const vowel =
        kind == source_kind::image || kind == source_kind::npm || kind == source_kind::pypi;
    words.push_back(fmt::format("{} {}", vowel ? "an" : "a", thv::to_string(kind)));
  }
  for (auto& word : words)
    if (word == "an uvx package") word = "a uvx package";
  return fmt::format("{}", fmt::join(words, " or "));
}

}  // namespace thv::registry
