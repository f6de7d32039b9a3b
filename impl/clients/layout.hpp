// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <thv/clients/edit.hpp>

// Which bytes of a TOML or YAML file an edit touches. What differs between the formats is where
// entries lie and how one is written; both come in as values.
namespace thv::clients {

/// An entry in the file: whole lines without the last line end, or a piece between commas.
struct item {
  std::string name;  ///< empty: it has none, and is never touched
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string value;       ///< canonical
  std::string obstacle;    ///< why it cannot be replaced or removed; empty: it can
  bool has_alias = false;  ///< what others added to it cannot be written again
};

struct layout {
  bool between_commas = false;  ///< the entries stand in `[…]` or `{…}`
  std::vector<item> items;      ///< in the order of the file
  /// Where a new entry goes, or cannot go: the end of a line, or (between commas, where there is no
  /// item yet) the byte after the opening bracket.
  std::size_t insert_at = 0;
  int lines = 1;              ///< line ends before a new entry
  std::string comma;          ///< between two entries: `, `, or with a line end
  std::string missing;        ///< why a new entry cannot be put; empty: it can
  std::string container;      ///< is made before the first entry, without its line end
  std::string container_end;  ///< and this after the last

  /// The container without its entries: what is cut when the last entry goes and we had made it.
  struct cut {
    bool possible = false;
    bool whole_lines = true;
    std::size_t begin = 0;
    std::size_t end = 0;
  } made;
};

struct planned {
  std::string text;
  undo_notes notes;
  std::set<std::string> restored;  ///< foreign entries that came back
};

/// What to write between two entries in brackets: on a line of its own where the last one is.
/// `inside`: the byte behind the opening bracket.
std::string comma_like(std::string_view text, std::vector<item> const& items, std::size_t inside);

/// Applies the changes to the text. `render` writes an entry, with its indentation, without line
/// ends around it. With `restore`, foreign entries that we had replaced come back.
result<planned> plan_changes(kind const& k, std::string_view text, layout const& where,
                             changes const& what, undo_notes const& before,
                             std::function<std::string(entry const&)> const& render, bool restore);

}  // namespace thv::clients
