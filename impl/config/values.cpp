// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>

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

result<std::pair<std::string, std::uint16_t>> parse_listen(std::string_view text) {
  auto const wrong = [&] {
    return fail(errc::invalid_argument, "'" + std::string(text) + "' is no address with a port",
                "write it as 127.0.0.1:4483, [::1]:4483 or localhost:4483");
  };
  auto const colon = text.rfind(':');
  if (colon == text.npos) return wrong();
  auto host = text.substr(0, colon);
  auto const digits = text.substr(colon + 1);
  if (host.starts_with('[') != host.ends_with(']')) return wrong();
  bool const bracketed = host.starts_with('[');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || (!bracketed && host.find(':') != host.npos)) return wrong();
  if (host.find_first_of(" \t\r\n/@") != host.npos) return wrong();
  std::uint16_t port = 0;
  auto const* const end = digits.data() + digits.size();
  auto const [stop, status] = std::from_chars(digits.data(), end, port);
  if (digits.empty() || status != std::errc() || stop != end) return wrong();
  return std::pair{std::string(host), port};
}

result<void> check_token(std::string_view token) {
  auto const visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (token.size() >= 16 && token.size() <= 512 && std::all_of(token.begin(), token.end(), visible))
    return {};
  return fail(errc::invalid_argument, "is no token",
              "a token has 16 to 512 visible ASCII characters; 'openssl rand -hex 32' makes one");
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

result<std::string> check_secrets_provider(std::string const& name) {
  if (name == "encrypted" || name == "environment") return name;
  return fail(errc::invalid_argument,
              "invalid secrets provider type: " + name + " (valid types: encrypted, environment)");
}

}  // namespace thv::config
