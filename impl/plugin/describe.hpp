// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::plugin {

/// Makes (or finds) the runtime to ask.
using question = std::function<result<std::shared_ptr<runtime>>()>;

/// Makes every runtime and calls `identify`, all at once, with a deadline `patience` away. One that
/// overruns it by more than a second is left behind with errc::timeout: its thread holds the
/// runtime and ends when the plugin returns. Answers are in the order of the questions.
[[nodiscard]] std::vector<result<fingerprint>> ask_all(std::vector<question> const& questions,
                                                       std::chrono::milliseconds patience);

}  // namespace thv::plugin
