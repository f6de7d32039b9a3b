// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace thv::secrets {

/// A value that is no UTF-8, and so no text of JSON, as base64; nullopt for one that is.
[[nodiscard]] std::optional<std::string> base64_unless_utf8(std::string_view value);

/// The bytes that base64 (with its padding) stands for; nullopt for anything else.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace thv::secrets
