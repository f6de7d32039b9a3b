// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>

namespace thv::process {

/// A socket that listens, from a line of /proc/net/tcp or tcp6.
struct listener {
  std::string address;  ///< "127.0.0.1", "0.0.0.0", "[::]"
  std::uint16_t port = 0;
  std::uint64_t inode = 0;
  bool loopback = false;
};

/// The listening sockets in the text of /proc/net/tcp or /proc/net/tcp6.
[[nodiscard]] std::vector<listener> parse_listeners(std::string_view text);

/// The listening sockets that these processes hold.
[[nodiscard]] std::vector<listener> listeners_of(std::vector<int> const& pids);

/// A loopback port that is free now and not in `taken`.
[[nodiscard]] result<std::uint16_t> free_port(std::set<std::uint16_t> const& taken);

/// errc::conflict if somebody listens on the loopback port.
[[nodiscard]] result<void> check_port(std::uint16_t port);

}  // namespace thv::process
