// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <thv/error.hpp>
#include <thv/json/canonical.hpp>
#include <thv/json/reader.hpp>
#include <thv/model/names.hpp>
#include <thv/model/permission_profile_json.hpp>
#include <thv/model/run_config.hpp>

namespace thv {

namespace detail {

/// Every member of a run config that we read and write, as a JSON pointer.
inline constexpr std::string_view run_config_members[] = {
    "/schema_version",
    "/image",
    "/remote_url",
    "/registry_url",
    "/registry_server_name",
    "/cmd_args",
    "/name",
    "/transport",
    "/host",
    "/port",
    "/target_port",
    "/publish",
    "/permission_profile_name_or_path",
    "/permission_profile/name",
    "/permission_profile/read",
    "/permission_profile/write",
    "/permission_profile/network/mode",
    "/permission_profile/network/outbound/insecure_allow_all",
    "/permission_profile/network/outbound/allow_host",
    "/permission_profile/network/outbound/allow_port",
    "/permission_profile/network/inbound/allow_host",
    "/permission_profile/privileged",
    "/env_vars",
    "/volumes",
    "/container_labels",
    "/secrets",
    "/group",
    "/header_forward/add_plaintext_headers",
    "/header_forward/add_headers_from_secret",
    "/runtime",
    "/optional",
    "/on_demand",
    "/idle_timeout_ms",
};

/// What of an object we do not know, nested as it was.
[[nodiscard]] inline boost::json::object unknown_members(boost::json::object const& from,
                                                         std::string const& pointer = {}) {
  boost::json::object out;
  for (auto const& member : from) {
    auto const path = pointer + "/" + json::pointer_token(member.key());
    auto const is = [&](std::string_view known) { return known == path; };
    auto const holds = [&](std::string_view known) { return known.starts_with(path + "/"); };
    auto const& known = run_config_members;
    if (std::any_of(std::begin(known), std::end(known), is)) continue;
    if (std::any_of(std::begin(known), std::end(known), holds)) {
      if (auto const* object = member.value().if_object())
        if (auto inner = unknown_members(*object, path); !inner.empty())
          out[member.key()] = std::move(inner);
      continue;
    }
    out[member.key()] = member.value();
  }
  return out;
}

/// Puts unknown members back where they were; what we wrote ourselves stays.
inline void merge_unknown(boost::json::object& into, boost::json::object const& unknown) {
  for (auto const& member : unknown) {
    auto* const existing = into.if_contains(member.key());
    if (existing == nullptr)
      into[member.key()] = member.value();
    else if (existing->is_object() && member.value().is_object())
      merge_unknown(existing->get_object(), member.value().get_object());
  }
}

inline void put_text(boost::json::object& into, std::string_view key, std::string const& text) {
  if (!text.empty()) into[key] = text;
}
inline void put_map(boost::json::object& into, std::string_view key,
                    std::map<std::string, std::string> const& values) {
  if (values.empty()) return;
  boost::json::object out;
  for (auto const& [name, value] : values) out[name] = value;
  into[key] = std::move(out);
}

}  // namespace detail

/// ToolHive's RunConfig JSON (schema v0.1.0), unknown members included.
[[nodiscard]] inline boost::json::object to_json(run_config const& c) {
  using namespace detail;
  boost::json::object out;
  out["schema_version"] = c.schema_version;
  out["image"] = c.image;
  put_text(out, "remote_url", c.remote_url);
  put_text(out, "registry_url", c.registry_url);
  put_text(out, "registry_server_name", c.registry_server_name);
  put_list(out, "cmd_args", c.cmd_args);
  out["name"] = c.name;
  out["transport"] = to_string(c.transport);
  out["host"] = c.host;
  out["port"] = c.port;
  if (c.target_port != 0) out["target_port"] = c.target_port;
  put_list(out, "publish", c.publish);
  put_text(out, "permission_profile_name_or_path", c.permission_profile_name_or_path);
  if (c.permission_profile)
    out["permission_profile"] = to_json(*c.permission_profile);
  else
    out["permission_profile"] = nullptr;
  put_map(out, "env_vars", c.env_vars);
  put_list(out, "volumes", c.volumes);
  put_map(out, "container_labels", c.container_labels);
  put_list(out, "secrets", c.secrets);
  put_text(out, "group", c.group);
  boost::json::object headers;
  put_map(headers, "add_plaintext_headers", c.plaintext_headers);
  put_map(headers, "add_headers_from_secret", c.secret_headers);
  if (!headers.empty()) out["header_forward"] = std::move(headers);
  put_text(out, "runtime", c.runtime);
  if (c.optional) out["optional"] = true;
  if (c.on_demand) out["on_demand"] = true;
  if (c.idle_timeout_ms != 0) out["idle_timeout_ms"] = c.idle_timeout_ms;
  merge_unknown(out, c.unknown);
  return out;
}

/// Reads what `to_json`, or ToolHive, wrote. `origin` names the document in errors. Absent members
/// keep their defaults; use `validate_run_config` where a config must be able to run.
[[nodiscard]] inline result<run_config> run_config_from_json(boost::json::value const& value,
                                                             std::string_view origin) {
  run_config c;
  json::reader const r(value, origin);
  THV_CHECK(r.expect_object());
  THV_CHECK(r.read("schema_version", c.schema_version));
  THV_CHECK(r.read("image", c.image));
  THV_CHECK(r.read("remote_url", c.remote_url));
  THV_CHECK(r.read("registry_url", c.registry_url));
  THV_CHECK(r.read("registry_server_name", c.registry_server_name));
  THV_CHECK(r.read("cmd_args", c.cmd_args));
  THV_CHECK(r.read("name", c.name));
  if (auto const transport = r.find("transport")) {
    std::string text;
    THV_CHECK(transport->get(text));
    auto const parsed = parse_transport(text);
    if (!parsed)
      return transport->fail("unknown transport " + detail::quoted(text),
                             "expected stdio, sse or streamable-http");
    c.transport = *parsed;
  }
  THV_CHECK(r.read("host", c.host));
  THV_CHECK(r.read("port", c.port));
  THV_CHECK(r.read("target_port", c.target_port));
  THV_CHECK(r.read("publish", c.publish));
  THV_CHECK(r.read("permission_profile_name_or_path", c.permission_profile_name_or_path));
  if (auto const profile = r.find("permission_profile")) {
    THV_TRY(c.permission_profile, permission_profile_from_json(*profile));
  }
  THV_CHECK(r.read("env_vars", c.env_vars));
  THV_CHECK(r.read("volumes", c.volumes));
  THV_CHECK(r.read("container_labels", c.container_labels));
  THV_CHECK(r.read("secrets", c.secrets));
  THV_CHECK(r.read("group", c.group));
  if (auto const headers = r.find("header_forward")) {
    THV_CHECK(headers->expect_object());
    THV_CHECK(headers->read("add_plaintext_headers", c.plaintext_headers));
    THV_CHECK(headers->read("add_headers_from_secret", c.secret_headers));
  }
  THV_CHECK(r.read("runtime", c.runtime));
  THV_CHECK(r.read("optional", c.optional));
  THV_CHECK(r.read("on_demand", c.on_demand));
  if (auto const idle = r.find("idle_timeout_ms")) {
    THV_CHECK(idle->get(c.idle_timeout_ms));
    if (c.idle_timeout_ms < 0 || c.idle_timeout_ms > 86'400'000)
      return idle->fail("not a time of 0 to 86400000 ms");
  }
  c.unknown = detail::unknown_members(value.get_object());
  return c;
}

/// Checks what a config must have to run: a valid name and a source.
[[nodiscard]] inline result<void> validate_run_config(run_config const& c,
                                                      std::string_view origin) {
  auto const at = [&](std::string_view member) { return json::place(origin, member); };
  if (c.name.empty()) return fail(errc::invalid_argument, "missing", {}, at("/name"));
  if (auto valid = validate_workload_name(c.name); !valid) {
    valid.error().where = at("/name");
    return valid;
  }
  if (c.image.empty() && c.remote_url.empty())
    return fail(errc::invalid_argument, "missing", "give an image, or a remote_url", at("/image"));
  if (!c.group.empty())
    if (auto valid = validate_group_name(c.group); !valid) {
      valid.error().where = at("/group");
      return valid;
    }
  return {};
}

/// Text that is equal exactly when two configs are: compact JSON with sorted keys. For hashes and
/// comparison; blank the members that must not count (group, port) in a copy first.
[[nodiscard]] inline std::string canonical_text(run_config const& c) {
  return json::canonical(to_json(c));
}

}  // namespace thv
