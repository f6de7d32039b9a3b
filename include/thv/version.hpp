// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace thv {

/// Version of the library and the program, `major.minor.patch`.
[[nodiscard]] char const* version() noexcept;

}  // namespace thv
