// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include <thv/plugin/runtime.hpp>

namespace thv::net {

/// One address that a name stands for.
struct resolved {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

/// Looks up a host, in a thread of its own since a look-up cannot be interrupted: the call ends in
/// time even when the name server does not answer. errc::unavailable holds the resolver's reason.
[[nodiscard]] result<std::vector<resolved>> resolve(plugin::call const& c, std::string const& host,
                                                    std::uint16_t port);

}  // namespace thv::net
