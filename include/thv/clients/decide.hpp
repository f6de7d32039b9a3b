// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <thv/clients/edit.hpp>
#include <thv/clients/ledger.hpp>

// What is to become of one client's file. Pure.
namespace thv::clients {

/// A member that a client of its group is to see.
struct served {
  std::string name;
  std::string group;
  std::string url;
};

/// How an entry of a file stands to what we wrote and want.
enum class standing {
  current,  ///< ours, as it is to be
  stale,    ///< ours, and to be written or removed
  changed,  ///< ours, and somebody has changed its URL, type or headers
  missing,  ///< ours, and somebody has removed it
  foreign,  ///< of the name that we want, and not ours
  absent,   ///< wanted, and not there yet
  unknown,  ///< as we or somebody wrote it, and nobody knows the token that it is to hold
  clash,    ///< wanted, and another member has the name already: this client tells them not apart
};

[[nodiscard]] std::string_view to_string(standing s);

struct entry_standing {
  std::string name;      ///< in the file
  std::string workload;  ///< empty: of no member that we know
  std::string url;       ///< that is wanted, else that was written
  bool wanted = true;
  standing is = standing::current;
};

/// Turns a text into what may be kept of it: a keyed hash.
using fingerprint_of = std::function<std::string(std::string_view)>;

struct decision {
  std::vector<entry_standing> entries;   ///< by name
  changes what;                          ///< to do to the file
  std::vector<std::string> overwritten;  ///< of `what.put`: texts that are not ours, to come back
  client_record after;                   ///< without its notes, which the edit gives
};

/// Compares what a client's file holds (`read_entries`) with what it is to hold. Foreign entries,
/// and ours that somebody has changed, stay as they are unless `force`. An entry that is exactly as
/// wanted is taken as it is, whoever wrote it; what we did not write stays when it is wanted no
/// more, unless `force`. Without a token (nullopt: it cannot be known) no entry is put.
[[nodiscard]] decision decide(kind const& k, std::map<std::string, std::string> const& in_file,
                              std::vector<served> const& wanted,
                              std::optional<std::string> const& token, client_record const& before,
                              bool force, fingerprint_of const& fingerprint);

}  // namespace thv::clients
