// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <thv/clients/kind.hpp>
#include <thv/error.hpp>

// Edits of a client's configuration as text: what is not ours stays as it is, byte for byte. Pure.
// The `where` of errors is a place in the text: `LINE:COLUMN` or a JSON pointer.
namespace thv::clients {

/// A server as a client is to see it, over Streamable HTTP.
struct entry {
  std::string name;
  std::string url;
  std::string token;  ///< sent as `Authorization: Bearer TOKEN`; empty: none
  /// Further keys, the JSON of an object: what the client or its user has added to our entry, such
  /// as `{"disabled": true}`. Empty: none.
  std::string kept = {};

  friend bool operator==(entry const&, entry const&) = default;
};

/// The name under which a client accepts a workload: the workload's own, with `-` for what this
/// client refuses in a name (Codex takes letters, digits, `_` and `-` alone).
[[nodiscard]] std::string entry_name(kind const& k, std::string_view workload);

/// The entry alone, in the form of the client's file, for people to paste: a whole small document
/// with its container. Holds the token.
[[nodiscard]] std::string document_of(kind const& k, std::vector<entry> const& entries);

/// What stands in the file under a name: the entry as compact JSON with sorted keys, whatever the
/// format of the file, so that it can be compared. By name, in no special order.
/// errc::invalid_argument with line and column for text that the client could not read; an empty
/// text holds none.
[[nodiscard]] result<std::map<std::string, std::string>> read_entries(kind const& k,
                                                                      std::string_view text);

/// What `read_entries` answers for an entry that we have written.
[[nodiscard]] std::string canonical(kind const& k, entry const& e);

/// What is to become of a file. A put entry replaces one of its name, whoever wrote that: who may
/// be overwritten is decided before.
struct changes {
  std::vector<entry> put;
  std::vector<std::string> remove;  ///< names; unknown ones are fine
  /// Of `put`: what stands there is ours, also where there are no notes of it. It never comes back.
  std::vector<std::string> ours = {};
};

/// What is needed to take our entries out again so that every byte is as it was before the first:
/// texts for a machine, kept with the records of what was written. `entries` by name; `container`:
/// of what was made around them.
struct undo_notes {
  std::map<std::string, std::string> entries;
  std::string container;

  friend bool operator==(undo_notes const&, undo_notes const&) = default;
};

struct edited {
  std::string text;
  undo_notes notes;    ///< of the entries of ours that are in it now
  bool empty = false;  ///< nothing is left that was not made by us: the file may go if we made it
};

/// Applies the changes by splicing. The result is parsed again and compared: errc::unsupported if
/// anything else than the changed entries would change, or if the file has a shape that cannot be
/// spliced (an inline table); the hint says what to write by hand. `before`: the notes of earlier
/// edits. Line ends, a byte order mark, indentation (tabs or spaces, their width), comments and
/// trailing commas stay as they are; a new entry is written in the style of its neighbours.
/// Removing a put entry gives back every byte, in whatever order entries are put and removed; a
/// foreign entry that was overwritten comes back. Where somebody has changed the file meanwhile and
/// the notes do not fit any more, the entry is taken out by its structure.
[[nodiscard]] result<edited> edit(kind const& k, std::string_view text, changes const& what,
                                  undo_notes const& before);

}  // namespace thv::clients
