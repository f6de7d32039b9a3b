// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include <thv/error.hpp>

#include "../session.hpp"

namespace thv::cli {

/// A group's own secrets, and what becomes of them when the group goes.
struct group_secrets {
  enum class fate { left, planned, deleted, failed };

  std::vector<std::string> names;
  fate is = fate::left;
  std::optional<error> failure;
};

/// Those that are to be deleted: the vault is opened, and its key asked for where that is needed.
/// None where there is no vault.
[[nodiscard]] result<group_secrets> secrets_to_delete(
    session& s, std::string const& group, std::optional<std::string> const& passphrase_file);

/// Those that are left behind, as far as the vault can be opened without asking for anything.
[[nodiscard]] group_secrets secrets_left(session& s, std::string const& group);

/// Deletes them; also what was set meanwhile.
void delete_secrets(session& s, std::string const& group, group_secrets& secrets);

/// {outcome, names, error} for programs.
[[nodiscard]] boost::json::object to_json(group_secrets const& secrets);

/// Tells the user what became of them. `as_text`: deleted and planned ones are results.
void tell(group_secrets const& secrets, std::string const& group, bool as_text);

}  // namespace thv::cli
