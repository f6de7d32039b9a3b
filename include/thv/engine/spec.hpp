// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <thv/error.hpp>
#include <thv/model/run_config.hpp>
#include <thv/model/secret_reference.hpp>
#include <thv/model/utf8.hpp>
#include <thv/plugin/workload_spec.hpp>

namespace thv {

/// Looks up the value of a secret for a member of a group (a group may have one of its own).
/// errc::not_found if there is none; errc::unavailable if it cannot be had now (a locked store).
/// Thread-safe.
using secret_source =
    std::function<result<std::string>(std::string const& name, std::string const& group)>;

/// Splits `host-path:container-path[:ro|:rw]`. errc::invalid_argument for anything else.
[[nodiscard]] inline result<plugin::mount> parse_volume(std::string_view text) {
  auto const bad = [&] {
    return fail(errc::invalid_argument, fmt::format("'{}' is no volume", text),
                "write it as host-path:container-path or host-path:container-path:ro");
  };
  auto const first = text.find(':');
  if (first == std::string_view::npos || first == 0) return bad();
  plugin::mount m{std::string(text.substr(0, first)), std::string(text.substr(first + 1)), false};
  if (auto const second = m.target.rfind(':'); second != std::string::npos) {
    auto const mode = m.target.substr(second + 1);
    if (mode != "ro" && mode != "rw") return bad();
    m.read_only = mode == "ro";
    m.target.resize(second);
  }
  if (m.target.empty() || m.source.front() != '/' || m.target.front() != '/') return bad();
  return m;
}

namespace detail {

/// A variable ends at its first zero byte, and a header at its line.
inline result<void> check_text(std::string const& name, std::string const& value) {
  if (value.find('\0') == std::string::npos) return {};
  return fail(errc::invalid_argument,
              fmt::format("the value of secret '{}' holds a zero byte", name),
              "only a file can hold it: --secret NAME,target=KEY,as=file");
}

/// What is kept of a workload is JSON, which holds no other bytes.
inline result<void> check_utf8(std::string const& what, std::string_view text) {
  if (is_utf8(text)) return {};
  return fail(errc::invalid_argument, what + " is no UTF-8",
              "only the value of a secret may hold any bytes: --secret NAME,target=KEY");
}

inline result<void> check_utf8(run_config const& config) {
  for (auto const& [name, value] : config.env_vars)
    THV_CHECK(check_utf8(fmt::format("the variable '{}'", name), name + value));
  for (std::size_t i = 0; i < config.cmd_args.size(); ++i)
    THV_CHECK(check_utf8(fmt::format("argument {}", i + 1), config.cmd_args[i]));
  for (auto const& [name, value] : config.plaintext_headers)
    THV_CHECK(check_utf8(fmt::format("the header '{}'", name), name + value));
  for (auto const& volume : config.volumes)
    THV_CHECK(check_utf8(fmt::format("the volume '{}'", volume), volume));
  return check_utf8("what is to be run", config.origin().text);
}

/// Puts a secret's value where its reference says. Of two for one variable the later counts.
inline void give_secret(plugin::workload_spec& spec, secret_reference const& reference,
                        std::string value) {
  bool const as_file = reference.as == secret_delivery::file;
  (as_file ? spec.environment : spec.secret_files).erase(reference.target);
  (as_file ? spec.secret_files : spec.environment)[reference.target] = std::move(value);
}

}  // namespace detail

/// A run config made ready for a runtime. Secrets are looked up here and nowhere else; `hash` is
/// put into the label. Errors name the secret, never its value. errc::invalid_argument for what
/// cannot be kept, as text that is no UTF-8.
[[nodiscard]] inline result<plugin::workload_spec> make_spec(run_config const& config,
                                                             std::string const& store,
                                                             std::string hash,
                                                             secret_source const& secrets) {
  THV_CHECK(detail::check_utf8(config));
  plugin::workload_spec spec;
  spec.name = config.name;
  spec.group = config.group;
  spec.store = store;
  spec.config_hash = std::move(hash);
  spec.source = config.origin();
  spec.arguments = config.cmd_args;
  spec.transport = config.transport;
  spec.host = config.host;
  spec.target_port = config.target_port;
  spec.publish = config.publish;
  spec.environment = config.env_vars;
  spec.labels = config.container_labels;
  spec.permissions = config.permission_profile.value_or(network_only_permissions());
  spec.headers = config.plaintext_headers;
  for (auto const& volume : config.volumes) {
    THV_TRY(auto m, parse_volume(volume));
    spec.mounts.push_back(std::move(m));
  }
  for (auto const& reference : config.secrets) {
    THV_TRY(auto const parsed, parse_secret_reference(reference));
    THV_TRY(auto value, secrets(parsed.name, config.group));
    if (parsed.as != secret_delivery::file) THV_CHECK(detail::check_text(parsed.name, value));
    detail::give_secret(spec, parsed, std::move(value));
    spec.secret_names.push_back(to_string(parsed));
  }
  for (auto const& [header, name] : config.secret_headers) {
    THV_TRY(auto value, secrets(name, config.group));
    THV_CHECK(detail::check_text(name, value));
    spec.headers[header] = std::move(value);
    spec.secret_names.push_back(name + ",target=" + header);
  }
  return spec;
}

}  // namespace thv
