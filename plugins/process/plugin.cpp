// SPDX-License-Identifier: Apache-2.0
#include <process/driver.hpp>
#include <thv/plugin/export.hpp>

THV_EXPORT_RUNTIME(thv::process::driver, "process", "0.1.0");
