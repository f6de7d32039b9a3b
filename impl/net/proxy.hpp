// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <thv/net/http.hpp>

namespace thv::net {

/// A proxy to go through.
struct proxy {
  address where;
  std::string authorization;  ///< value of Proxy-Authorization, or empty
};

/// The value of an environment variable; "" when it is not set.
using environment = std::function<std::string(std::string const&)>;

/// Which proxy the variables name for an address: HTTPS_PROXY for TLS, else HTTP_PROXY, lower case
/// first. nullopt without one, for loopback addresses and for what NO_PROXY lists (`*`, hosts,
/// domains with or without a leading dot, each with an optional port). errc::invalid_argument
/// (never with the credentials in it) for a proxy that is no http:// URL.
[[nodiscard]] result<std::optional<proxy>> proxy_for(address const& where, environment const& env);

}  // namespace thv::net
