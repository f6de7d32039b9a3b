// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>
#include <thv/secrets/secret_key.hpp>
#include <thv/secrets/vault_header.hpp>

namespace thv::secrets {

/// A name for a secret: UTF-8 of 1 to 256 bytes without control characters, `=` and `,`, which
/// references (`NAME,target=KEY`) and variables need. errc::invalid_argument.
[[nodiscard]] result<void> check_secret_name(std::string_view name);

/// The error for a vault (called `origin`) that was not written with the key that its source gave.
[[nodiscard]] error wrong_key(vault_header const& header, std::string const& origin);

/// What may be told of a secret.
struct secret_summary {
  std::string group;  ///< empty: for all groups
  std::string name;
  std::int64_t updated_at = 0;  ///< milliseconds since 1970

  friend bool operator==(secret_summary const&, secret_summary const&) = default;
};

/// The secrets of a vault, decrypted. The values lie in locked memory that no core dump shows and
/// that is overwritten when this goes away.
class open_vault {
 public:
  /// Of all secrets, by group and name.
  [[nodiscard]] std::vector<secret_summary> const& list() const { return summaries_; }

  /// The value for a member of `group`: the group's own, else the one for all. The view is valid as
  /// long as the vault.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view group,
                                                     std::string_view name) const;
  /// The value that is set for exactly this group (empty: for all).
  [[nodiscard]] std::optional<std::string_view> exactly(std::string_view group,
                                                        std::string_view name) const;

 private:
  friend class vault_contents;

  std::vector<secret_summary> summaries_;
  std::vector<std::string_view> values_;  ///< like summaries_
  std::shared_ptr<void const> memory_;
};

/// A vault: one file that holds secrets, encrypted by XChaCha20-Poly1305. Every change reads the
/// file again under a lock (PATH.lock) and replaces it as a whole, so that an interrupted one loses
/// nothing. A file that cannot be read is never written to. Thread-safe; any number of processes.
///
/// Errors of all functions: errc::not_found where there is no file, errc::unavailable where a link
/// leads to none, errc::permission_denied where others can read it or it is another user's,
/// errc::corrupt where it is damaged or truncated, errc::unsupported for a newer format,
/// errc::unauthenticated for a wrong key, errc::io.
class encrypted_file {
 public:
  static constexpr std::size_t largest = std::size_t(32) << 20;

  /// `now` is for tests: milliseconds since 1970.
  explicit encrypted_file(std::filesystem::path path, std::function<std::int64_t()> now = {});

  [[nodiscard]] std::filesystem::path const& path() const { return path_; }
  /// Is there a file, whatever is in it? Also true where that cannot be found out, so that nobody
  /// takes a vault that cannot be reached for none.
  [[nodiscard]] bool exists() const;
  /// Is there a file, or a link that leads to none now? `create` makes a vault where it leads to.
  [[nodiscard]] bool is_expected() const;
  /// What is needed to get the key.
  [[nodiscard]] result<vault_header> header() const;

  /// Makes an empty vault. errc::already_exists, and then nothing is changed.
  [[nodiscard]] result<void> create(vault_header header, secret_key const& key) const;
  [[nodiscard]] result<open_vault> open(secret_key const& key) const;
  /// As `open(key).find(group, name)`; errc::not_found.
  [[nodiscard]] result<std::string> get(secret_key const& key, std::string_view group,
                                        std::string_view name) const;
  /// Sets the value for a group, or for all where `group` is empty. Any bytes will do, but none is
  /// errc::invalid_argument, and so is what would make the file larger than `largest`.
  [[nodiscard]] result<void> set(secret_key const& key, std::string_view group,
                                 std::string_view name, std::string_view value) const;
  /// errc::not_found where that group (empty: all) has no such secret of its own.
  [[nodiscard]] result<void> erase(secret_key const& key, std::string_view group,
                                   std::string_view name) const;
  /// Erases all secrets that were set for this group alone; their names. None is no error.
  [[nodiscard]] result<std::vector<std::string>> erase_group(secret_key const& key,
                                                             std::string_view group) const;
  /// Encrypts the vault anew, with another key, from another source.
  [[nodiscard]] result<void> change_key(secret_key const& old_key, vault_header header,
                                        secret_key const& new_key) const;

 private:
  using change = std::function<result<void>(class vault_contents&)>;

  [[nodiscard]] result<std::string> read() const;
  [[nodiscard]] result<void> update(secret_key const& key, change const& apply) const;
  [[nodiscard]] result<void> check_owner() const;
  [[nodiscard]] result<void> write(vault_header header, secret_key const& key,
                                   class vault_contents const& contents) const;

  std::filesystem::path link_;  ///< as it was named
  std::filesystem::path path_;  ///< where that leads to
  std::function<std::int64_t()> now_;
};

}  // namespace thv::secrets
