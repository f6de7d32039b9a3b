// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/core_dumps.hpp>

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <system_error>

namespace thv::secrets {

result<void> forbid_core_dumps() {
  // The soft limit alone, so that members, which inherit it, can have their own way.
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) == 0) {
    limit.rlim_cur = 0;
    if (::setrlimit(RLIMIT_CORE, &limit) == 0 && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
      return {};
  }
  return fail(errc::internal,
              "cannot forbid core dumps: " + std::generic_category().message(errno));
}

}  // namespace thv::secrets
