// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <remote/record.hpp>

namespace thv::remote {

/// Serialises changes between threads and processes (flock). Held until destroyed.
class change_lock {
 public:
  /// Waits within the call's deadline and stop token.
  [[nodiscard]] static result<change_lock> take(plugin::call const& c, std::string const& path);
  change_lock(change_lock&& other) noexcept;
  change_lock& operator=(change_lock&&) = delete;
  ~change_lock();

 private:
  explicit change_lock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

/// The runtime's folder: one file `ID.json` for each instance, mode 0600.
class record_folder {
 public:
  explicit record_folder(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] result<change_lock> lock(plugin::call const& c) const;

  /// Ids of all instances, sorted. errc::io when the folder cannot be read.
  [[nodiscard]] result<std::vector<std::string>> ids() const;
  /// errc::not_found for an unknown id, errc::corrupt (with the file's place) for a bad record.
  [[nodiscard]] result<record> load(std::string const& id) const;
  /// Replaces the record as a whole: a crash leaves the old one or the new one.
  [[nodiscard]] result<void> save(record const& r) const;
  /// Unknown ids succeed.
  [[nodiscard]] result<void> erase(std::string const& id) const;

 private:
  [[nodiscard]] std::string path(std::string const& id) const;

  std::string directory_;
};

}  // namespace thv::remote
