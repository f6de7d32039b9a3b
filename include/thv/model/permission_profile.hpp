// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace thv {

/// What a workload may reach over the network. Outbound lists count only while
/// `outbound_allow_all` is false. `mode` is an engine's network mode ("", "bridge", "host", "none",
/// or a network's name); empty means the engine's default.
struct network_permissions {
  std::string mode;
  bool outbound_allow_all = false;
  std::vector<std::string> outbound_allow_host;
  std::vector<std::uint16_t> outbound_allow_port;
  std::vector<std::string> inbound_allow_host;

  friend bool operator==(network_permissions const&, network_permissions const&) = default;
};

/// What a workload may touch (ToolHive's permission profile, reference §5.6). `read` and `write`
/// hold mounts as `path` or `host-path:container-path`.
struct permission_profile {
  std::string name;
  std::vector<std::string> read;
  std::vector<std::string> write;
  network_permissions network;
  bool privileged = false;

  friend bool operator==(permission_profile const&, permission_profile const&) = default;
};

/// The built-in profile `none`: no outbound network, no mounts.
[[nodiscard]] inline permission_profile no_permissions() {
  return {.name = "none"};
}

/// The built-in profile `network`: all outbound network, no mounts. The default.
[[nodiscard]] inline permission_profile network_only_permissions() {
  return {.name = "network", .network = {.outbound_allow_all = true}};
}

}  // namespace thv
