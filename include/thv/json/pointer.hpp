// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace thv::json {

/// A key as a token of a JSON pointer (RFC 6901): `~` is written `~0`, `/` is written `~1`.
[[nodiscard]] inline std::string pointer_token(std::string_view key) {
  std::string token;
  token.reserve(key.size());
  for (char const c : key) {
    if (c == '~')
      token += "~0";
    else if (c == '/')
      token += "~1";
    else
      token += c;
  }
  return token;
}

/// The place of a value in a document, as `error::where` holds it: `file: /json/pointer`, or the
/// file alone for the document's root.
[[nodiscard]] inline std::string place(std::string_view origin, std::string_view pointer) {
  std::string text(origin);
  if (pointer.empty()) return text;
  if (!text.empty()) text += ": ";
  return text.append(pointer);
}

}  // namespace thv::json
