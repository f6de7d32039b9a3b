// SPDX-License-Identifier: Apache-2.0
#include "ask.hpp"

#include <unistd.h>

#include <iostream>
#include <string>

#include <thv/model/names.hpp>

#include "output.hpp"

namespace thv::cli {

bool can_ask() {
  return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

result<std::string> ask_line(std::string_view question) {
  say(question);
  std::string line;
  if (!std::getline(std::cin, line)) {
    say("\n");
    return fail(errc::io, "failed to read user input: EOF");
  }
  auto const first = line.find_first_not_of(" \t\r");
  auto const last = line.find_last_not_of(" \t\r");
  return first == line.npos ? std::string() : line.substr(first, last - first + 1);
}

result<bool> ask_yes_no(std::string_view question) {
  THV_TRY(auto const line, ask_line(question));
  auto const answer = detail::to_lower(line);
  return answer == "y" || answer == "yes";
}

}  // namespace thv::cli
