// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "../command.hpp"
#include "../secret_use.hpp"
#include "../session.hpp"

// What the files of `secret` share.
namespace thv::cli {

[[nodiscard]] command secret_setup_command();
[[nodiscard]] command secret_provider_command();
[[nodiscard]] command secret_list_command();

[[nodiscard]] flag passphrase_file_flag(std::optional<std::string>& into);

/// The session's secrets, with a passphrase from the flag's file.
[[nodiscard]] result<secret_access*> secrets_with(
    session& s, std::optional<std::string> const& passphrase_file);

/// The same, where they come from a vault; else an error in ToolHive's words. `doing` is what the
/// environment does not support.
[[nodiscard]] result<secret_access*> vault_of(session& s,
                                              std::optional<std::string> const& passphrase_file,
                                              std::string const& doing);

/// The names of the secrets of one group alone.
[[nodiscard]] std::vector<std::string> names_of_group(
    std::vector<secrets::secret_summary> const& list, std::string const& group);

/// `Deleted 2 secrets of group 'g': a, b`, a line.
[[nodiscard]] std::string deleted_text(std::string const& group,
                                       std::vector<std::string> const& names);

[[nodiscard]] std::set<secret_place> places_of(std::vector<secrets::secret_summary> const& list);

/// What a vault's key comes from, for people: `the keyring`, `the key file /…`.
[[nodiscard]] std::string key_text(secrets::vault_header const& header,
                                   secret_access_options const& options);

}  // namespace thv::cli
