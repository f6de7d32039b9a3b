// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <thv/error.hpp>
#include <thv/model/source.hpp>

namespace thv {

namespace detail {

[[nodiscard]] constexpr bool is_space(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
[[nodiscard]] constexpr bool is_lower_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] inline std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = to_lower(c);
  return lower;
}
[[nodiscard]] constexpr bool is_workload_character(char c) noexcept {
  return is_lower_alphanumeric(to_lower(c)) || c == '.' || c == '_' || c == '-';
}

/// In double quotes, with control characters escaped.
[[nodiscard]] inline std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\r')
      out += "\\r";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + "\"";
}

/// Text with each character outside `[a-zA-Z0-9_-]` replaced by `-`, without `-` at the start.
[[nodiscard]] inline std::string dashed(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (!is_workload_character(c) || c == '.') c = '-';
  return out.substr(std::min(out.find_first_not_of('-'), out.size()));
}

/// Why a group name is not valid, in ToolHive's words; empty when it is.
[[nodiscard]] inline std::string group_name_problem(std::string_view name) {
  if (std::all_of(name.begin(), name.end(), is_space))
    return "group name cannot be empty or consist only of whitespace";
  if (name.find('\0') != std::string_view::npos) return "group name cannot contain null bytes";
  if (to_lower(name) != name) return "group name must be lowercase";
  auto const allowed = [](char c) {
    return is_lower_alphanumeric(c) || c == '_' || c == '-' || (is_space(c) && c != '\v');
  };
  if (!std::all_of(name.begin(), name.end(), allowed))
    return "group name can only contain lowercase alphanumeric characters, underscores, dashes, "
           "and spaces: " +
           quoted(name);
  if (is_space(name.front()) || is_space(name.back()))
    return "group name cannot have leading or trailing whitespace: " + quoted(name);
  if (name.find("  ") != std::string_view::npos)
    return "group name cannot contain consecutive spaces: " + quoted(name);
  return {};
}

}  // namespace detail

/// Checks the name of a group by ToolHive's rules, with its reasons.
[[nodiscard]] inline result<void> validate_group_name(std::string_view name) {
  auto reason = detail::group_name_problem(name);
  if (reason.empty()) return {};
  return fail(errc::invalid_argument, "invalid group name: " + reason);
}

/// Checks the name of a workload: `^[a-zA-Z0-9._-]{1,100}$`, neither `.` nor `..`.
[[nodiscard]] inline result<void> validate_workload_name(std::string_view name) {
  auto const invalid = [](std::string reason) {
    return fail(errc::invalid_argument, "invalid workload name: " + std::move(reason));
  };
  if (name.empty()) return invalid("workload name cannot be empty");
  if (name.find('\0') != std::string_view::npos)
    return invalid("workload name cannot contain null bytes");
  if (!std::all_of(name.begin(), name.end(), detail::is_workload_character))
    return invalid(
        "workload name can only contain letters, digits, dots, dashes, and underscores: " +
        detail::quoted(name));
  if (name.size() > 100)
    return invalid(fmt::format("workload name of {} characters, the limit is 100", name.size()));
  if (name == "." || name == "..")
    return invalid("workload name cannot be a path: " + detail::quoted(name));
  return {};
}

/// The group name that a registry group of this human name runs as: "Mobile App Team Toolkit" gives
/// `mobile-app-team-toolkit`. A valid group name without whitespace is its own slug. A name without
/// any ASCII letter or digit gives `group-` and a hash of it. The slug is a valid group name.
[[nodiscard]] inline std::string slug(std::string_view name) {
  if (detail::group_name_problem(name).empty() &&
      std::none_of(name.begin(), name.end(), detail::is_space))
    return std::string(name);
  std::string out;
  for (char const raw : name) {
    char const c = detail::to_lower(raw);
    if (detail::is_lower_alphanumeric(c) || c == '_')
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  if (!out.empty()) return out;
  std::uint32_t hash = 2166136261u;
  for (char const c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return fmt::format("group-{:08x}", hash);
}

/// A name made valid: every other character becomes `-`, and it is cut at 100. Compare with the
/// original to know whether to warn. Empty stays empty.
[[nodiscard]] inline std::string sanitize_workload_name(std::string_view name) {
  std::string out(name.substr(0, 100));
  for (char& c : out)
    if (!detail::is_workload_character(c)) c = '-';
  if (out == "." || out == "..") std::fill(out.begin(), out.end(), '-');
  return out;
}

/// The workload name of a registry entry: the entry's own name where that is valid, else (a
/// reverse-DNS name such as `io.github.user/weather`) with `-` for `.` and `/`.
[[nodiscard]] inline std::string registry_workload_name(std::string_view server) {
  if (validate_workload_name(server)) return std::string(server);
  auto const name = detail::dashed(server);
  return name.substr(0, 100);
}

namespace detail {

/// `api.github.com` gives `github`; an address, or a name of one label, itself.
[[nodiscard]] inline std::string url_workload_name(std::string_view url) {
  auto host = url.substr(std::min(url.find("://") + 3, url.size()));
  host = host.substr(0, host.find_first_of("/?#"));
  if (auto const at = host.rfind('@'); at != host.npos) host.remove_prefix(at + 1);
  if (host.starts_with('[')) return dashed(host.substr(1, host.find(']') - 1));
  host = host.substr(0, host.find(':'));
  auto const last = host.rfind('.');
  bool const address = host.find_first_not_of("0123456789.") == host.npos;
  if (last == host.npos || last == 0 || address) return dashed(host);
  auto const domain = host.substr(0, last);
  return dashed(domain.substr(domain.rfind('.') + 1));
}

/// `ghcr.io/stackloklabs/gofetch/server:1` gives `gofetch-server`.
[[nodiscard]] inline std::string image_workload_name(std::string_view image) {
  image = image.substr(0, image.find('@'));
  auto const slash = image.find('/');
  auto const registry = image.substr(0, slash);
  if (slash != image.npos &&
      (registry.find_first_of(".:") != registry.npos || registry == "localhost"))
    image.remove_prefix(slash + 1);
  image = image.substr(0, image.find(':'));
  auto const last = image.rfind('/');
  if (last == image.npos || last == 0) return dashed(image);
  auto const parent = image.rfind('/', last - 1);
  return dashed(image.substr(parent == image.npos ? 0 : parent + 1));
}

}  // namespace detail

/// The name a workload gets when nobody gives one, from the text of its source, by ToolHive's
/// rules: a package with `-` for `/`, `@` and `.`; a URL's second-level host label;
/// `<parent>-<repository>` of an image; a program's file name. Empty when nothing usable is left.
[[nodiscard]] inline std::string default_workload_name(std::string_view text) {
  auto const origin = parse_source(text);
  std::string name;
  switch (origin.kind) {
    case source_kind::npm:
    case source_kind::pypi: {
      auto package = text.substr(text.find("://") + 3);
      while (package.starts_with("./") || package.starts_with("../"))
        package.remove_prefix(package.find('/') + 1);
      name = detail::dashed(package);
      break;
    }
    case source_kind::program:
      name = detail::dashed(std::string_view(origin.package).substr(origin.package.rfind('/') + 1));
      break;
    case source_kind::url:
      name = detail::url_workload_name(text);
      break;
    case source_kind::image:
      name = detail::image_workload_name(text);
      break;
  }
  return name.substr(0, 100);
}

}  // namespace thv
