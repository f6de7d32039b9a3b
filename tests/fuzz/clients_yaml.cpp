// SPDX-License-Identifier: Apache-2.0
// Any bytes as a client's YAML file.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/clients_law.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  for (auto const* name : {"goose", "continue"})
    thv::clients::fuzz::check(**thv::clients::find_kind(name), text);
  return 0;
}
