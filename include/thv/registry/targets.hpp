// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <thv/error.hpp>
#include <thv/model/names.hpp>
#include <thv/model/secret_reference.hpp>
#include <thv/model/text_file.hpp>

// `--env SERVER.KEY=VALUE`, `--secret NAME,target=SERVER.TARGET` and files of the former: which
// value goes to which member of a group. Error texts are ToolHive's.

namespace thv::registry {

using thv::secret_reference;

/// Values for the members of a group, by member name.
struct targets {
  std::map<std::string, std::map<std::string, std::string>> env;
  std::map<std::string, std::vector<secret_reference>> secrets;

  friend bool operator==(targets const&, targets const&) = default;
};

namespace detail {

struct target_parts {
  std::string server;
  std::string key;
  bool known = false;  ///< `server` is a member
};

/// Splits `SERVER.KEY`: the longest member name followed by a dot wins, so that names with dots can
/// be targeted; without any, the server is what stands before the first dot.
[[nodiscard]] inline target_parts split_target(std::string_view target,
                                               std::vector<std::string> const& members) {
  std::string const* best = nullptr;
  for (auto const& m : members)
    if (!m.empty() && target.size() > m.size() && target.starts_with(m) &&
        target[m.size()] == '.' && (best == nullptr || m.size() > best->size()))
      best = &m;
  auto const length = best != nullptr ? best->size() : target.find('.');
  return {std::string(target.substr(0, length)), std::string(target.substr(length + 1)),
          best != nullptr};
}

[[nodiscard]] inline error target_error(std::string message, std::string_view where,
                                        std::string hint = {}) {
  return fail(errc::invalid_argument, std::move(message), std::move(hint), std::string(where));
}

[[nodiscard]] inline std::string members_hint(std::vector<std::string> const& members) {
  if (members.empty()) return "the group has no members";
  return fmt::format("members of the group: {}", fmt::join(members, ", "));
}

/// `shown` is the argument as an error may repeat it.
[[nodiscard]] inline result<void> add_env(targets& into, std::string_view text,
                                          std::string_view shown, std::string_view where,
                                          std::vector<std::string> const& members) {
  auto const equals = text.find('=');
  auto const target = text.substr(0, equals);
  if (equals == text.npos || target.find('.') == target.npos)
    return target_error(
        fmt::format("invalid env var format '{}': expected 'SERVER_NAME.KEY=VALUE'", shown), where);
  auto parts = split_target(target, members);
  if (parts.server.empty())
    return target_error(fmt::format("server name cannot be empty in env var '{}'", shown), where);
  if (parts.key.empty())
    return target_error(fmt::format("key name cannot be empty in env var '{}'", shown), where);
  if (!parts.known)
    return target_error(fmt::format("env var cannot be set because the MCP server named '{}' does "
                                    "not exist in group",
                                    parts.server),
                        where, members_hint(members));
  into.env[parts.server][parts.key] = text.substr(equals + 1);
  return {};
}

}  // namespace detail

/// Takes one `--env SERVER.KEY=VALUE`. The value may be empty and may hold `=` and `.`; of two for
/// one key the later counts.
[[nodiscard]] inline result<void> add_env(targets& into, std::string_view text,
                                          std::vector<std::string> const& members) {
  return detail::add_env(into, text, text, {}, members);
}

/// Takes one `--secret NAME,target=SERVER.TARGET[,as=env|file]`. Of two for one target the later
/// counts.
[[nodiscard]] inline result<void> add_secret(targets& into, std::string_view text,
                                             std::vector<std::string> const& members) {
  constexpr std::string_view separator = ",target=";
  auto const at = text.find(separator);
  if (at == text.npos || text.find(separator, at + separator.size()) != text.npos)
    return detail::target_error(
        fmt::format("invalid secret format '{}': expected 'NAME,target=SERVER_NAME.TARGET'", text),
        {});
  auto const name = text.substr(0, at);
  auto const target = text.substr(at + separator.size());
  if (name.empty())
    return detail::target_error(fmt::format("secret name cannot be empty in '{}'", text), {});
  if (name.find(',') != name.npos)
    return detail::target_error(fmt::format("secret name cannot hold a comma in '{}'", text), {});
  if (target.empty())
    return detail::target_error(fmt::format("target cannot be empty in secret '{}'", text), {});
  if (target.find('.') == target.npos)
    return detail::target_error(
        fmt::format("invalid target format in secret '{}': expected 'SERVER_NAME.TARGET'", text),
        {});
  auto parts = detail::split_target(target, members);
  if (parts.server.empty())
    return detail::target_error(
        fmt::format("server name cannot be empty in secret target '{}'", text), {});
  if (!parts.known)
    return detail::target_error(
        fmt::format(
            "secret cannot be set because the MCP server named '{}' does not exist in group",
            parts.server),
        {}, detail::members_hint(members));
  if (parts.key.empty())
    return detail::target_error(
        fmt::format("environment variable name cannot be empty in secret target '{}'", text), {});
  secret_reference made{std::string(name), std::move(parts.key)};
  THV_CHECK(thv::detail::take_secret_options(made, text));
  if (made.target.empty())
    return detail::target_error(
        fmt::format("environment variable name cannot be empty in secret target '{}'", text), {});
  THV_CHECK(thv::detail::check_secret_target(made));
  auto& list = into.secrets[parts.server];
  std::erase_if(list, [&](secret_reference const& other) { return other.target == made.target; });
  list.push_back(std::move(made));
  return {};
}

/// Takes the text of an env file: lines `SERVER.KEY=VALUE`, no quotes processed; empty lines and
/// lines that start with `#` are skipped, a leading `export ` is dropped. Errors have `file:line`,
/// and never repeat a value.
[[nodiscard]] inline result<void> add_env_file(targets& into, std::string_view text,
                                               std::string_view file,
                                               std::vector<std::string> const& members) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto const end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (!line.empty() && thv::detail::is_space(line.front())) line.remove_prefix(1);
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("export ")) line.remove_prefix(7);
    auto const equals = line.find('=');
    auto const shown =
        equals == line.npos ? std::string("…") : std::string(line.substr(0, equals)) + "=…";
    THV_CHECK(detail::add_env(into, line, shown, fmt::format("{}:{}", file, number), members));
  }
  return {};
}

/// The flags of one command line.
struct target_flags {
  std::vector<std::string> env;        ///< `--env`
  std::vector<std::string> env_files;  ///< `--env-file`, paths
  std::vector<std::string> secrets;    ///< `--secret`
};

/// Reads all flags for a group with these members. Secrets are checked first, then files, then
/// `--env`, which wins over a file.
[[nodiscard]] inline result<targets> parse_targets(target_flags const& flags,
                                                   std::vector<std::string> const& members) {
  targets t;
  for (auto const& text : flags.secrets) THV_CHECK(add_secret(t, text, members));
  for (auto const& path : flags.env_files) {
    auto const text = thv::detail::read_text_file(path);
    if (!text) return fail(errc::not_found, fmt::format("env file '{}' cannot be read", path));
    THV_CHECK(add_env_file(t, *text, path, members));
  }
  for (auto const& text : flags.env) THV_CHECK(add_env(t, text, members));
  return t;
}

}  // namespace thv::registry
