// SPDX-License-Identifier: Apache-2.0
#include "complete.hpp"

#include <algorithm>

#include "parse.hpp"

namespace thv::cli {

namespace {

/// Where a command line stands after its finished words.
struct place {
  command const* at;
  std::vector<flag> flags;
  flag const* waiting = nullptr;  ///< a flag whose value comes next
  bool only_words = false;        ///< after `--`
};

flag const* find(std::vector<flag> const& flags, std::string const& spelling) {
  for (auto const& f : flags) {
    auto const known = spellings(f);
    if (std::find(known.begin(), known.end(), spelling) != known.end()) return &f;
  }
  return nullptr;
}

void walk(place& p, std::vector<flag> const& globals, std::vector<std::string> const& words) {
  for (auto const& word : words) {
    if (p.waiting != nullptr) {
      p.waiting = nullptr;
    } else if (word == "--") {
      p.only_words = true;
    } else if (p.only_words) {
      continue;
    } else if (word.size() > 1 && word.front() == '-') {
      auto const* f = find(p.flags, word);
      if (f != nullptr && !f->value.empty()) p.waiting = f;
    } else if (auto const* next = find_command(p.at->commands, word)) {
      p.at = next;
      p.flags = next->flags;
      p.flags.insert(p.flags.end(), globals.begin(), globals.end());
    }
  }
}

}  // namespace

completion complete(command const& root, std::vector<flag> const& globals,
                    std::vector<std::string> const& words) {
  completion found;
  if (words.empty()) return found;
  place p{&root, globals};
  // The flags are kept in one vector: a pointer into it is only used until the next command.
  walk(p, globals, {words.begin(), std::prev(words.end())});
  auto const& typed = words.back();
  auto const add = [&](std::string text, std::string help) {
    if (text.starts_with(typed)) found.candidates.push_back({std::move(text), std::move(help)});
  };
  if (p.waiting != nullptr) {
    for (auto const& choice : p.waiting->choices) add(choice, {});
    found.with = p.waiting->with;
  } else if (p.only_words) {
    found.with = p.at->rest == nullptr ? p.at->words.with : completes::files;
  } else if (typed.starts_with('-')) {
    for (auto const& f : p.flags) add(spellings(f).back(), f.help);
    add("--help", "show this help");
  } else {
    for (auto const& c : p.at->commands)
      if (!c.hidden) add(c.name, c.summary);
    for (auto const& choice : p.at->words.choices) add(choice, {});
    if (p.at->commands.empty()) found.with = p.at->words.with;
  }
  return found;
}

}  // namespace thv::cli
