// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <ios>
#include <iterator>
#include <optional>
#include <string>

namespace thv::detail {

/// The whole of a small file; nothing when it cannot be opened or read (a directory, too).
[[nodiscard]] inline std::optional<std::string> read_text_file(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return std::nullopt;
  try {
    return std::string(std::istreambuf_iterator<char>(file), {});
  } catch (std::ios_base::failure const&) {  // libstdc++ throws this from the buffer itself
    return std::nullopt;
  }
}

}  // namespace thv::detail
