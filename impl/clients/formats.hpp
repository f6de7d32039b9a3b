// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <thv/clients/edit.hpp>

// What the formats share, and one set of functions for each of them: read_entries, edit and
// document_of of <thv/clients/edit.hpp> hand over to them by `kind::format`.
namespace thv::clients {

/// What a client of this kind is to read for an entry: the URL, the type, the header with the
/// token, the fixed keys, in the order in which they are written. With `name` where the file holds
/// a list (toml_array, yaml_list) or the client wants it (a fixed key `name`, whose JSON is
/// ignored: Goose).
boost::json::object value_of(kind const& k, entry const& e);

/// Canonical text: keys sorted at every level, no spaces.
std::string sorted_compact(boost::json::value const& value);

/// errc::unsupported unless `after` is `before` with `entries` put and removed at `container`:
/// null stands for an entry that is not there. For containers that are maps. Missing containers
/// and empty ones are the same, so that one may be made or taken away.
result<void> check_changes(kind const& k, boost::json::value const& before,
                           boost::json::value const& after,
                           std::map<std::string, boost::json::value> const& entries);

/// The error for a file of another shape than we can edit: `where` is the place in it, `what` what
/// was found and expected. The hint tells how to go on by hand.
error cannot_edit(kind const& k, std::string_view where, std::string_view what);

result<std::map<std::string, std::string>> json_read(kind const& k, std::string_view text);
result<edited> json_edit(kind const& k, std::string_view text, changes const& what,
                         undo_notes const& before);
std::string json_document(kind const& k, std::vector<entry> const& entries);

// toml_tables and toml_array.
result<std::map<std::string, std::string>> toml_read(kind const& k, std::string_view text);
result<edited> toml_edit(kind const& k, std::string_view text, changes const& what,
                         undo_notes const& before);
std::string toml_document(kind const& k, std::vector<entry> const& entries);

// yaml_list and yaml_map.
result<std::map<std::string, std::string>> yaml_read(kind const& k, std::string_view text);
result<edited> yaml_edit(kind const& k, std::string_view text, changes const& what,
                         undo_notes const& before);
std::string yaml_document(kind const& k, std::vector<entry> const& entries);

}  // namespace thv::clients
