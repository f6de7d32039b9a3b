// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <thv/plugin/runtime.hpp>

namespace thv::test {

/// A call that ends after some time.
inline plugin::call within(std::chrono::milliseconds time, std::stop_token stop = {}) {
  return {.deadline = std::chrono::steady_clock::now() + time, .stop = std::move(stop)};
}

}  // namespace thv::test
