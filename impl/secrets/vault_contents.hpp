// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <thv/secrets/encrypted_file.hpp>

#include "locked_buffer.hpp"

namespace thv::secrets {

/// The plaintext of a vault: JSON in locked memory, and what stands where in it.
class vault_contents {
 public:
  vault_contents() = default;
  /// Reads the text that was decrypted. errc::corrupt, which repeats nothing of it.
  [[nodiscard]] static result<vault_contents> parse(locked_buffer text, std::string const& origin);

  /// `value` must live until the contents were written.
  void set(std::string_view group, std::string_view name, std::string_view value,
           std::int64_t updated_at);
  /// False where there is no such secret.
  bool erase(std::string_view group, std::string_view name);
  /// Erases all secrets of a group; their names.
  std::vector<std::string> erase_group(std::string_view group);

  [[nodiscard]] locked_buffer text() const;
  [[nodiscard]] open_vault hand_out() &&;

 private:
  struct entry {
    secret_summary about;
    std::string_view value;
  };

  std::vector<entry>::iterator lower_bound(std::string_view group, std::string_view name);

  std::vector<entry> entries_;  ///< by group and name
  std::shared_ptr<locked_buffer const> values_;
};

}  // namespace thv::secrets
