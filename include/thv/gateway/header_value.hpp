// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Values of the `Mcp-Name` and `Mcp-Param-*` fields (MCP 2026-07-28, "Transports", "Encoding").
namespace thv::gateway {

/// Visible ASCII as it is, anything else as `=?base64?...?=`.
[[nodiscard]] std::string encode_header_value(std::string_view text);

/// The text that a field's value stands for; nullopt for Base64 that is none.
[[nodiscard]] std::optional<std::string> decode_header_value(std::string_view value);

}  // namespace thv::gateway
