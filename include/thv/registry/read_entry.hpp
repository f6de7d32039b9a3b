// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <thv/error.hpp>
#include <thv/json/reader.hpp>
#include <thv/model/names.hpp>
#include <thv/model/permission_profile_json.hpp>
#include <thv/model/source.hpp>
#include <thv/registry/registry.hpp>

namespace thv::registry::detail {

/// Reads a transport's name.
[[nodiscard]] inline result<void> read_transport(json::reader const& entry, std::string_view key,
                                                 std::optional<transport>& into) {
  auto const member = entry.find(key);
  if (!member) return {};
  std::string text;
  THV_CHECK(member->get(text));
  if (text.empty()) return {};
  into = parse_transport(text);
  if (!into)
    return member->fail("unknown transport " + thv::detail::quoted(text),
                        "expected stdio, sse or streamable-http");
  return {};
}

/// Refuses a list of variables, read from `list`, in which a name comes twice.
[[nodiscard]] inline result<void> check_names_differ(json::reader const& list,
                                                     std::vector<variable> const& variables) {
  std::vector<std::size_t> order(variables.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return variables[a].name < variables[b].name;
  });
  auto const twice = std::adjacent_find(
      order.begin(), order.end(),
      [&](std::size_t a, std::size_t b) { return variables[a].name == variables[b].name; });
  if (twice == order.end()) return {};
  auto const item = list.element(*std::next(twice));
  return item.fail_at("name", "duplicate name " + thv::detail::quoted(variables[*twice].name));
}

/// Reads `env_vars` or `headers`: each needs a name, no name may come twice.
[[nodiscard]] inline result<void> read_variables(json::reader const& entry, std::string_view key,
                                                 std::vector<variable>& into) {
  auto const list = entry.find(key);
  if (!list) return {};
  THV_CHECK(list->expect_array());
  for (std::size_t i = 0; i < list->value().get_array().size(); ++i) {
    auto const item = list->element(i);
    THV_CHECK(item.expect_object());
    variable v;
    THV_CHECK(item.read("name", v.name));
    if (v.name.empty()) return item.fail_at("name", "missing");
    THV_CHECK(item.read("description", v.description));
    THV_CHECK(item.read("required", v.required));
    THV_CHECK(item.read("secret", v.secret));
    THV_CHECK(item.read("default", v.default_value));
    into.push_back(std::move(v));
  }
  return check_names_differ(*list, into);
}

/// Checks the text of an `image` member: an image reference, a package or, from a file on this
/// machine only, a program.
[[nodiscard]] inline result<void> check_reference(json::reader const& image,
                                                  std::string const& text, bool local) {
  if (text.find_first_of(" \t\r\n") != std::string::npos)
    return image.fail("image reference with whitespace: " + thv::detail::quoted(text));
  auto const origin = parse_source(text);
  if (origin.kind == source_kind::url)
    return image.fail("a URL where an image is expected",
                      "a server that runs elsewhere belongs in `remote_servers`, with `url`");
  if (origin.kind == source_kind::program) {
    if (!local)
      return image.fail("a program in a registry that is no file on this machine",
                        "file:// entries are taken from a local registry file only");
    if (!origin.package.starts_with('/'))
      return image.fail("not an absolute path: " + thv::detail::quoted(text),
                        "write file:///path/of/the/program");
  }
  if (origin.kind == source_kind::image && text.find("://") != std::string::npos)
    return image.fail("unknown scheme: " + thv::detail::quoted(text),
                      "expected an image reference, npx://, uvx:// or file:///");
  if (origin.kind != source_kind::image && origin.package.empty())
    return image.fail("no name after the scheme: " + thv::detail::quoted(text));
  return {};
}

/// Checks a remote server's URL: http(s) with a host.
[[nodiscard]] inline result<void> check_url(json::reader const& member, std::string const& url) {
  auto const scheme = url.find("://");
  bool const http = url.starts_with("http://") || url.starts_with("https://");
  if (http && url.size() > scheme + 3 && url[scheme + 3] != '/' &&
      url.find_first_of(" \t\r\n") == std::string::npos)
    return {};
  return member.fail("not an http:// or https:// URL: " + thv::detail::quoted(url));
}

/// Members that both formats keep outside their packages: ToolHive's entry itself, and the
/// extension object of an upstream entry.
[[nodiscard]] inline result<void> read_details(json::reader const& entry, server& s) {
  THV_CHECK(entry.read("tier", s.tier));
  THV_CHECK(entry.read("status", s.status));
  THV_CHECK(entry.read("tools", s.tools));
  THV_CHECK(entry.read("tags", s.tags));
  THV_CHECK(entry.read("target_port", s.target_port));
  THV_CHECK(entry.read("proxy_port", s.proxy_port));
  if (auto const metadata = entry.find("metadata")) {
    THV_CHECK(metadata->expect_object());
    THV_CHECK(metadata->read("stars", s.stars));
  }
  if (auto const permissions = entry.find("permissions")) {
    THV_TRY(s.permissions, permission_profile_from_json(*permissions));
  }
  return {};
}

/// Our own members, in either format.
[[nodiscard]] inline result<void> read_own(json::reader const& entry, server& s) {
  THV_CHECK(entry.read("runtime", s.runtime));
  return entry.read("optional", s.optional);
}

/// Reads an entry of ToolHive's format. `remote`: it stands in `remote_servers`. What is asked for
/// is what running needs; all else may be missing.
[[nodiscard]] inline result<server> read_entry(json::reader const& entry, std::string_view name,
                                               bool remote, bool local) {
  server s;
  s.name = name;
  s.pointer = entry.pointer();
  THV_CHECK(entry.read("title", s.title));
  THV_CHECK(entry.read("description", s.description));
  THV_CHECK(entry.read("repository_url", s.repository_url));
  THV_CHECK(read_transport(entry, "transport", s.transport));
  THV_CHECK(read_details(entry, s));
  THV_CHECK(read_own(entry, s));

  std::string image;
  THV_CHECK(entry.read("image", image));
  THV_CHECK(entry.read("url", s.url));
  if (!s.url.empty() && (remote || image.empty())) {
    THV_CHECK(check_url(*entry.find("url"), s.url));
    THV_CHECK(read_variables(entry, "headers", s.headers));
    return s;
  }
  if (remote) return entry.fail_at("url", "missing", "a remote server needs its http(s) URL");
  s.url.clear();
  if (image.empty())
    return entry.fail_at("image", "missing",
                         "a server needs an image, a package (npx://, uvx://) or a url");
  THV_CHECK(check_reference(*entry.find("image"), image, local));

  package p;
  p.reference = std::move(image);
  p.transport = s.transport;
  THV_CHECK(entry.read("args", p.args));
  THV_CHECK(read_variables(entry, "env_vars", p.env_vars));
  s.packages.push_back(std::move(p));
  return s;
}

}  // namespace thv::registry::detail
