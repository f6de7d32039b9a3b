// SPDX-License-Identifier: Apache-2.0
#include <thv/version.hpp>

namespace thv {

char const* version() noexcept {
  return THV_VERSION;
}

}  // namespace thv
