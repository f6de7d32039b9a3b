// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::clients {

/// A client's configuration file, locked against other commands of ours from `open` to the end of
/// the object. Symbolic links are followed, and stay.
class client_file {
 public:
  /// Waits for the lock until the call's deadline (errc::timeout, with who has it where known).
  /// errc::permission_denied, errc::io; errc::invalid_argument for what is no regular file, or is
  /// larger than 32 MiB. A missing file is an empty one.
  [[nodiscard]] static result<client_file> open(plugin::call const& c,
                                                std::filesystem::path const& path);

  /// The text without locking, for commands that only report.
  [[nodiscard]] static result<std::string> read(std::filesystem::path const& path);

  client_file(client_file&&) noexcept;
  client_file& operator=(client_file&&) noexcept;
  ~client_file();

  [[nodiscard]] std::string const& text() const;
  [[nodiscard]] bool existed() const;

  /// Replaces the whole file or leaves it as it was, also if the process is killed or the disk is
  /// full: a new file beside it is renamed over it. Folders are made (0700), a new file has mode
  /// 0600, an existing one keeps its mode and owner; `is_private` makes it 0600 (it holds a token).
  /// errc::conflict if somebody has changed the file since `open`. With `keep_backup`, the bytes
  /// from before are kept once as FILE.thv-backup (never overwritten while that exists).
  [[nodiscard]] result<void> write(std::string_view text, bool is_private, bool keep_backup);

  /// Removes a file that we have made.
  [[nodiscard]] result<void> erase();

 private:
  struct state;
  explicit client_file(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

}  // namespace thv::clients
