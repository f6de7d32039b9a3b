// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <thv/error.hpp>

namespace thv::store::detail {

/// Owns a file descriptor.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor();

  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// The error of a failed system call on `path`: errc::permission_denied or errc::io, with the
/// system's words.
error file_error(std::string_view what, std::filesystem::path const& path, int number);

/// Writes everything; false with errno set. Goes on after a signal.
[[nodiscard]] bool write_all(int fd, std::string_view text);

/// A file of at most 64 KiB, or nullopt with errno set.
std::optional<std::string> read_small_file(std::filesystem::path const& path);

/// Makes `directory` (mode 0700) and the folders above it (mode by umask) where they are missing.
result<void> make_private_directory(std::filesystem::path const& directory);

/// Replaces `path` by a file of mode 0600 that holds `text`: on disk whole, or not at all.
result<void> write_private_file(std::filesystem::path const& path, std::string_view text);

/// An exclusive flock on `path` (made with mode 0600), waited for. Released by its descriptor.
result<descriptor> lock_file(std::filesystem::path const& path);

}  // namespace thv::store::detail
