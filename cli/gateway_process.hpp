// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "session.hpp"

namespace thv::cli {

/// The gateway: serves all members until SIGINT, SIGTERM or a command ends it. Returns the exit
/// status. `background`: nothing is written to standard error but why it could not begin.
[[nodiscard]] int run_gateway(session& s, bool background);

}  // namespace thv::cli
