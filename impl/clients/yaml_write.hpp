// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <thv/clients/edit.hpp>

namespace thv::clients {

/// How the neighbours of a new entry are written.
struct yaml_style {
  std::string_view line_end = "\n";
  std::size_t column = 2;  ///< of the key or the dash of an entry
  std::size_t width = 2;   ///< of one level
  std::size_t dash = 2;    ///< from a dash to what follows it
};

/// A key as it stands in a map: in quotes unless every reader takes it for a string without.
std::string yaml_key(std::string_view key);

/// An entry in lines, without the last line end.
std::string yaml_block(kind const& k, entry const& e, yaml_style const& style);

/// An entry for a place in brackets.
std::string yaml_flow(kind const& k, entry const& e);

}  // namespace thv::clients
