// SPDX-License-Identifier: Apache-2.0
#include "probe_common.hpp"

#include <random>

namespace thv::mcp::detail {

std::int64_t fresh_id() {
  // Below 2^31, which every implementation can hold.
  std::random_device source;
  return std::uniform_int_distribution<std::int64_t>(1 << 20, 2'000'000'000)(source);
}

}  // namespace thv::mcp::detail
