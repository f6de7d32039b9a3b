// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>

#include "docker/protocol.hpp"
#include "docker/settings.hpp"

namespace thv::docker {

/// Talks to one engine: knows its version and turns what it refuses into errors in its own words.
/// [thread-safe]
class api {
 public:
  explicit api(settings s) : settings_(std::move(s)) {}

  [[nodiscard]] settings const& config() const { return settings_; }

  /// Asks the engine who it is. errc::unavailable with a hint when it does not answer.
  result<engine_version> version(plugin::call const& c);

  /// The path prefix of the version to speak ("/v1.41"); the engine is asked once.
  result<std::string> prefix(plugin::call const& c);

  result<net::response> exchange(plugin::call const& c, net::request const& r) const;

  result<net::response> stream(plugin::call const& c, net::request const& r,
                               std::function<bool(std::string_view)> const& sink) const;

  result<container> inspect(plugin::call const& c, std::string const& id);

  /// The error for an answer that is none of success: errc::not_found, errc::conflict or
  /// errc::engine.
  [[nodiscard]] static error refusal(net::response const& r, std::string what);

 private:
  [[nodiscard]] error with_hint(error e) const;

  settings settings_;
  std::mutex mutex_;
  std::string prefix_;
};

}  // namespace thv::docker
