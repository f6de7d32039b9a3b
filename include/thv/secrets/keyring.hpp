// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include <thv/config/environment.hpp>
#include <thv/error.hpp>
#include <thv/secrets/secret_key.hpp>

namespace thv::secrets {

/// May the keyring open a window of its own, to be unlocked? Never a question on the terminal.
enum class keyring_prompt { never, allowed };

/// The desktop's keyring: the Secret Service interface of D-Bus, through libsecret, which is loaded
/// on the first call. Every call ends within 15 seconds, or 90 where a window may be opened.
/// Thread-safe.
///
/// Errors: errc::unavailable where there is no session bus, no libsecret, no keyring or a locked
/// one, with what to do.
class keyring {
 public:
  /// `variables` are looked at for the session bus, so that nothing is loaded where there is none.
  explicit keyring(config::environment variables = config::process_environment())
      : variables_(std::move(variables)) {}

  /// Could a key be stored now without a question?
  [[nodiscard]] result<void> usable() const;
  /// The key that was stored for a vault's id, if any.
  [[nodiscard]] result<std::optional<secret_key>> find(
      std::string const& id, keyring_prompt prompt = keyring_prompt::never) const;
  /// Stores it in the default collection, over one of the same id. `label` is what people see.
  [[nodiscard]] result<void> store(std::string const& id, std::string const& label,
                                   secret_key const& key,
                                   keyring_prompt prompt = keyring_prompt::never) const;
  /// Succeeds where there is none.
  [[nodiscard]] result<void> erase(std::string const& id) const;

 private:
  [[nodiscard]] result<void> has_bus() const;

  config::environment variables_;
};

}  // namespace thv::secrets
