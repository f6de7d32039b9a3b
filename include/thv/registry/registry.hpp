// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <thv/model/permission_profile.hpp>
#include <thv/model/transport.hpp>

namespace thv::registry {

/// An environment variable (or a remote server's header) that an entry declares.
struct variable {
  std::string name;
  std::string description;
  bool required = false;
  bool secret = false;
  std::optional<std::string> default_value;

  friend bool operator==(variable const&, variable const&) = default;
};

/// One way to run a server. An entry in ToolHive's format has exactly one (`image`); an entry of
/// the upstream format may have several (`packages[]`), in the order of the document.
struct package {
  std::string reference;  ///< image, `npx://…`, `uvx://…`, `file:///…`
  std::optional<thv::transport> transport;
  std::vector<std::string> args;
  std::vector<variable> env_vars;
  std::uint16_t target_port = 0;  ///< port inside, where the package says one; else the server's

  friend bool operator==(package const&, package const&) = default;
};

/// A server of a registry, from any format. Remote servers have a `url` and no `packages`.
struct server {
  std::string name;
  std::string title;
  std::string description;
  std::string tier;
  std::string status;
  std::optional<thv::transport> transport;
  std::vector<std::string> tools;
  std::vector<std::string> tags;
  std::int64_t stars = 0;
  std::string repository_url;
  std::vector<package> packages;
  std::string url;
  std::vector<variable> headers;
  std::uint16_t target_port = 0;
  std::uint16_t proxy_port = 0;
  std::optional<permission_profile> permissions;
  std::string runtime;    ///< ours: the runtime this member asks for
  bool optional = false;  ///< ours: its failure does not fail the group
  std::string pointer;    ///< JSON pointer of the entry in its document
  /// Kinds of packages in the document that no runtime of ours can run (`nuget`, `mcpb` ...).
  std::vector<std::string> unsupported_packages;

  [[nodiscard]] bool remote() const { return !url.empty(); }
};

/// A predefined group. `name` is as written ("Mobile App Team Toolkit"); it runs as its slug.
struct group {
  std::string name;
  std::string description;
  std::vector<server> servers;  ///< containers and remote ones, sorted by name
  std::string pointer;
};

/// One registry document. `origin` is the file or URL it was read from, as given by the user.
struct document {
  std::string origin;
  std::vector<server> servers;  ///< top level, sorted by name
  std::vector<group> groups;    ///< sorted by name
  /// Schema rules broken that running does not need: `file: /pointer: sentence`.
  std::vector<std::string> warnings;
  /// What the user should know about this copy: `registry URL … is not reachable (…); using the
  /// copy of 3 hours ago`. Empty for a file and for a fresh answer.
  std::vector<std::string> notices;
};

}  // namespace thv::registry
