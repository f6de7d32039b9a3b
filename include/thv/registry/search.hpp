// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <thv/model/names.hpp>
#include <thv/registry/registry.hpp>

namespace thv::registry {

/// A server or a group that a search found. `server` is null for a group itself; `group` is null
/// for a server of the top level. All point into the documents searched.
struct search_hit {
  registry::document const* document = nullptr;
  registry::group const* group = nullptr;
  registry::server const* server = nullptr;
  int score = 0;  ///< higher is nearer

  [[nodiscard]] std::string const& name() const {
    return server != nullptr ? server->name : group->name;
  }
};

namespace detail {

[[nodiscard]] inline bool contains(std::string_view text, std::string_view lower_word) {
  return thv::detail::to_lower(text).find(lower_word) != std::string::npos;
}

[[nodiscard]] inline bool any_contains(std::vector<std::string> const& list,
                                       std::string_view lower_word) {
  return std::any_of(list.begin(), list.end(),
                     [&](std::string const& text) { return contains(text, lower_word); });
}

[[nodiscard]] inline int name_score(std::string_view name, std::string_view lower_word) {
  auto const lower = thv::detail::to_lower(name);
  if (lower == lower_word) return 100;
  if (lower.starts_with(lower_word)) return 60;
  return lower.find(lower_word) != std::string::npos ? 40 : 0;
}

/// 0: the word is nowhere in it.
[[nodiscard]] inline int word_score(server const& s, std::string_view word) {
  if (int const score = std::max(name_score(s.name, word), name_score(s.title, word)); score != 0)
    return score;
  if (any_contains(s.tags, word)) return 30;
  if (any_contains(s.tools, word)) return 20;
  return contains(s.description, word) ? 10 : 0;
}
[[nodiscard]] inline int word_score(group const& g, std::string_view word) {
  if (int const score = std::max(name_score(g.name, word), name_score(slug(g.name), word));
      score != 0)
    return score;
  return contains(g.description, word) ? 10 : 0;
}

template <class T>
[[nodiscard]] int score(T const& item, std::vector<std::string> const& words) {
  int total = 0;
  for (auto const& word : words) {
    int const one = word_score(item, word);
    if (one == 0) return 0;
    total += one;
  }
  return total;
}

}  // namespace detail

/// Servers (of the top level and of groups) and groups in which every word occurs, without regard
/// to case, in name, title, description, tools or tags. Nearest first, then by name. Without any
/// word: everything.
[[nodiscard]] inline std::vector<search_hit> search(std::vector<document> const& documents,
                                                    std::vector<std::string> const& words) {
  std::vector<std::string> lower;
  for (auto const& word : words)
    if (!word.empty()) lower.push_back(thv::detail::to_lower(word));
  std::vector<search_hit> hits;
  auto const add = [&](auto const& item, search_hit hit) {
    hit.score = detail::score(item, lower);
    if (hit.score != 0 || lower.empty()) hits.push_back(hit);
  };
  for (auto const& d : documents) {
    for (auto const& s : d.servers) add(s, {&d, nullptr, &s});
    for (auto const& g : d.groups) {
      add(g, {&d, &g, nullptr});
      for (auto const& s : g.servers) add(s, {&d, &g, &s});
    }
  }
  std::stable_sort(hits.begin(), hits.end(), [](search_hit const& a, search_hit const& b) {
    return std::tie(b.score, a.name()) < std::tie(a.score, b.name());
  });
  return hits;
}

}  // namespace thv::registry
