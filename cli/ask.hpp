// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <thv/error.hpp>

namespace thv::cli {

/// Is there somebody to ask: are standard input and standard error terminals?
[[nodiscard]] bool can_ask();

/// Is there somebody to ask beside what is read from standard input: is standard error a terminal,
/// and has this process one that it can read?
[[nodiscard]] bool can_ask_beside_input();

/// Asks on standard error; true for `y` and `yes`. errc::io at the end of the input.
[[nodiscard]] result<bool> ask_yes_no(std::string_view question);

/// Asks on standard error for a line, which is returned without white space around it. errc::io at
/// the end of the input.
[[nodiscard]] result<std::string> ask_line(std::string_view question);

/// Asks for a line on this process's terminal, whatever standard input is, and does not show what
/// is typed. Wipe the answer after use. errc::cancelled after Ctrl-C, errc::io without a terminal
/// and at the end of the input.
[[nodiscard]] result<std::string> ask_hidden(std::string_view question);

}  // namespace thv::cli
