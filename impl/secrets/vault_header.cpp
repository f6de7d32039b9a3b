// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/vault_header.hpp>

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "locked_buffer.hpp"
#include "vault_keys.hpp"

namespace thv::secrets {

namespace {

constexpr std::string_view magic = "THVVAULT";
constexpr unsigned char cipher_xchacha20_poly1305 = 1;

// Places in the file (docs/secrets.md). Those up to `at_checksum` are the same in every version.
constexpr std::size_t at_version = 8;
constexpr std::size_t at_length = 10;
constexpr std::size_t at_checksum = 12;
constexpr std::size_t at_source = 28;
constexpr std::size_t at_cipher = 29;
constexpr std::size_t at_passes = 32;
constexpr std::size_t at_memory = 36;
constexpr std::size_t at_contents = 40;
constexpr std::size_t at_id = 48;
constexpr std::size_t at_salt = 64;
constexpr std::size_t at_check = 80;
constexpr std::size_t at_nonce = 96;
constexpr std::size_t checksum_size = 16;

constexpr std::uint32_t most_passes = 16;
constexpr std::uint32_t least_memory_kib = 1024;
constexpr std::uint32_t most_memory_kib = 1024 * 1024;

template <class Number>
Number number_at(std::string_view text, std::size_t at) {
  Number n = 0;
  for (std::size_t i = sizeof(Number); i-- > 0;)
    n = static_cast<Number>((n << 8) | static_cast<unsigned char>(text[at + i]));
  return n;
}

template <class Number>
void put_number(std::string& text, std::size_t at, Number n) {
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    text[at + i] = static_cast<char>((n >> (8 * i)) & 0xff);
}

template <std::size_t N>
void take_bytes(std::string_view text, std::size_t at, std::array<unsigned char, N>& into) {
  std::memcpy(into.data(), text.data() + at, N);
}

template <std::size_t N>
void put_bytes(std::string& text, std::size_t at, std::array<unsigned char, N> const& bytes) {
  std::memcpy(text.data() + at, bytes.data(), N);
}

/// BLAKE2b of the header without its checksum.
std::array<char, checksum_size> checksum_of(std::string_view header) {
  std::string const covered =
      std::string(header.substr(0, at_checksum)) + std::string(header.substr(at_source));
  std::array<char, checksum_size> sum{};
  ::crypto_generichash(reinterpret_cast<unsigned char*>(sum.data()), sum.size(),
                       reinterpret_cast<unsigned char const*>(covered.data()), covered.size(),
                       nullptr, 0);
  return sum;
}

bool within_bounds(passphrase_cost const& cost) {
  return cost.passes >= 1 && cost.passes <= most_passes && cost.memory_kib >= least_memory_kib &&
         cost.memory_kib <= most_memory_kib;
}

error damaged(std::string const& origin, std::string what) {
  return fail(errc::corrupt, std::move(what),
              "nothing was changed; restore the file from a backup, or move it away and begin anew "
              "with 'thv-engine secret setup'",
              origin);
}

error truncated(std::string const& origin, std::size_t have, std::size_t need) {
  return damaged(origin, fmt::format("the vault is truncated: {} of {} bytes", have, need));
}

/// The header's bytes, when their checksum is right.
result<std::string_view> checked_bytes(std::string_view text, std::size_t file_size,
                                       std::string const& origin) {
  if (!text.starts_with(magic.substr(0, std::min(text.size(), magic.size()))) || text.empty())
    return damaged(origin, text.empty() ? "the vault is empty: 0 bytes"
                                        : "this is no vault of thv-engine, or it is damaged");
  if (text.size() < at_source) return truncated(origin, file_size, vault_header::fixed_size);
  auto const length = number_at<std::uint16_t>(text, at_length);
  if (length < vault_header::fixed_size ||
      length > vault_header::fixed_size + vault_header::largest_location)
    return damaged(origin, "the vault's header is damaged");
  if (text.size() < length) return truncated(origin, file_size, length);
  auto const header = text.substr(0, length);
  auto const sum = checksum_of(header);
  if (header.substr(at_checksum, checksum_size) != std::string_view(sum.data(), sum.size()))
    return damaged(origin, "the vault's header is damaged");
  auto const version = number_at<std::uint16_t>(header, at_version);
  if (version > vault_header::known_version)
    return fail(errc::unsupported,
                fmt::format("the vault has format {}, this program knows up to {}", version,
                            vault_header::known_version),
                "use the newer thv-engine that wrote it", origin);
  return header;
}

/// Zeroes where version 1 has them, and values that it knows.
bool known_values(std::string_view header) {
  auto const source = static_cast<unsigned char>(header[at_source]);
  return number_at<std::uint16_t>(header, at_version) == vault_header::known_version &&
         source >= 1 && source <= 3 &&
         static_cast<unsigned char>(header[at_cipher]) == cipher_xchacha20_poly1305 &&
         number_at<std::uint16_t>(header, 30) == 0 && number_at<std::uint32_t>(header, 44) == 0;
}

}  // namespace

std::string_view to_string(key_source source) {
  switch (source) {
    case key_source::keyring:
      return "keyring";
    case key_source::passphrase:
      return "passphrase";
    case key_source::key_file:
      return "key-file";
  }
  return "unknown";
}

std::optional<key_source> parse_key_source(std::string_view text) {
  for (auto const source : {key_source::keyring, key_source::passphrase, key_source::key_file})
    if (text == to_string(source)) return source;
  return std::nullopt;
}

std::string vault_header::id_text() const {
  std::string text(2 * id.size() + 1, '\0');
  ::sodium_bin2hex(text.data(), text.size(), id.data(), id.size());
  text.pop_back();
  return text;
}

bool vault_header::fits(secret_key const& key) const {
  auto const expected = key_check(key, *this);
  return ::sodium_memcmp(expected.data(), check.data(), check.size()) == 0;
}

vault_header new_vault_header(key_source source, passphrase_cost cost, std::string key_location) {
  start_sodium();
  vault_header header;
  header.source = source;
  header.cost = source == key_source::passphrase ? cost : passphrase_cost{0, 0};
  ::randombytes_buf(header.id.data(), header.id.size());
  if (source == key_source::passphrase) ::randombytes_buf(header.salt.data(), header.salt.size());
  if (source == key_source::key_file) header.key_location = std::move(key_location);
  return header;
}

result<vault_header> read_vault_header(std::string_view text, std::size_t file_size,
                                       std::string const& origin) {
  start_sodium();
  THV_TRY(auto const bytes, checked_bytes(text, file_size, origin));
  if (!known_values(bytes)) return damaged(origin, "the vault's header holds unknown values");
  vault_header header;
  header.source = static_cast<key_source>(bytes[at_source]);
  header.cost = {number_at<std::uint32_t>(bytes, at_passes),
                 number_at<std::uint32_t>(bytes, at_memory)};
  header.contents = number_at<std::uint32_t>(bytes, at_contents);
  take_bytes(bytes, at_id, header.id);
  take_bytes(bytes, at_salt, header.salt);
  take_bytes(bytes, at_check, header.check);
  take_bytes(bytes, at_nonce, header.nonce);
  header.key_location = std::string(bytes.substr(vault_header::fixed_size));
  if (header.source == key_source::passphrase && !within_bounds(header.cost))
    return damaged(origin, "the vault asks for a derivation of its key that is out of bounds");
  auto const whole = bytes.size() + header.contents;
  if (file_size < whole) return truncated(origin, file_size, whole);
  if (file_size > whole)
    return damaged(origin,
                   fmt::format("the vault is damaged: {} bytes follow its end", file_size - whole));
  return header;
}

std::string write_vault_header(vault_header const& header) {
  start_sodium();
  std::string text(vault_header::fixed_size, '\0');
  std::copy(magic.begin(), magic.end(), text.begin());
  text += header.key_location.substr(0, vault_header::largest_location);
  put_number(text, at_version, vault_header::known_version);
  put_number(text, at_length, static_cast<std::uint16_t>(text.size()));
  text[at_source] = static_cast<char>(header.source);
  text[at_cipher] = static_cast<char>(cipher_xchacha20_poly1305);
  put_number(text, at_passes, header.cost.passes);
  put_number(text, at_memory, header.cost.memory_kib);
  put_number(text, at_contents, header.contents);
  put_bytes(text, at_id, header.id);
  put_bytes(text, at_salt, header.salt);
  put_bytes(text, at_check, header.check);
  put_bytes(text, at_nonce, header.nonce);
  auto const sum = checksum_of(text);
  std::copy(sum.begin(), sum.end(), text.begin() + at_checksum);
  return text;
}

result<secret_key> key_from_passphrase(std::string_view passphrase, vault_header const& header) {
  if (passphrase.empty()) return fail(errc::invalid_argument, "the passphrase is empty");
  if (!within_bounds(header.cost))
    return fail(errc::invalid_argument,
                fmt::format("{} passes over {} KiB are out of bounds", header.cost.passes,
                            header.cost.memory_kib),
                fmt::format("1 to {} passes over {} KiB to {} KiB", most_passes, least_memory_kib,
                            most_memory_kib));
  start_sodium();
  locked_buffer bytes(secret_key::size);
  static_assert(crypto_pwhash_SALTBYTES == sizeof(header.salt));
  if (::crypto_pwhash(bytes.data(), bytes.size(), passphrase.data(), passphrase.size(),
                      header.salt.data(), header.cost.passes,
                      std::size_t(header.cost.memory_kib) * 1024,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
    return fail(errc::unavailable,
                fmt::format("there is not enough memory to derive the key: {} MiB",
                            header.cost.memory_kib / 1024),
                "close other programs, then repeat the command");
  return secret_key::copy_of(
      std::span<unsigned char const, secret_key::size>(bytes.data(), secret_key::size));
}

}  // namespace thv::secrets
