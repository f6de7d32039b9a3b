// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <thv/config/values.hpp>

namespace thv::config {

result<int> check_parallel(std::int64_t number) {
  if (number >= 1 && number <= 64) return static_cast<int>(number);
  return fail(errc::invalid_argument, std::to_string(number) + " is not between 1 and 64");
}

result<bool> parse_boolean(std::string_view text) {
  for (auto const* word : {"true", "1", "yes", "on"})
    if (text == word) return true;
  for (auto const* word : {"false", "0", "no", "off"})
    if (text == word) return false;
  return fail(errc::invalid_argument, "'" + std::string(text) + "' is neither true nor false");
}

result<void> check_runtime_name(std::string_view name) {
  auto const letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  auto const allowed = [&](char c) {
    return letter_or_digit(c) || c == '.' || c == '_' || c == '-';
  };
  if (!name.empty() && name.size() <= 64 && letter_or_digit(name.front()) &&
      std::all_of(name.begin(), name.end(), allowed))
    return {};
  return fail(errc::invalid_argument, "'" + std::string(name) + "' is no name for a runtime",
              "use letters, digits, '.', '_' and '-', at most 64, the first a letter or a digit");
}

}  // namespace thv::config
