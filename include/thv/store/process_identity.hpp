// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <thv/store/records.hpp>

namespace thv::store {

/// The identity of the calling process, read from /proc. [thread-safe]
[[nodiscard]] process_identity this_process();

/// Does this very process still run? False after a reboot, for a recycled pid, and for a zombie,
/// which can change nothing any more. [thread-safe]
[[nodiscard]] bool is_alive(process_identity const& who);

/// What a person calls it: `thv-engine (pid 123)`, or `process 123` once it is gone.
[[nodiscard]] std::string describe(process_identity const& who);

}  // namespace thv::store
