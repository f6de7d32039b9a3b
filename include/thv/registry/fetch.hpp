// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>
#include <thv/registry/registry.hpp>

namespace thv::registry {

struct fetch_options {
  /// Where copies are kept; empty: none are.
  std::filesystem::path cache_directory;
  /// For the whole transfer, redirects included.
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  std::stop_token stop = {};
  std::size_t max_bytes = std::size_t(64) << 20;
  /// Looks at a fresh body before it is kept; an error is returned and nothing is kept.
  std::function<result<void>(std::string const& body)> check = {};
};

struct fetched {
  std::string body;
  /// True: the source did not answer, this is the copy of an earlier time.
  bool stale = false;
  /// Says so, with the reason and the copy's age; empty for a fresh answer.
  std::string notice;
};

/// Gets an `http://` or `https://` URL. Proxies of the environment (`HTTPS_PROXY`, `NO_PROXY` ...)
/// are used, redirects followed (never from https to http), certificates verified. A copy that the
/// server confirms by ETag is not transferred again. When the source cannot be reached, or answers
/// with 429 or 5xx, the last copy is returned with a notice; without a copy that is the error, as
/// is every other answer but 200. libcurl is loaded by the first call. [thread-safe]
[[nodiscard]] result<fetched> fetch(std::string const& url, fetch_options const& options);

/// Whether a registry source is a URL to fetch; anything else is a file's path.
[[nodiscard]] bool is_url(std::string_view source);

/// A URL without the password or token in it, for messages.
[[nodiscard]] std::string without_credentials(std::string_view url);

/// Reads the registry document at a FILE (a path, relative to the working directory, or a `file://`
/// URL) or an http(s) URL. `document::origin` is the source as given, without credentials.
[[nodiscard]] result<document> load(std::string const& source, fetch_options const& options = {});

/// The text of a source and whether it is a local file: for `registry validate`.
struct source_text {
  std::string text;
  std::string origin;
  bool local = false;
  std::vector<std::string> notices;
};
[[nodiscard]] result<source_text> load_text(std::string const& source,
                                            fetch_options const& options = {});

/// All sources in their order; the first that fails is the error.
[[nodiscard]] result<std::vector<document>> load_all(std::vector<std::string> const& sources,
                                                     fetch_options const& options = {});

}  // namespace thv::registry
