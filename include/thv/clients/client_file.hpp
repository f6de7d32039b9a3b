// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::clients {

/// A client's configuration file, locked against other commands of ours from `open` to the end of
/// the object. Symbolic links are followed, and stay. The lock is one on the file's folder, so that
/// nothing is left lying there; a process can hold many files at once, each of them once. A client
/// that writes the file knows no lock: `write` looks whether it has, as its last step before the
/// new file takes the place of the old.
class client_file {
 public:
  /// Waits for the lock until the call's deadline (errc::timeout, with who has it where known).
  /// errc::permission_denied, errc::io; errc::invalid_argument for what is no regular file, or is
  /// larger than 32 MiB; errc::conflict if this thread holds the file already, under another name.
  /// A missing file is an empty one; missing folders are made (0700), and go with the object if
  /// nothing was written.
  [[nodiscard]] static result<client_file> open(plugin::call const& c,
                                                std::filesystem::path const& path);

  /// The text without locking, for commands that only report.
  [[nodiscard]] static result<std::string> read(std::filesystem::path const& path);

  client_file(client_file&&) noexcept;
  client_file& operator=(client_file&&) noexcept;
  ~client_file();

  [[nodiscard]] std::string const& text() const;
  [[nodiscard]] bool existed() const;

  /// Replaces the whole file or leaves it as it was, also if the process is killed, the power goes
  /// or the disk is full: a new file beside it, synchronised to the disk, is renamed over it. A new
  /// file has mode 0600, an existing one keeps its mode, owner and extended attributes;
  /// `is_private` makes it 0600 (it holds a token). errc::conflict if somebody has changed the file
  /// since `open`; errc::permission_denied if it is read-only, though its folder is not, or would
  /// change its owner. With `keep_backup`, the file from before is kept once as FILE.thv-backup
  /// (never overwritten while that exists), beside the name that was given to `open`.
  [[nodiscard]] result<void> write(std::string_view text, bool is_private, bool keep_backup);

  /// The folders that were missing and have been made for it by this object, outermost first.
  [[nodiscard]] std::vector<std::filesystem::path> made_folders() const;

  /// Removes a file that we have made, and with the end of this object those of `folders` that are
  /// empty then: folders around it that we have made too. Errors as of `write`.
  [[nodiscard]] result<void> erase(std::vector<std::filesystem::path> const& folders = {});

 private:
  struct state;
  explicit client_file(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

}  // namespace thv::clients
