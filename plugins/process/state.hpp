// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <process/posix.hpp>
#include <process/record.hpp>
#include <string>
#include <vector>

namespace thv::process {

/// The runtime's folder: one folder for each instance, named by its id, mode 0700, with its record,
/// its log, and a stdio member's two FIFOs. [thread-safe: holds nothing but a path]
class state {
 public:
  explicit state(std::string directory) : directory_(std::move(directory)) {}

  [[nodiscard]] std::string const& directory() const { return directory_; }
  [[nodiscard]] std::string folder(std::string const& id) const { return directory_ + "/" + id; }
  [[nodiscard]] std::string log(std::string const& id) const { return folder(id) + "/log"; }
  [[nodiscard]] std::string input(std::string const& id) const { return folder(id) + "/in"; }
  [[nodiscard]] std::string output(std::string const& id) const { return folder(id) + "/out"; }

  /// The ids of all instances, sorted.
  [[nodiscard]] std::vector<std::string> ids() const;
  /// errc::not_found for an unknown id, errc::corrupt for a record that cannot be read.
  [[nodiscard]] result<record> load(std::string const& id) const;
  /// Writes the record, making the folder if need be.
  [[nodiscard]] result<void> save(record const& r) const;
  /// Removes the record first, which is what makes an instance exist, then all the rest.
  [[nodiscard]] result<void> erase(std::string const& id) const;

  /// Serialises changes of one instance. errc::not_found if it does not exist (any more).
  [[nodiscard]] result<file_lock> lock(plugin::call const& c, std::string const& id) const;
  /// Is somebody changing the instance right now?
  [[nodiscard]] bool is_locked(std::string const& id) const;
  /// Serialises who gets which name and port.
  [[nodiscard]] result<file_lock> lock_names(plugin::call const& c) const;

 private:
  std::string directory_;
};

/// May this text be an id? It never leaves the runtime's folder.
[[nodiscard]] bool is_id(std::string_view text);

}  // namespace thv::process
