// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string_view>

namespace thv {

[[nodiscard]] inline bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Is this well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong)?
[[nodiscard]] inline bool is_utf8(std::string_view text) {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto const continues = [&](std::size_t from, std::size_t count) {
    if (from + count > text.size()) return false;
    for (std::size_t i = from; i < from + count; ++i)
      if ((byte(i) & 0xc0) != 0x80) return false;
    return true;
  };
  for (std::size_t i = 0; i < text.size();) {
    auto const b = byte(i);
    std::size_t more = 0;
    if (b < 0x80) {
    } else if (b >= 0xc2 && b <= 0xdf) {
      more = 1;
    } else if (b >= 0xe0 && b <= 0xef) {
      more = 2;
    } else if (b >= 0xf0 && b <= 0xf4) {
      more = 3;
    } else {
      return false;
    }
    if (!continues(i + 1, more)) return false;
    if ((b == 0xe0 && byte(i + 1) < 0xa0) || (b == 0xed && byte(i + 1) > 0x9f) ||
        (b == 0xf0 && byte(i + 1) < 0x90) || (b == 0xf4 && byte(i + 1) > 0x8f))
      return false;
    i += 1 + more;
  }
  return true;
}

}  // namespace thv
