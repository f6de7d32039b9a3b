// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <thv/error.hpp>

namespace thv::config {

/// 1 to 64, else errc::invalid_argument.
[[nodiscard]] result<int> check_parallel(std::int64_t number);

/// Reads `true`, `1`, `yes`, `on` and their opposites, as environment variables hold them.
[[nodiscard]] result<bool> parse_boolean(std::string_view text);

/// A runtime's name is also a folder's: letters, digits, `.`, `_` and `-`, the first a letter or a
/// digit, at most 64 of them. errc::invalid_argument.
[[nodiscard]] result<void> check_runtime_name(std::string_view name);

/// Splits `127.0.0.1:4483`, `[::1]:4483` or `localhost:0` into address and port.
/// errc::invalid_argument.
[[nodiscard]] result<std::pair<std::string, std::uint16_t>> parse_listen(std::string_view text);

/// A bearer token: 16 to 512 visible ASCII characters. errc::invalid_argument, which does not
/// repeat it.
[[nodiscard]] result<void> check_token(std::string_view token);

/// Where secrets come from: `encrypted` or `environment`. errc::invalid_argument.
[[nodiscard]] result<std::string> check_secrets_provider(std::string const& name);

}  // namespace thv::config
