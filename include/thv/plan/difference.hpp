// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <thv/model/run_config.hpp>

namespace thv::plan {

namespace detail {

using text_map = std::map<std::string, std::string>;

/// "env DEBUG added", "env MODE changed", "env OLD dropped". Names only: values may be private.
inline void add_map_differences(std::vector<std::string>& to, std::string const& what,
                                text_map const& before, text_map const& after) {
  for (auto const& [key, value] : after) {
    auto const found = before.find(key);
    if (found == before.end())
      to.push_back(fmt::format("{} {} added", what, key));
    else if (found->second != value)
      to.push_back(fmt::format("{} {} changed", what, key));
  }
  for (auto const& [key, value] : before)
    if (!after.contains(key)) to.push_back(fmt::format("{} {} dropped", what, key));
}

template <class T>
void add_difference(std::vector<std::string>& to, char const* what, T const& before,
                    T const& after) {
  if (before != after) to.push_back(fmt::format("{} changed", what));
}

}  // namespace detail

/// What about a workload's instance would be different, in words, empty if nothing. Fields that do
/// not reach the instance (group, gateway port, where it was declared, optional) do not count.
[[nodiscard]] inline std::vector<std::string> instance_differences(run_config const& before,
                                                                   run_config const& after) {
  std::vector<std::string> found;
  if (before.origin().text != after.origin().text)
    found.push_back(after.origin().kind == source_kind::url
                        ? "URL changed"
                        : fmt::format("{} {} instead of {}", to_string(after.origin().kind),
                                      after.origin().text, before.origin().text));
  detail::add_difference(found, "arguments", before.cmd_args, after.cmd_args);
  detail::add_difference(found, "transport", before.transport, after.transport);
  detail::add_map_differences(found, "env", before.env_vars, after.env_vars);
  detail::add_difference(found, "secrets", before.secrets, after.secrets);
  detail::add_difference(found, "host", before.host, after.host);
  detail::add_difference(found, "target port", before.target_port, after.target_port);
  detail::add_difference(found, "published ports", before.publish, after.publish);
  detail::add_difference(found, "volumes", before.volumes, after.volumes);
  detail::add_difference(found, "permissions", before.permission_profile, after.permission_profile);
  detail::add_map_differences(found, "label", before.container_labels, after.container_labels);
  detail::add_map_differences(found, "header", before.plaintext_headers, after.plaintext_headers);
  detail::add_difference(found, "secret headers", before.secret_headers, after.secret_headers);
  return found;
}

/// Secrets whose value is another one now, as "secret NAME rotated".
[[nodiscard]] inline std::vector<std::string> rotated_secrets(detail::text_map const& before,
                                                              detail::text_map const& after) {
  std::vector<std::string> found;
  for (auto const& [reference, fingerprint] : after) {
    auto const known = before.find(reference);
    if (known != before.end() && known->second != fingerprint)
      found.push_back(fmt::format("secret {} rotated", reference.substr(0, reference.find(','))));
  }
  return found;
}

}  // namespace thv::plan
