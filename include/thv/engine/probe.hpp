// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <thv/engine/spec.hpp>
#include <thv/mcp/probe.hpp>
#include <thv/model/run_config.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv {

/// One readiness exchange with a running instance: attaches to a stdio workload, or asks the
/// runtime where an HTTP one answers. Secret headers of a remote workload are looked up and added
/// here. Errors as in mcp/probe.hpp.
[[nodiscard]] result<mcp::probe_result> probe_instance(plugin::call const& c,
                                                       plugin::runtime& runtime,
                                                       plugin::instance const& instance,
                                                       run_config const& config, bool initialised,
                                                       secret_source const& secrets);

}  // namespace thv
