// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>

#include <thv/net/http.hpp>

namespace thv::docker {

/// Where the engine is and how its workloads are reached.
struct settings {
  std::string endpoint;  ///< as written or found: `unix:///var/run/docker.sock`
  net::address engine;
  /// The engine runs on another machine: loopback ports published there cannot be reached here.
  bool elsewhere = false;
  /// Address of the engine's machine on which ports are published, or empty.
  std::string publish;
};

/// What `read_settings` asks of the machine; tests give their own.
struct machine {
  std::function<std::string(std::string const&)> variable;  ///< "" when it is not set
  std::function<bool(std::string const&)> is_socket;

  [[nodiscard]] static machine real();
};

/// Reads the runtime's table (`endpoint`, `ca`, `cert`, `key`, `publish`). Without `endpoint`:
/// DOCKER_HOST (with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH), then TOOLHIVE_DOCKER_SOCKET, then the
/// first socket found where Docker, rootless Docker, Docker Desktop, Rancher Desktop and OrbStack
/// put theirs. errc::invalid_argument names an unknown key and the nearest known one.
[[nodiscard]] result<settings> read_settings(std::map<std::string, std::string> const& table,
                                             machine const& m);

}  // namespace thv::docker
