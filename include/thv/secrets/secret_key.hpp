// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <thv/error.hpp>

namespace thv::secrets {

/// Overwrites a text with zeroes, in a way that no compiler leaves out, and empties it.
void wipe(std::string& text) noexcept;

/// A key of 256 bits. Its bytes lie between guard pages, locked in memory as far as RLIMIT_MEMLOCK
/// allows, are left out of core dumps, and are overwritten when it goes away. It is copied only by
/// `clone`; one that was moved from holds no key and may only be assigned to or destroyed.
class secret_key {
 public:
  static constexpr std::size_t size = 32;

  /// A new one from the system's random numbers.
  [[nodiscard]] static secret_key random();
  [[nodiscard]] static secret_key copy_of(std::span<unsigned char const, size> bytes);
  /// Reads 64 hexadecimal digits, or 43 or 44 characters of base64. errc::invalid_argument, which
  /// does not repeat the text.
  [[nodiscard]] static result<secret_key> from_text(std::string_view text);

  [[nodiscard]] secret_key clone() const { return copy_of(bytes()); }
  [[nodiscard]] std::span<unsigned char const, size> bytes() const;
  /// 64 hexadecimal digits. `wipe` them after use.
  [[nodiscard]] std::string to_text() const;

  /// Compares in constant time.
  friend bool operator==(secret_key const& a, secret_key const& b);

 private:
  struct release {
    void operator()(unsigned char* bytes) const noexcept;
  };

  secret_key();

  std::unique_ptr<unsigned char, release> bytes_;
};

}  // namespace thv::secrets
