// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace thv::mcp::detail {

/// A first request id that nobody who used the same stream before has counted to.
[[nodiscard]] std::int64_t fresh_id();

}  // namespace thv::mcp::detail
