// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <thv/error.hpp>

namespace thv::config {

/// Reads `500ms`, `120s`, `2m`, `1m30s`, `1h`: whole numbers, each with its unit, longest unit
/// first, from 1 ms to 24 h. errc::invalid_argument.
[[nodiscard]] result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// Writes what `parse_duration` reads.
[[nodiscard]] std::string to_string(std::chrono::milliseconds duration);

}  // namespace thv::config
