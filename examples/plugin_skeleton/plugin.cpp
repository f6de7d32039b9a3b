// SPDX-License-Identifier: Apache-2.0
#include <thv/plugin/export.hpp>

#include "notebook_runtime.hpp"

THV_EXPORT_RUNTIME(notebook_runtime, "notebook", "0.1.0");
