// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <thv/error.hpp>

/// Folders on a tmpfs that nobody else can read, change or put another one in the place of: every
/// step is taken from the folder that was opened before, by name, without following a link.
namespace thv::common {

/// An open folder; its path is for words and for those who are given it.
class private_folder {
 public:
  private_folder(private_folder&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  private_folder& operator=(private_folder&&) = delete;
  ~private_folder();

  /// A folder that the system keeps in memory, which others may share (`/dev/shm`).
  /// errc::unsupported if it is none, or if others could exchange what is in it.
  static result<private_folder> open_shared(std::string const& path);

  /// errc::not_found if there is none, errc::permission_denied if it is not ours alone.
  [[nodiscard]] result<private_folder> open(std::string const& name) const;
  /// Makes it first if need be. errc::not_found if this folder itself was removed meanwhile.
  [[nodiscard]] result<private_folder> make(std::string const& name) const;

  /// Writes a new file. errc::io with a hint when the memory for it is used up.
  [[nodiscard]] result<void> write(std::string const& name, std::string_view text,
                                   mode_t mode) const;
  [[nodiscard]] result<std::string> read(std::string const& name) const;
  /// The names of what is in it, sorted.
  [[nodiscard]] std::vector<std::string> entries() const;
  /// Removes every file in it.
  [[nodiscard]] result<void> clear() const;
  /// Removes an empty folder; one that is not there or not empty is left and no failure.
  void remove_if_empty(std::string const& name) const;

  /// Takes the lock on the folder, held until it is closed. False if somebody else holds it.
  [[nodiscard]] bool try_lock() const;
  /// False after it was removed.
  [[nodiscard]] bool still_there() const;

  [[nodiscard]] std::string const& path() const { return path_; }

 private:
  private_folder(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  int fd_;
  std::string path_;
};

}  // namespace thv::common
