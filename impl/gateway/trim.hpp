// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace thv::gateway {

/// Gives back what only the start needed: free memory of the heap, and pages of code and constants,
/// which the system reads again if they are needed after all.
void trim_memory();

}  // namespace thv::gateway
