// SPDX-License-Identifier: Apache-2.0
#include <thv/plugin/export.hpp>

#include "docker/driver.hpp"

THV_EXPORT_RUNTIME(thv::docker::driver, "docker", "0.1.0");
