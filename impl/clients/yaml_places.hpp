// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "yaml_tree.hpp"

// Where nodes of a YAML text end: the parser only says where they begin.
namespace thv::clients {

/// The column of a byte, from 0.
std::size_t column(std::string_view text, std::size_t at);

/// The end of a key with its value, or of a value, that begins at `at` in brackets.
std::size_t end_in_brackets(std::string_view text, std::size_t at);

/// The last byte that is known to belong to a node; what follows on its line belongs to it too.
std::size_t certain_end(std::string_view text, yaml_node const& node);

/// Quotes that the text opens in its last scalar and does not close, which the parser lets pass:
/// their place; npos where there are none.
std::size_t open_quotes(std::string_view text, yaml_tree const& tree);

/// The end of the last line of an entry of a block collection, before its line end. It begins at
/// `begin` in `column`; the next entry begins at or behind `limit`. With `comments`, those behind
/// it that are indented like its inside belong to it.
std::size_t end_of_lines(std::string_view text, yaml_node const& value, std::size_t begin,
                         std::size_t limit, std::size_t column, bool comments);

/// Where a document ends: before `...`, or with the text.
std::size_t end_of_document(std::string_view text, yaml_node const* root);

}  // namespace thv::clients
