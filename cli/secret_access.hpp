// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>

#include <thv/config/environment.hpp>
#include <thv/error.hpp>
#include <thv/secrets/encrypted_file.hpp>
#include <thv/secrets/environment.hpp>
#include <thv/secrets/keyring.hpp>

namespace thv::cli {

class session;

/// Where secrets come from, and who may be asked for the key.
struct secret_access_options {
  std::string provider;  ///< `encrypted`, `environment`; empty: encrypted where there is a vault
  std::filesystem::path vault;
  std::filesystem::path key_file;  ///< instead of the one that the vault names; or empty
  std::string passphrase_file;     ///< `-`: standard input; empty: none
  bool may_ask = false;            ///< on the terminal, or in a window of the keyring
  config::environment variables = config::process_environment();
  std::function<std::optional<secrets::secret_key>()> ask_holder = {};
  std::function<void(secrets::secret_key const&)> give_holder = {};
  /// For tests; unset: `ask_hidden`.
  std::function<result<std::string>(std::string const& question)> ask_passphrase = {};
  /// For tests: it takes a second and 256 MiB.
  std::function<result<secrets::secret_key>(std::string_view, secrets::vault_header const&)>
      key_from_passphrase = secrets::key_from_passphrase;
};

/// The values of secrets, for commands and for the gateway. Key and values are kept, in locked
/// memory, until `forget`. Thread-safe; one question at most is asked at a time, and none again
/// that was not answered; what failed without a question is tried again after a few seconds, but a
/// file's passphrase that was wrong only when it or the vault's key is another one.
class secret_access {
 public:
  explicit secret_access(secret_access_options options);

  /// The value for a member of `group` (empty: the one for all): the vault's, else the
  /// environment's. errc::not_found; errc::unavailable while the vault's key cannot be had.
  [[nodiscard]] result<std::string> get(std::string const& name, std::string const& group);
  /// The vault's alone; errc::not_found also where the provider is the environment.
  [[nodiscard]] result<std::string> stored(std::string const& name, std::string const& group);
  [[nodiscard]] result<std::string> from_environment(std::string const& name);

  /// `encrypted` or `environment`.
  [[nodiscard]] std::string provider() const;
  [[nodiscard]] secrets::encrypted_file const& vault() const { return vault_; }
  [[nodiscard]] secret_access_options const& options() const { return options_; }

  /// The key that opens the vault: kept, or of the holder, or from where the vault says.
  [[nodiscard]] result<secrets::secret_key> key();
  /// The same, but nobody is asked anything.
  [[nodiscard]] result<secrets::secret_key> key_without_asking();
  /// The key, if it was needed already: for a gateway that was started meanwhile.
  [[nodiscard]] std::optional<secrets::secret_key> key_in_hand() const;
  /// Drops key and values.
  void forget();

 private:
  using identity = std::tuple<std::uint64_t, std::uint64_t, std::int64_t, std::int64_t>;

  [[nodiscard]] result<std::string> stored_locked(std::string const& name,
                                                  std::string const& group);
  [[nodiscard]] result<std::shared_ptr<secrets::open_vault const>> open_locked();
  [[nodiscard]] result<secrets::secret_key> key_locked();
  /// Kept here, or by the holder.
  [[nodiscard]] std::optional<secrets::secret_key> kept_key(secrets::vault_header const& header);
  void keep_key(secrets::secret_key const& key);
  [[nodiscard]] result<secrets::secret_key> find_key(secrets::vault_header const& header,
                                                     bool may_ask);
  [[nodiscard]] result<secrets::secret_key> key_of_source(secrets::vault_header const& header,
                                                          bool may_ask);
  [[nodiscard]] result<secrets::secret_key> key_of_file(secrets::vault_header const& header);
  [[nodiscard]] result<secrets::secret_key> key_of_passphrase_file(
      secrets::vault_header const& header);
  [[nodiscard]] result<secrets::secret_key> key_of_asked_passphrase(
      secrets::vault_header const& header);
  [[nodiscard]] std::string mark_of(std::string const& passphrase,
                                    secrets::vault_header const& header);
  [[nodiscard]] std::optional<identity> vault_identity() const;

  secret_access_options options_;
  secrets::encrypted_file vault_;
  secrets::environment_provider environment_;
  mutable std::mutex mutex_;
  std::optional<secrets::secret_key> key_;
  std::shared_ptr<secrets::open_vault const> opened_;
  std::optional<identity> opened_identity_;
  std::optional<error> failure_;
  std::chrono::steady_clock::time_point failed_at_;
  std::optional<secrets::secret_key> mark_key_;  ///< of this process alone
  std::string wrong_mark_;  ///< of the last file's passphrase that did not fit, and its vault
};

/// The passphrase in a file that only its owner can read (`-`: standard input), without the newline
/// at its end.
[[nodiscard]] result<std::string> read_passphrase(std::string const& file);

/// What this user's configuration and environment say, without anybody to ask.
[[nodiscard]] result<secret_access_options> secret_options(session& s);

/// As this user's configuration and environment have it, and the gateway, where one runs, as the
/// holder of the key. `passphrase_file` is a flag's value.
[[nodiscard]] result<std::unique_ptr<secret_access>> make_secret_access(
    session& s, std::optional<std::string> const& passphrase_file = {});

}  // namespace thv::cli
