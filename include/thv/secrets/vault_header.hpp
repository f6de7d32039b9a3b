// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <thv/error.hpp>
#include <thv/secrets/secret_key.hpp>

namespace thv::secrets {

/// Where the key of a vault comes from. The numbers stand in its file.
enum class key_source : std::uint8_t { keyring = 1, passphrase = 2, key_file = 3 };

/// `keyring`, `passphrase`, `key-file`.
[[nodiscard]] std::string_view to_string(key_source source);
[[nodiscard]] std::optional<key_source> parse_key_source(std::string_view text);

/// What Argon2id (RFC 9106, one lane) shall cost. The defaults are libsodium's moderate limits:
/// less than a second on one core of today, and 256 MiB.
struct passphrase_cost {
  std::uint32_t passes = 3;               ///< 1 to 16
  std::uint32_t memory_kib = 256 * 1024;  ///< 1 MiB to 1 GiB

  friend bool operator==(passphrase_cost const&, passphrase_cost const&) = default;
};

/// The part of a vault's file that is not encrypted (docs/secrets.md has it byte by byte): all that
/// is needed to get the key and to tell a wrong key from a damaged file.
struct vault_header {
  static constexpr std::uint16_t known_version = 1;
  static constexpr std::size_t fixed_size = 120;
  static constexpr std::size_t largest_location = 4096;

  key_source source = key_source::passphrase;
  passphrase_cost cost;                   ///< of a passphrase
  std::array<unsigned char, 16> id{};     ///< random; names the key in the keyring
  std::array<unsigned char, 16> salt{};   ///< random where there is a passphrase
  std::array<unsigned char, 16> check{};  ///< of the key
  std::array<unsigned char, 24> nonce{};  ///< random, new at each write
  std::uint32_t contents = 0;             ///< bytes that follow the header
  std::string key_location;               ///< absolute path of the key file, or empty

  /// `id` as 32 hexadecimal digits.
  [[nodiscard]] std::string id_text() const;
  /// Was the vault written with this key?
  [[nodiscard]] bool fits(secret_key const& key) const;

  friend bool operator==(vault_header const&, vault_header const&) = default;
};

/// A header for a new vault: random id, and salt where it needs one. `check` is set when it is
/// written with its key.
[[nodiscard]] vault_header new_vault_header(key_source source, passphrase_cost cost = {},
                                            std::string key_location = {});

/// Reads the header at the start of `text`, the beginning of a file of `file_size` bytes called
/// `origin`. Nothing in it is believed before its checksum and its bounds were checked.
/// errc::corrupt, errc::unsupported for a newer format.
[[nodiscard]] result<vault_header> read_vault_header(std::string_view text, std::size_t file_size,
                                                     std::string const& origin);

/// The bytes of a header, with its checksum.
[[nodiscard]] std::string write_vault_header(vault_header const& header);

/// The key that a passphrase gives, by Argon2id with the header's salt and cost. It need not fit.
/// errc::invalid_argument for an empty passphrase or a cost out of bounds, errc::unavailable when
/// there is not enough memory.
[[nodiscard]] result<secret_key> key_from_passphrase(std::string_view passphrase,
                                                     vault_header const& header);

}  // namespace thv::secrets
