// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/value.hpp>

#include <thv/error.hpp>
#include <thv/json/reader.hpp>
#include <thv/registry/finding.hpp>
#include <thv/registry/read_entry.hpp>
#include <thv/registry/read_input.hpp>
#include <thv/registry/registry.hpp>

// Entries in the MCP registry's own format (server.json, revision 2025-12-11).

namespace thv::registry::detail {

/// Whether an entry is a server.json, bare or as the registry's API wraps it.
[[nodiscard]] inline bool is_upstream(boost::json::value const& entry) {
  auto const* object = entry.if_object();
  if (object == nullptr) return false;
  if (auto const* inner = object->if_contains("server")) return inner->is_object();
  return object->contains("packages") || object->contains("remotes");
}

/// The port in `http://host:8080/path`, or 0.
[[nodiscard]] inline std::uint16_t port_of(std::string_view url) {
  auto const scheme = url.find("://");
  if (scheme == url.npos) return 0;
  auto host = url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  auto const colon = host.rfind(':');
  if (colon == host.npos || host.size() - colon > 6 || host.size() - colon < 2) return 0;
  unsigned port = 0;
  for (char const c : host.substr(colon + 1)) {
    if (c < '0' || c > '9') return 0;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return port > 65535 ? std::uint16_t(0) : static_cast<std::uint16_t>(port);
}

/// `identifier` as an image reference: with `version` as its tag and the host of `registryBaseUrl`,
/// where it does not carry its own.
[[nodiscard]] inline std::string image_reference(std::string image, std::string const& version,
                                                 std::string_view base) {
  auto const slash = image.find('/');
  auto const first = image.substr(0, slash);
  bool const has_host = slash != std::string::npos &&
                        (first.find_first_of(".:") != std::string::npos || first == "localhost");
  if (!has_host && base.starts_with("https://")) {
    base.remove_prefix(8);
    while (base.ends_with('/')) base.remove_suffix(1);
    if (!base.empty()) image = std::string(base) + "/" + image;
  }
  auto const repository = image.rfind('/') == std::string::npos ? 0 : image.rfind('/') + 1;
  bool const tagged = image.find_first_of(":@", repository) != std::string::npos;
  return version.empty() || tagged ? image : image + ":" + version;
}

/// One of `packages[]`. Nothing: no runtime of ours knows its kind; it is noted in the server.
[[nodiscard]] inline result<std::optional<package>> read_package(json::reader const& item,
                                                                 server& s, findings& found) {
  THV_CHECK(item.expect_object());
  std::string type, identifier, version, base;
  THV_CHECK(item.read("registryType", type));
  THV_CHECK(item.read("identifier", identifier));
  THV_CHECK(item.read("version", version));
  THV_CHECK(item.read("registryBaseUrl", base));
  if (identifier.empty()) return item.fail_at("identifier", "missing");
  package p;
  auto const suffix = version.empty() || version == "latest" ? "" : "@" + version;
  if (type == "npm")
    p.reference = "npx://" + identifier + suffix;
  else if (type == "pypi")
    p.reference = "uvx://" + identifier + suffix;
  else if (type == "oci")
    p.reference = image_reference(std::move(identifier), version, base);
  if (p.reference.empty()) {
    s.unsupported_packages.push_back(type.empty() ? "unknown" : type);
    found.warn_at(item, "registryType",
                  "no runtime for packages of type " + thv::detail::quoted(type) +
                      " (npm, pypi and oci run)");
    return std::optional<package>{};
  }
  if (auto const transport = item.find("transport")) {
    THV_CHECK(transport->expect_object());
    THV_CHECK(read_transport(*transport, "type", p.transport));
    std::string url;
    THV_CHECK(transport->read("url", url));
    p.target_port = port_of(url);
  }
  THV_TRY(p.args, read_arguments(item, "packageArguments", found));
  THV_CHECK(read_inputs(item, "environmentVariables", p.env_vars));
  if (item.has("runtimeArguments"))
    found.warn_at(item, "runtimeArguments", "arguments for docker or npx itself are not used");
  return std::optional<package>{std::move(p)};
}

/// The first streamable-http remote, else the first.
[[nodiscard]] inline result<void> read_remotes(json::reader const& list, server& s,
                                               findings& found) {
  THV_CHECK(list.expect_array());
  for (std::size_t i = 0; i < list.value().get_array().size(); ++i) {
    auto const item = list.element(i);
    THV_CHECK(item.expect_object());
    std::optional<transport> kind;
    THV_CHECK(read_transport(item, "type", kind));
    if (!s.url.empty() && (s.transport == transport::streamable_http ||
                           kind.value_or(transport::sse) != transport::streamable_http))
      continue;
    auto const url = item.find("url");
    if (!url) return item.fail_at("url", "missing");
    std::string text;
    THV_CHECK(url->get(text));
    input unused;
    THV_TRY(bool const whole, fill_template(item, text, unused));
    if (!whole) {
      found.warn(*url, "a URL with variables that have no value, this remote is left out");
      continue;
    }
    THV_CHECK(check_url(*url, text));
    s.url = std::move(text);
    s.transport = kind;
    s.headers.clear();
    THV_CHECK(read_inputs(item, "headers", s.headers));
  }
  return {};
}

/// What ToolHive keeps about a server under `_meta`: keyed by its image or URL.
[[nodiscard]] inline result<void> read_extensions(json::reader const& entry, server& s) {
  auto const meta = entry.find("_meta");
  if (!meta) return {};
  auto const provided = meta->find("io.modelcontextprotocol.registry/publisher-provided");
  if (!provided) return {};
  auto const publisher = provided->find("io.github.stacklok");
  if (!publisher || !publisher->value().is_object()) return {};
  auto const& by_source = publisher->value().get_object();
  if (by_source.empty()) return {};
  auto const details = publisher->child(by_source.begin()->key(), by_source.begin()->value());
  if (!details.value().is_object()) return {};
  THV_CHECK(read_details(details, s));
  if (!s.packages.empty() && s.packages.front().args.empty())
    THV_CHECK(details.read("args", s.packages.front().args));
  return {};
}

/// False for a version of a server that the registry's API says is not the newest.
[[nodiscard]] inline bool is_latest(json::reader const& entry) {
  auto const meta = entry.find("_meta");
  if (!meta) return true;
  auto const official = meta->find("io.modelcontextprotocol.registry/official");
  if (!official) return true;
  auto const latest = official->find("isLatest");
  return !latest || !latest->value().is_bool() || latest->value().get_bool();
}

/// Reads a server.json. A server that has packages we can run is a local one, else its first remote
/// counts. One with neither is kept, so that others of the document can be used.
[[nodiscard]] inline result<server> read_server_json(json::reader const& entry,
                                                     json::reader const& body,
                                                     std::string_view name, findings& found) {
  server s;
  s.name = name;
  s.pointer = entry.pointer();
  THV_CHECK(body.read("title", s.title));
  THV_CHECK(body.read("description", s.description));
  if (auto const repository = body.find("repository"); repository && repository->has("url"))
    THV_CHECK(repository->read("url", s.repository_url));
  if (auto const packages = body.find("packages")) {
    THV_CHECK(packages->expect_array());
    for (std::size_t i = 0; i < packages->value().get_array().size(); ++i) {
      THV_TRY(auto read, read_package(packages->element(i), s, found));
      if (read) s.packages.push_back(std::move(*read));
    }
  }
  if (auto const remotes = body.find("remotes"); remotes && s.packages.empty())
    THV_CHECK(read_remotes(*remotes, s, found));
  THV_CHECK(read_extensions(body, s));
  THV_CHECK(read_own(entry, s));
  THV_CHECK(read_own(body, s));
  if (s.packages.empty() && s.url.empty())
    found.warn(entry, s.unsupported_packages.empty()
                          ? "neither a package nor a remote, it cannot run"
                          : "no package that can run here");
  return s;
}

}  // namespace thv::registry::detail
