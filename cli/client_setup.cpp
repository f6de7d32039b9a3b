// SPDX-License-Identifier: Apache-2.0
#include "client_setup.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ask.hpp"
#include "change.hpp"
#include "output.hpp"

namespace thv::cli {

namespace {

/// Numbers or names, by comma or space; empty: what the question proposes.
result<std::vector<std::string>> ask_choice(std::string const& question,
                                            std::vector<std::string> const& offered,
                                            std::vector<std::string> const& proposed) {
  for (;;) {
    THV_TRY(auto const line, ask_line(question));
    std::vector<std::string> chosen;
    std::string wrong;
    std::string word;
    for (char const c : line + ",") {
      if (c != ',' && c != ' ' && c != '\t') {
        word += c;
        continue;
      }
      if (word.empty()) continue;
      auto const number = number_of("", word, 1, static_cast<int>(offered.size()));
      if (number)
        chosen.push_back(offered[static_cast<std::size_t>(*number - 1)]);
      else if (std::find(offered.begin(), offered.end(), word) != offered.end())
        chosen.push_back(word);
      else
        wrong = word;
      word.clear();
    }
    if (wrong.empty()) return chosen.empty() ? proposed : chosen;
    say(fmt::format("'{}' is none of them.\n", plain_line(wrong)));
  }
}

void show_groups(std::vector<std::string> const& groups, clients::membership const& now) {
  say("Groups:\n");
  for (std::size_t i = 0; i < groups.size(); ++i) {
    auto const members = std::count_if(now.workloads.begin(), now.workloads.end(),
                                       [&](auto const& m) { return m.group == groups[i]; });
    say(fmt::format("  {}) {} ({})\n", i + 1, groups[i],
                    counted(static_cast<std::size_t>(members), "member")));
  }
}

}  // namespace

result<bool> ask_for_setup(clients::registrar const& files, clients::membership const& now,
                           clients::gateway_address const& gateway, std::vector<std::string>& names,
                           std::vector<std::string>& groups) {
  if (groups.empty()) {
    std::vector<std::string> known;
    for (auto const& group : now.groups) known.push_back(group.name);
    show_groups(known, now);
    THV_TRY(groups, ask_choice("Which groups are clients to see? [default]: ", known, {"default"}));
  } else {
    THV_CHECK(clients::check_groups(groups, now));
  }
  THV_TRY(auto const views, files.view({}, now, gateway));
  std::vector<std::string> found;
  for (auto const& v : views) {
    bool const has_all = std::all_of(groups.begin(), groups.end(),
                                     [&](auto const& g) { return v.groups.contains(g); });
    if (v.installed && !has_all) found.emplace_back(v.what->name);
  }
  if (found.empty()) {
    bool const any = std::any_of(views.begin(), views.end(), [](auto& v) { return v.installed; });
    say(any ? "All installed clients are already registered for the selected groups.\n"
            : "No new clients found.\n");
    return false;
  }
  say("Clients on this machine:\n");
  for (std::size_t i = 0; i < found.size(); ++i) say(fmt::format("  {}) {}\n", i + 1, found[i]));
  THV_TRY(names, ask_choice("Which clients? [all of them]: ", found, found));
  THV_TRY(auto const go, ask_yes_no(fmt::format("Register {} with {}? [y/N]: ",
                                                fmt::join(names, ", "), fmt::join(groups, ", "))));
  if (!go) say("Setup cancelled. No clients registered.\n");
  return go;
}

}  // namespace thv::cli
