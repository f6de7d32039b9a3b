// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <thv/error.hpp>

// Where the statements of a TOML text stand. What a value is worth is the parser's business: this
// only finds its end, so it takes some texts that are not TOML.
namespace thv::clients {

struct toml_statement {
  enum class type { table, array_element, value };
  type what;
  std::vector<std::string> path;  ///< from the root: the table's, and that of the key in it
  std::size_t begin;              ///< of its first line
  std::size_t end;                ///< of its last line, before the line end
  std::size_t value = 0;          ///< the first byte of the value
  std::size_t value_end = 0;
};

/// May it stand in a key without quotes?
bool is_bare_toml_key(char c);

/// errc::invalid_argument with a place for what is no statement, and for what is nested in more
/// than 100 levels.
result<std::vector<toml_statement>> scan_toml(std::string_view text);

/// The values of the array whose `[` is at `open`, as pairs of their first byte and their end.
std::vector<std::pair<std::size_t, std::size_t>> toml_array_values(std::string_view text,
                                                                   std::size_t open);

}  // namespace thv::clients
