// SPDX-License-Identifier: Apache-2.0
#include "parse.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <thv/registry/suggest.hpp>

namespace thv::cli {

namespace {

error usage(std::string message, std::string hint) {
  return fail(errc::invalid_argument, std::move(message), std::move(hint));
}

std::string see_help(std::string const& path) {
  return fmt::format("see '{} --help'", path);
}

std::string suggestion(std::string const& word, std::vector<std::string> const& known,
                       std::string const& path) {
  if (auto const near = registry::nearest(word, known))
    return fmt::format("did you mean '{}'?", *near);
  return see_help(path);
}

bool is_flag(std::string const& word) {
  return word.size() > 1 && word.front() == '-';
}

flag const* find_flag(std::vector<flag> const& flags, std::string const& spelling) {
  for (auto const& f : flags)
    for (auto const& known : spellings(f))
      if (known == spelling) return &f;
  return nullptr;
}

error unknown_command(std::string const& word, command const& owner, std::string const& path) {
  std::vector<std::string> known;
  for (auto const& c : owner.commands)
    if (!c.hidden) {
      known.push_back(c.name);
      known.insert(known.end(), c.aliases.begin(), c.aliases.end());
    }
  return usage(fmt::format("unknown command \"{}\" for \"{}\"", word, path),
               suggestion(word, known, path));
}

error unknown_flag(std::string const& word, std::vector<flag> const& flags,
                   std::string const& path) {
  if (!word.starts_with("--"))
    return usage(fmt::format("unknown shorthand flag: '{}' in {}", word[1], word), see_help(path));
  auto const name = word.substr(0, word.find('='));
  std::vector<std::string> known;
  for (auto const& f : flags)
    for (auto const& s : spellings(f)) known.push_back(s);
  return usage("unknown flag: " + name, suggestion(name, known, path));
}

/// A walk down the tree along the words, until a command that runs.
struct walk {
  command const* at;
  std::string path;
  std::vector<std::string> own;  ///< what is left for the command found
  bool help = false;
};

result<walk> walk_down(command const& root, std::vector<flag> const& globals,
                       std::vector<std::string> const& arguments) {
  walk w{&root, root.name, {}, false};
  std::size_t i = 0;
  for (; i < arguments.size() && !w.at->commands.empty() && arguments[i] != "--"; ++i) {
    auto const& word = arguments[i];
    if (word == "-h" || word == "--help" || (word == "help" && w.at == &root)) {
      w.help = true;
    } else if (is_flag(word)) {
      auto const* known = find_flag(globals, word.substr(0, word.find('=')));
      if (known == nullptr) return unknown_flag(word, globals, w.path);
      w.own.push_back(word);
      if (!known->value.empty() && word.find('=') == word.npos && i + 1 < arguments.size())
        w.own.push_back(arguments[++i]);
    } else {
      auto const* next = find_command(w.at->commands, word);
      if (next == nullptr) return unknown_command(word, *w.at, w.path);
      w.at = next;
      w.path += " " + next->name;
    }
  }
  w.own.insert(w.own.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
  if (!w.at->commands.empty()) w.help = true;
  return w;
}

void declare(CLI::App& app, flag const& f) {
  auto const names = fmt::format("{}", fmt::join(spellings(f), ","));
  if (auto const* on = std::get_if<bool*>(&f.into)) {
    app.add_flag(names, **on);
    return;
  }
  auto const take = [&f](CLI::results_t const& values) {
    if (auto const* one = std::get_if<std::optional<std::string>*>(&f.into))
      **one = values.back();
    else
      *std::get<std::vector<std::string>*>(f.into) = values;
    return true;
  };
  app.add_option(names, take)->type_size(1)->expected(1)->take_all();
}

result<void> check_choice(std::string const& what, std::string const& value,
                          std::vector<std::string> const& choices) {
  if (choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end())
    return {};
  return usage(
      fmt::format("invalid {} \"{}\", must be one of: {}", what, value, fmt::join(choices, ", ")),
      {});
}

result<void> check_choices(std::vector<flag> const& flags) {
  for (auto const& f : flags)
    if (auto const* one = std::get_if<std::optional<std::string>*>(&f.into); one && **one) {
      auto const name = spellings(f).back().substr(2);
      THV_CHECK(check_choice(name, ***one, f.choices));
    }
  return {};
}

result<void> take_words(command const& c, std::vector<std::string> words, std::string const& path) {
  auto const& w = c.words;
  auto const hint = fmt::format("usage: {} {}", path, w.usage);
  if (w.least == w.most && words.size() != w.most)
    return usage(fmt::format("accepts {} arg(s), received {}", w.most, words.size()),
                 w.most == 0 ? see_help(path) : hint);
  if (words.size() < w.least)
    return usage(
        fmt::format("requires at least {} arg(s), only received {}", w.least, words.size()), hint);
  if (words.size() > w.most)
    return usage(fmt::format("accepts at most {} arg(s), received {}", w.most, words.size()), hint);
  for (auto const& word : words) THV_CHECK(check_choice("argument", word, w.choices));
  if (w.into != nullptr) *w.into = std::move(words);
  return {};
}

/// CLI11 takes the next word where `--name=` has nothing after it: give it the empty word.
std::vector<std::string> with_empty_values(std::vector<std::string> const& own) {
  std::vector<std::string> out;
  for (auto const& word : own) {
    bool const empty = word.starts_with("--") && word.find('=') == word.size() - 1;
    out.push_back(empty ? word.substr(0, word.size() - 1) : word);
    if (empty) out.emplace_back();
  }
  return out;
}

/// Runs CLI11 over the words before the first `--`; answers the words that belong to no flag.
result<std::vector<std::string>> parse_flags(std::vector<flag> const& flags,
                                             std::vector<std::string> const& own, bool& help,
                                             std::string const& path) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  for (auto const& f : flags) declare(app, f);
  app.add_flag("-h,--help", help);
  auto reversed = with_empty_values(own);
  std::reverse(reversed.begin(), reversed.end());
  try {
    app.parse(std::move(reversed));
  } catch (CLI::ArgumentMismatch const&) {
    return usage(fmt::format("flag needs an argument: {}", own.back()), see_help(path));
  } catch (CLI::ParseError const& e) {
    return usage(e.what(), see_help(path));
  }
  auto words = app.remaining();
  for (auto const& word : words)
    if (is_flag(word) && !help) return unknown_flag(word, flags, path);
  return words;
}

}  // namespace

std::vector<std::string> spellings(flag const& f) {
  auto const comma = f.names.find(", ");
  if (comma == std::string::npos) return {f.names};
  return {f.names.substr(0, comma), f.names.substr(comma + 2)};
}

command const* find_command(std::vector<command> const& commands, std::string const& name) {
  for (auto const& c : commands)
    if (c.name == name || std::find(c.aliases.begin(), c.aliases.end(), name) != c.aliases.end())
      return &c;
  return nullptr;
}

result<parsed> parse(command const& root, std::vector<flag> const& globals,
                     std::vector<std::string> const& arguments) {
  THV_TRY(auto walked, walk_down(root, globals, arguments));
  parsed found{walked.at, walked.path, walked.help};
  if (found.help) return found;
  auto const& chosen = *walked.at;
  auto flags = chosen.flags;
  flags.insert(flags.end(), globals.begin(), globals.end());
  auto const separator = std::find(walked.own.begin(), walked.own.end(), "--");
  std::vector<std::string> const own(walked.own.begin(), separator);
  std::vector<std::string> rest;
  if (separator != walked.own.end()) rest.assign(std::next(separator), walked.own.end());
  THV_TRY(auto words, parse_flags(flags, own, found.help, walked.path));
  if (found.help) return found;
  THV_CHECK(check_choices(flags));
  if (chosen.rest != nullptr)
    *chosen.rest = std::move(rest);
  else
    words.insert(words.end(), rest.begin(), rest.end());
  THV_CHECK(take_words(chosen, std::move(words), walked.path));
  return found;
}

}  // namespace thv::cli
