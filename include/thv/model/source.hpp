// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace thv {

/// What a workload is made from.
enum class source_kind {
  /// An OCI image reference: `ghcr.io/org/server:1.2`.
  image,
  /// A package of the npm registry: `npx://@scope/name@version`.
  npm,
  /// A package of the Python index: `uvx://name@version`.
  pypi,
  /// A program on this machine: `file:///usr/bin/server`.
  program,
  /// A server that somebody else runs: `https://host/path`.
  url,
};

/// The word used in messages: `image`, `npx package`, `uvx package`, `program`, `URL`.
[[nodiscard]] constexpr std::string_view to_string(source_kind k) noexcept {
  switch (k) {
    case source_kind::image:
      return "image";
    case source_kind::npm:
      return "npx package";
    case source_kind::pypi:
      return "uvx package";
    case source_kind::program:
      return "program";
    case source_kind::url:
      return "URL";
  }
  return "image";
}

/// A source split into its parts. `text` is what was written; `package` the image reference without
/// change, the package's name, the program's absolute path or the URL; `version` what stands after
/// `@` of a package (empty: the newest).
struct source {
  source_kind kind = source_kind::image;
  std::string text;
  std::string package;
  std::string version;

  friend bool operator==(source const&, source const&) = default;
};

/// Splits any text by its scheme. Total: what has no known scheme is an image reference. An npm
/// scope's own `@` is part of the name.
[[nodiscard]] inline source parse_source(std::string_view text) {
  auto const after = [&](std::string_view scheme) {
    return std::string(text.substr(scheme.size()));
  };
  auto const package = [&](source_kind kind, std::string_view scheme) {
    source s{kind, std::string(text), after(scheme), {}};
    auto const at = s.package.find('@', 1);
    if (at != std::string::npos) {
      s.version = s.package.substr(at + 1);
      s.package.resize(at);
    }
    return s;
  };
  if (text.starts_with("npx://")) return package(source_kind::npm, "npx://");
  if (text.starts_with("uvx://")) return package(source_kind::pypi, "uvx://");
  if (text.starts_with("file://"))
    return {source_kind::program, std::string(text), after("file://"), {}};
  if (text.starts_with("http://") || text.starts_with("https://"))
    return {source_kind::url, std::string(text), std::string(text), {}};
  return {source_kind::image, std::string(text), std::string(text), {}};
}

}  // namespace thv
