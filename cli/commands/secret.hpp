// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "../command.hpp"
#include "../session.hpp"

// What the files of `secret` share.
namespace thv::cli {

[[nodiscard]] command secret_setup_command();
[[nodiscard]] command secret_provider_command();

[[nodiscard]] flag passphrase_file_flag(std::optional<std::string>& into);

/// The session's secrets, with a passphrase from the flag's file.
[[nodiscard]] result<secret_access*> secrets_with(
    session& s, std::optional<std::string> const& passphrase_file);

/// What a vault's key comes from, for people: `the keyring`, `the key file /…`.
[[nodiscard]] std::string key_text(secrets::vault_header const& header,
                                   secret_access_options const& options);

}  // namespace thv::cli
