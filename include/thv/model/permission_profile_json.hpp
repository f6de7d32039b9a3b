// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <thv/error.hpp>
#include <thv/json/parse.hpp>
#include <thv/json/reader.hpp>
#include <thv/model/permission_profile.hpp>
#include <thv/model/text_file.hpp>

namespace thv {

namespace detail {

template <class T>
[[nodiscard]] boost::json::array to_json_array(std::vector<T> const& values) {
  boost::json::array out;
  out.reserve(values.size());
  for (auto const& v : values) out.emplace_back(v);
  return out;
}

template <class T>
void put_list(boost::json::object& into, std::string_view key, std::vector<T> const& values) {
  if (!values.empty()) into[key] = to_json_array(values);
}

}  // namespace detail

/// ToolHive's JSON form of a permission profile: empty parts are left out.
[[nodiscard]] inline boost::json::object to_json(permission_profile const& p) {
  boost::json::object out;
  if (!p.name.empty()) out["name"] = p.name;
  detail::put_list(out, "read", p.read);
  detail::put_list(out, "write", p.write);
  boost::json::object network;
  if (!p.network.mode.empty()) network["mode"] = p.network.mode;
  boost::json::object outbound;
  if (p.network.outbound_allow_all) outbound["insecure_allow_all"] = true;
  detail::put_list(outbound, "allow_host", p.network.outbound_allow_host);
  detail::put_list(outbound, "allow_port", p.network.outbound_allow_port);
  if (!outbound.empty()) network["outbound"] = std::move(outbound);
  boost::json::object inbound;
  detail::put_list(inbound, "allow_host", p.network.inbound_allow_host);
  if (!inbound.empty()) network["inbound"] = std::move(inbound);
  if (!network.empty()) out["network"] = std::move(network);
  if (p.privileged) out["privileged"] = true;
  return out;
}

/// Checks a mount of a profile: `path` or `host-path:container-path`. Characters that a shell would
/// act on are refused.
[[nodiscard]] inline result<void> validate_profile_mount(json::reader const& mount) {
  std::string text;
  THV_CHECK(mount.get(text));
  if (text.empty()) return mount.fail("empty mount");
  if (text.find_first_of("$&;|`") != std::string::npos)
    return mount.fail("mount holds one of the characters $ & ; | `");
  return {};
}

/// Reads a profile from its JSON form. Unknown members are ignored.
[[nodiscard]] inline result<permission_profile> permission_profile_from_json(
    json::reader const& value) {
  permission_profile p;
  THV_CHECK(value.expect_object());
  THV_CHECK(value.read("name", p.name));
  THV_CHECK(value.read("read", p.read));
  THV_CHECK(value.read("write", p.write));
  THV_CHECK(value.read("privileged", p.privileged));
  for (auto const* const key : {"read", "write"})
    if (auto const mounts = value.find(key))
      for (std::size_t i = 0; i < mounts->value().get_array().size(); ++i)
        THV_CHECK(validate_profile_mount(mounts->element(i)));
  if (auto const network = value.find("network")) {
    THV_CHECK(network->expect_object());
    THV_CHECK(network->read("mode", p.network.mode));
    if (auto const outbound = network->find("outbound")) {
      THV_CHECK(outbound->expect_object());
      THV_CHECK(outbound->read("insecure_allow_all", p.network.outbound_allow_all));
      THV_CHECK(outbound->read("allow_host", p.network.outbound_allow_host));
      THV_CHECK(outbound->read("allow_port", p.network.outbound_allow_port));
    }
    if (auto const inbound = network->find("inbound")) {
      THV_CHECK(inbound->expect_object());
      THV_CHECK(inbound->read("allow_host", p.network.inbound_allow_host));
    }
  }
  return p;
}

/// Reads the text of a profile file; `origin` is the file's name for errors.
[[nodiscard]] inline result<permission_profile> parse_permission_profile(std::string_view text,
                                                                         std::string_view origin) {
  THV_TRY(auto const value, json::parse(text, origin));
  return permission_profile_from_json(json::reader(value, origin));
}

/// What `--permission-profile` takes: `none`, `network`, `stdio` (the same as `none`), or a JSON
/// file.
[[nodiscard]] inline result<permission_profile> load_permission_profile(
    std::string const& name_or_path) {
  if (name_or_path == "none" || name_or_path == "stdio") return no_permissions();
  if (name_or_path == "network") return network_only_permissions();
  auto const text = detail::read_text_file(name_or_path);
  if (!text)
    return fail(errc::not_found,
                "permission profile '" + name_or_path + "' is no readable file and not built in",
                "built in are `none` and `network`; else give the path of a JSON file");
  return parse_permission_profile(*text, name_or_path);
}

}  // namespace thv
