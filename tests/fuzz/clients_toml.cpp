// SPDX-License-Identifier: Apache-2.0
// Any bytes as a client's TOML file. What calls toml++ is compiled in, header-only, to leave out
// the two defects of toml++ 3.3 that toml.cpp tells of.
#include <cstddef>
#include <cstdint>

#define TOML_ASSERT(condition) static_cast<void>(0)
#pragma clang diagnostic ignored "-Wignored-attributes"
#pragma clang attribute push(__attribute__((no_sanitize("unreachable"))), apply_to = function)
#include "clients/toml_values.cpp"
#pragma clang attribute pop

#include "tests/fuzz/clients_law.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  for (auto const* name : {"codex", "mistral-vibe"})
    thv::clients::fuzz::check(**thv::clients::find_kind(name), text);
  return 0;
}
