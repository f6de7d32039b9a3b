// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace thv::store {

/// Lower-case hexadecimal HMAC-SHA-256 (RFC 2104) of `text` under `key`, both any bytes.
[[nodiscard]] std::string keyed_hash(std::string_view key, std::string_view text);

/// `bytes` random bytes of the kernel as twice as many lower-case hexadecimal digits.
[[nodiscard]] std::string random_hex(std::size_t bytes);

}  // namespace thv::store
