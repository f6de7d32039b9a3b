// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The labels that we put on containers. ToolHive's come under its names.
namespace thv::docker::label {

inline constexpr char marked[] = "toolhive";
inline constexpr char name[] = "toolhive-name";
inline constexpr char base_name[] = "toolhive-basename";
inline constexpr char transport[] = "toolhive-transport";
inline constexpr char port[] = "toolhive-port";  ///< the port inside the container
inline constexpr char group[] = "thv.group";
inline constexpr char store[] = "thv.store";
inline constexpr char config_hash[] = "thv.config-hash";
inline constexpr char secrets[] = "thv.secrets";  ///< JSON array of references, never values
inline constexpr char nonce[] = "thv.deploy";     ///< one for each deploy, to find what it made

}  // namespace thv::docker::label
