// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::clients {

/// The right to change one file, against other commands of ours and other threads. It is a lock on
/// the file's folder: nothing is left lying there, it is the same whatever the environment says,
/// and it is there before the file is. The files of one folder can be held together by a process.
/// On a network file system that locks no folders, threads alone exclude each other.
class file_lock {
 public:
  /// Waits until the call's deadline (errc::timeout, with who has it where known). Makes missing
  /// folders with mode 0700; those that are still empty go with the lock. errc::conflict if this
  /// thread holds the file already, under another name.
  [[nodiscard]] static result<file_lock> take(plugin::call const& c,
                                              std::filesystem::path const& file);

  file_lock(file_lock&&) noexcept = default;
  file_lock& operator=(file_lock&&) noexcept;
  ~file_lock();

  /// The folders that were missing, outermost first.
  [[nodiscard]] std::vector<std::filesystem::path> made() const;

  /// Those of them that are empty go with the lock, as the missing ones do. Only folders around the
  /// file count.
  void drop_if_empty(std::vector<std::filesystem::path> const& folders);

 private:
  struct folder;
  struct held_locks;

  file_lock(std::shared_ptr<folder> f, std::filesystem::path file)
      : folder_(std::move(f)), file_(std::move(file)) {}

  static held_locks& held();
  static result<std::shared_ptr<folder>> try_take(std::filesystem::path const& file,
                                                  std::vector<std::filesystem::path>& made);

  std::shared_ptr<folder> folder_;
  std::filesystem::path file_;
};

}  // namespace thv::clients
