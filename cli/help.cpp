// SPDX-License-Identifier: Apache-2.0
#include "help.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "output.hpp"

namespace thv::cli {

namespace {

using entry = std::pair<std::string, std::string>;

/// Text broken into lines of at most `width` characters; a single longer word stays whole.
std::vector<std::string> wrapped(std::string const& text, std::size_t width) {
  std::vector<std::string> lines{{}};
  std::size_t at = 0;
  while (at < text.size()) {
    auto const end = std::min(text.find(' ', at), text.size());
    auto const word = text.substr(at, end - at);
    auto& line = lines.back();
    if (line.empty())
      line = word;
    else if (display_width(line) + 1 + display_width(word) <= width)
      line += " " + word;
    else
      lines.push_back(word);
    at = end + 1;
  }
  return lines;
}

void add_entries(std::string& to, std::string const& title, std::vector<entry> const& entries) {
  if (entries.empty()) return;
  constexpr std::size_t widest = 34;
  std::size_t width = 0;
  for (auto const& [left, right] : entries)
    if (left.size() <= widest) width = std::max(width, left.size());
  to += fmt::format("\n{}:\n", title);
  for (auto const& [left, right] : entries) {
    auto const lines = wrapped(right, 96 - width);
    if (left.size() > width)
      to += fmt::format("  {}\n  {:<{}}  {}\n", left, "", width, lines.front());
    else
      to += fmt::format("  {:<{}}  {}\n", left, width, lines.front());
    for (std::size_t i = 1; i < lines.size(); ++i)
      to += fmt::format("  {:<{}}  {}\n", "", width, lines[i]);
  }
}

entry flag_entry(flag const& f) {
  auto left = f.names.starts_with("--") ? "    " + f.names : f.names;
  if (!f.value.empty()) left += " " + f.value;
  auto right = f.help;
  if (!f.choices.empty()) right += fmt::format(" ({})", fmt::join(f.choices, ", "));
  if (std::holds_alternative<std::vector<std::string>*>(f.into)) right += " (repeatable)";
  return {left, right};
}

std::vector<entry> flag_entries(std::vector<flag> const& flags) {
  std::vector<entry> entries;
  for (auto const& f : flags) entries.push_back(flag_entry(f));
  return entries;
}

}  // namespace

std::string help_text(command const& c, std::string const& path, std::vector<flag> const& globals) {
  auto text = c.summary + "\n\nUsage:\n  " + path;
  if (!c.commands.empty())
    text += " COMMAND";
  else
    text += c.words.usage.empty() ? " [flags]" : " [flags] " + c.words.usage;
  text += "\n";
  if (!c.details.empty()) text += "\n" + c.details + "\n";
  if (!c.aliases.empty()) text += fmt::format("\nAliases: {}\n", fmt::join(c.aliases, ", "));
  std::vector<entry> commands;
  for (auto const& sub : c.commands)
    if (!sub.hidden) commands.emplace_back(sub.name, sub.summary);
  add_entries(text, "Commands", commands);
  add_entries(text, "Flags", flag_entries(c.flags));
  auto general = flag_entries(globals);
  general.emplace_back("-h, --help", "show this help");
  add_entries(text, "General flags", general);
  if (!c.example.empty()) {
    text += "\nExample:\n";
    std::size_t at = 0;
    while (at < c.example.size()) {
      auto const end = std::min(c.example.find('\n', at), c.example.size());
      text += "  " + c.example.substr(at, end - at) + "\n";
      at = end + 1;
    }
  }
  return text;
}

}  // namespace thv::cli
