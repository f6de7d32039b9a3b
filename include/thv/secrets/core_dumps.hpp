// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <thv/error.hpp>

namespace thv::secrets {

/// No core dump of this process from now on, neither a file nor one that the kernel pipes to a
/// program: it is not dumpable. Programs that it starts are again, since execve undoes this, and
/// no limit of theirs is touched. As a consequence no other process of this user may attach to it
/// or read its /proc/PID/environ and mem (and those files belong to root).
[[nodiscard]] result<void> forbid_core_dumps();

}  // namespace thv::secrets
