// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <thv/error.hpp>
#include <thv/model/names.hpp>
#include <thv/model/run_config.hpp>
#include <thv/registry/packages.hpp>
#include <thv/registry/registry.hpp>
#include <thv/registry/targets.hpp>

namespace thv::registry {

/// How the members of a registry group become run configs.
struct member_options {
  std::string group_name;  ///< the group they run in
  std::string prefix;      ///< put before each member's name
  std::string registry;    ///< file or URL, for `registry_url`
  std::string runtime;     ///< for local members that name none
  /// Which package of a local server is to run, or the error of the member's runtime. Empty: the
  /// first. See `choose_package`.
  std::function<result<package const*>(server const&)> choose;
};

/// The names of a group's members as `--env` and `--secret` know them.
[[nodiscard]] inline std::vector<std::string> member_names(group const& g) {
  std::vector<std::string> names;
  for (auto const& s : g.servers) names.push_back(s.name);
  return names;
}

namespace detail {

/// A required variable or header that has no value.
struct missing_value {
  std::string member;
  std::string name;
  bool secret = false;
};

using values = std::map<std::string, std::string>;

[[nodiscard]] inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return thv::detail::to_lower(a) == thv::detail::to_lower(b);
}

/// Environment of a local member: the registry's defaults, then what the user gave. A variable
/// given as a secret is in `secrets` only.
inline void fill_environment(run_config& config, server const& s, package const& p,
                             values const& given, std::vector<secret_reference> const& secrets,
                             std::vector<missing_value>& missing) {
  for (auto const& v : p.env_vars)
    if (v.default_value) config.env_vars[v.name] = *v.default_value;
  for (auto const& [key, value] : given) config.env_vars[key] = value;
  std::set<std::string> secret_names;
  for (auto const& secret : secrets) {
    config.env_vars.erase(secret.target);
    config.secrets.push_back(to_string(secret));
    secret_names.insert(secret.target);
  }
  for (auto const& v : p.env_vars)
    if (v.required && !config.env_vars.contains(v.name) && !secret_names.contains(v.name))
      missing.push_back({s.name, v.name, v.secret});
}

/// The declared spelling of a header, `Authorization` where none is declared, else an error.
[[nodiscard]] inline result<std::string> header_name(server const& s, std::string const& key) {
  std::vector<std::string_view> declared;
  for (auto const& h : s.headers) {
    if (equal_ignoring_case(h.name, key)) return h.name;
    declared.push_back(h.name);
  }
  if (equal_ignoring_case(key, "Authorization")) return std::string("Authorization");
  return fail(errc::invalid_argument,
              fmt::format("remote server '{}' declares no header '{}'", s.name, key),
              declared.empty() ? "it declares none; only Authorization can be given"
                               : fmt::format("its headers: {}", fmt::join(declared, ", ")));
}

/// Headers of a remote member, in the same order of precedence.
[[nodiscard]] inline result<void> fill_headers(run_config& config, server const& s,
                                               values const& given,
                                               std::vector<secret_reference> const& secrets,
                                               std::vector<missing_value>& missing) {
  for (auto const& h : s.headers)
    if (h.default_value) config.plaintext_headers[h.name] = *h.default_value;
  for (auto const& [key, value] : given) {
    THV_TRY(auto const name, header_name(s, key));
    config.plaintext_headers[name] = value;
  }
  for (auto const& secret : secrets) {
    THV_TRY(auto const name, header_name(s, secret.target));
    if (secret.as == secret_delivery::file)
      return fail(
          errc::invalid_argument,
          fmt::format("'{}' is a remote server: its header '{}' cannot be a file", s.name, name),
          fmt::format("leave out ',as=file' for the secret {}", secret.name));
    config.plaintext_headers.erase(name);
    config.secret_headers[name] = secret.name;
  }
  for (auto const& h : s.headers)
    if (h.required && !config.plaintext_headers.contains(h.name) &&
        !config.secret_headers.contains(h.name))
      missing.push_back({s.name, h.name, h.secret});
  return {};
}

[[nodiscard]] inline result<package const*> chosen_package(server const& s,
                                                           member_options const& options) {
  if (s.packages.empty())
    return fail(errc::unsupported,
                fmt::format("server '{}' cannot run: it has {}", s.name, describe_sources(s)));
  if (options.choose) return options.choose(s);
  return &s.packages.front();
}

[[nodiscard]] inline result<run_config> member_config(server const& s, targets const& t,
                                                      member_options const& options,
                                                      std::vector<missing_value>& missing) {
  auto const env = t.env.find(s.name);
  auto const secrets = t.secrets.find(s.name);
  auto const& given = env == t.env.end() ? values{} : env->second;
  auto const& references =
      secrets == t.secrets.end() ? std::vector<secret_reference>{} : secrets->second;

  run_config c;
  c.name = options.prefix + registry_workload_name(s.name);
  THV_CHECK(validate_workload_name(c.name));
  c.group = options.group_name;
  c.port = s.proxy_port;
  c.runtime = s.runtime;
  c.optional = s.optional;
  c.registry_server_name = s.name;
  c.registry_url = options.registry;
  if (s.remote()) {
    c.remote_url = s.url;
    bool const sse = s.transport == transport::sse;
    c.transport = sse ? transport::sse : transport::streamable_http;
    THV_CHECK(fill_headers(c, s, given, references, missing));
    return c;
  }
  THV_TRY(auto const* p, chosen_package(s, options));
  if (c.runtime.empty()) c.runtime = options.runtime;
  c.image = p->reference;
  c.cmd_args = p->args;
  c.transport = p->transport.value_or(s.transport.value_or(transport::stdio));
  if (c.transport != transport::stdio)
    c.target_port = p->target_port != 0 ? p->target_port : s.target_port;
  c.permission_profile = s.permissions.value_or(network_only_permissions());
  fill_environment(c, s, *p, given, references, missing);
  return c;
}

/// One error for everything that is missing, with flags to copy.
[[nodiscard]] inline error missing_values_error(std::vector<missing_value> const& missing) {
  std::vector<std::string> names;
  std::vector<std::string> flags;
  for (auto const& m : missing) {
    names.push_back(m.member + "." + m.name + (m.secret ? " (secret)" : ""));
    flags.push_back(m.secret ? "--secret NAME,target=" + m.member + "." + m.name
                             : "--env " + m.member + "." + m.name + "=VALUE");
  }
  return fail(errc::invalid_argument,
              fmt::format("missing required values: {}", fmt::join(names, ", ")),
              fmt::format("add {}", fmt::join(flags, " ")));
}

}  // namespace detail

/// Builds the run config of one server, as of a group's only member: `thv run SERVER`. Targets are
/// looked up under the server's name.
[[nodiscard]] inline result<run_config> server_config(server const& s, targets const& t,
                                                      member_options const& options) {
  std::vector<detail::missing_value> missing;
  THV_TRY(auto config, detail::member_config(s, t, options, missing));
  if (!missing.empty()) return detail::missing_values_error(missing);
  return config;
}

/// Builds the run config of each member, in the group's order. A missing transport is stdio for a
/// package or image, streamable-http for a remote server; a missing permission profile is
/// `network`.
/// `--env` and `--secret` reach a remote server as its headers. Required variables and headers
/// without a value are one error that names all of every member; a default counts as a value.
[[nodiscard]] inline result<std::vector<run_config>> member_configs(group const& g,
                                                                    targets const& t,
                                                                    member_options const& options) {
  std::vector<run_config> configs;
  std::vector<detail::missing_value> missing;
  std::map<std::string, std::string> names;
  for (auto const& s : g.servers) {
    THV_TRY(auto config, detail::member_config(s, t, options, missing));
    auto const [other, fresh] = names.emplace(config.name, s.name);
    if (!fresh)
      return fail(errc::invalid_argument,
                  fmt::format("servers '{}' and '{}' would both run as '{}'", other->second, s.name,
                              config.name));
    configs.push_back(std::move(config));
  }
  if (!missing.empty()) return detail::missing_values_error(missing);
  return configs;
}

}  // namespace thv::registry
