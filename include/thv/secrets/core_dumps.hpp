// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <thv/error.hpp>

namespace thv::secrets {

/// No core dump of this process from now on, by whatever route: RLIMIT_CORE is 0, which its
/// children inherit as their soft limit, and it is not dumpable, which the programs respect that
/// the kernel pipes dumps to. As a consequence no other process of this user may attach to it or
/// read its /proc/PID/environ and mem (and those files belong to root). Undone by execve.
[[nodiscard]] result<void> forbid_core_dumps();

}  // namespace thv::secrets
