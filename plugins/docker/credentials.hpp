// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "docker/settings.hpp"

namespace thv::docker {

/// What `docker login` left for the registry of an image.
struct credentials {
  std::string header;  ///< value of X-Registry-Auth, or empty. A secret: never shown.
  std::string hint;    ///< why there is none although the user logged in, or empty
};

/// The registry that an image reference names: `ghcr.io`, `localhost:5000`; Docker Hub is
/// `index.docker.io`.
[[nodiscard]] std::string registry_of(std::string_view image);

/// Finds credentials in the text of a Docker client's `config.json`. What cannot be read is as if
/// it were not there.
[[nodiscard]] credentials find_credentials(std::string_view config, std::string_view image);

/// Likewise in `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`.
[[nodiscard]] credentials stored_credentials(machine const& m, std::string_view image);

}  // namespace thv::docker
