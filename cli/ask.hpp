// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <thv/error.hpp>

namespace thv::cli {

/// Is there somebody to ask: are standard input and standard error terminals?
[[nodiscard]] bool can_ask();

/// Asks on standard error for a line, without the spaces around it. errc::io at the end of the
/// input.
[[nodiscard]] result<std::string> ask_line(std::string_view question);

/// Asks on standard error; true for `y` and `yes`. errc::io at the end of the input.
[[nodiscard]] result<bool> ask_yes_no(std::string_view question);

}  // namespace thv::cli
