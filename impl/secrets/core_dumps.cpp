// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/core_dumps.hpp>

#include <sys/prctl.h>

#include <cerrno>
#include <system_error>

namespace thv::secrets {

result<void> forbid_core_dumps() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0) return {};
  return fail(errc::internal,
              "cannot forbid core dumps: " + std::generic_category().message(errno));
}

}  // namespace thv::secrets
