// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <cstdint>

#include <thv/config/duration.hpp>

namespace thv::config {
namespace {

struct unit {
  std::string_view name;
  std::int64_t milliseconds;
};

constexpr std::array<unit, 4> units{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::int64_t longest = 24 * 3'600'000;

error no_duration(std::string_view text) {
  return fail(errc::invalid_argument, "'" + std::string(text) + "' is no duration",
              "write whole numbers with their units, such as 500ms, 120s, 2m or 1m30s");
}

}  // namespace

result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  auto rest = text;
  while (!rest.empty()) {
    std::int64_t number = 0;
    if (rest.front() < '0' || rest.front() > '9') return no_duration(text);
    auto const [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (status != std::errc{} || number > longest) return no_duration(text);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    auto const word = rest.substr(0, std::min(rest.size(), rest.find_first_of("0123456789")));
    while (next_unit < units.size() && units[next_unit].name != word) ++next_unit;
    if (next_unit == units.size()) return no_duration(text);
    total += number * units[next_unit++].milliseconds;
    rest.remove_prefix(word.size());
  }
  if (text.empty()) return no_duration(text);
  if (total < 1 || total > longest)
    return fail(errc::invalid_argument,
                "the duration '" + std::string(text) + "' is not between 1ms and 24h");
  return std::chrono::milliseconds(total);
}

std::string to_string(std::chrono::milliseconds duration) {
  std::string text;
  auto rest = duration.count();
  for (auto const& u : units) {
    if (auto const n = rest / u.milliseconds; n != 0)
      text += std::to_string(n) + std::string(u.name);
    rest %= u.milliseconds;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace thv::config
