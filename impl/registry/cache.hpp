// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <thv/error.hpp>

namespace thv::registry {

/// A kept answer of a URL. `confirmed` is when the source last gave or confirmed it.
struct cached_copy {
  std::string etag;
  std::string body;
  std::chrono::system_clock::time_point confirmed;
};

/// One file for each URL: a line of JSON, then the body. The name is a hash of the whole URL, the
/// line holds it without credentials.
class url_cache {
 public:
  url_cache(std::filesystem::path directory, std::string const& url);

  /// Nothing when there is no copy, or none that is whole.
  [[nodiscard]] std::optional<cached_copy> read() const;
  /// Replaces the copy in one step: a reader sees the old or the new one.
  [[nodiscard]] result<void> write(std::string const& etag, std::string const& body) const;
  /// Notes that the source confirmed the copy now.
  void touch() const;

 private:
  std::filesystem::path directory_;
  std::filesystem::path file_;  ///< empty: nothing is kept
  std::string shown_url_;
};

/// `45 seconds ago`, `1 hour ago`, `12 days ago`.
[[nodiscard]] std::string describe_age(std::chrono::system_clock::duration age);

}  // namespace thv::registry
