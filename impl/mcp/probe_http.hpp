// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <thv/mcp/probe.hpp>

#include "http_target.hpp"

namespace thv::mcp::detail {

/// Streamable HTTP (revisions 2025-03-26 to 2026-07-28).
[[nodiscard]] result<probe_result> probe_streamable(plugin::call const& c,
                                                    http_target const& target);

/// HTTP+SSE (revision 2024-11-05).
[[nodiscard]] result<probe_result> probe_sse(plugin::call const& c, http_target const& target);

}  // namespace thv::mcp::detail
