// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

/// The operating system's calls as values: descriptors that close themselves, files, locks.
namespace thv::process {

/// Owns a file descriptor.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept;
  ~descriptor() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  void reset() noexcept;

 private:
  int fd_ = -1;
};

/// The system's words for an errno value.
[[nodiscard]] std::string reason(int number);

/// errc::io (or the nearer permission_denied, not_found) for `what` with the system's words.
[[nodiscard]] error system_failure(int number, std::string what);

/// The whole file, at most `limit` bytes. errc::not_found when there is none.
[[nodiscard]] result<std::string> read_file(std::string const& path, std::size_t limit = 1u << 20);

/// Writes a file of mode 0600 so that others see the old content or the new one, never a part.
[[nodiscard]] result<void> write_file(std::string const& path, std::string_view text);

/// Makes a folder of mode 0700 and its parents; one that exists is a success.
[[nodiscard]] result<void> make_directory(std::string const& path);

[[nodiscard]] bool exists(std::string const& path);

/// An exclusive lock on a file (flock), for threads and processes alike. Held until destroyed, or
/// until the process ends in any way.
class file_lock {
 public:
  /// Takes the lock if it is free now; nullopt if somebody holds it.
  static result<std::optional<file_lock>> try_take(std::string const& path);
  /// Waits for the lock within the call's deadline and stop token. `waiting` is told once as
  /// progress when it has to wait.
  static result<file_lock> take(plugin::call const& c, std::string const& path,
                                std::string_view waiting = {});

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// False after the locked file was removed by the one who held the lock before.
  [[nodiscard]] bool still_linked() const;

 private:
  explicit file_lock(descriptor fd) : fd_(std::move(fd)) {}
  descriptor fd_;
};

/// errc::cancelled or errc::timeout when the call is over, naming `what`.
[[nodiscard]] std::optional<error> interrupted(plugin::call const& c, std::string_view what);

/// How many milliseconds may be slept now: at most `slice`, at least 0.
[[nodiscard]] int slice_of(plugin::call const& c, int slice);

/// Ten random hexadecimal digits.
[[nodiscard]] std::string random_token();

/// Milliseconds since 1970.
[[nodiscard]] std::int64_t now_milliseconds();

}  // namespace thv::process
