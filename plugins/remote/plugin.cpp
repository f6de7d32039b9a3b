// SPDX-License-Identifier: Apache-2.0
#include <remote/driver.hpp>

#include <thv/plugin/export.hpp>

THV_EXPORT_RUNTIME(thv::remote::driver, "remote", THV_REMOTE_VERSION);
