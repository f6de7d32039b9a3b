// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <thv/error.hpp>

/// What several runtimes share.
namespace thv::common {

/// Values of secrets, by the variable that gets the path of the file with the value.
using secret_values = std::map<std::string, std::string>;

/// Folders in memory where files may lie, in the order in which they are tried: `/dev/shm`, then
/// the user's `/run/user/UID`, which goes at logout unless the user lingers.
[[nodiscard]] std::vector<std::string> memory_folders();

/// Secrets of instances as files that no disk holds:
/// `FOLDER/thv-engine-UID/STORE/RUNTIME/INSTANCE/VARIABLE`. FOLDER must be a tmpfs; every folder
/// below is ours alone (0700), and none may be a symbolic link. They go with a reboot.
/// [thread-safe: holds nothing but names]
class secret_files {
 public:
  /// Who reads the files: their owner (0400), or a container's user, which has another id (0444;
  /// on this machine the folders around them keep others out).
  enum class readers { owner, container };

  /// Files that were written.
  struct placed {
    std::map<std::string, std::string> paths;  ///< by variable
    std::shared_ptr<void> lease;               ///< see `unused`
  };

  secret_files(std::string store, std::string runtime,
               std::vector<std::string> folders = memory_folders());

  /// errc::unsupported with the reasons if files can lie nowhere here. Changes nothing.
  [[nodiscard]] result<void> check() const;

  /// Writes a file for each value; what the instance had before is gone. On failure nothing is
  /// left. One at a time for one instance.
  [[nodiscard]] result<placed> write(std::string const& instance, secret_values const& values,
                                     readers who) const;

  /// The values again. errc::not_found if one of them is not there (any more).
  [[nodiscard]] result<secret_values> read(std::string const& instance,
                                           std::vector<std::string> const& variables) const;

  /// Removes an instance's files and the folders that become empty. [idempotent]
  [[nodiscard]] result<void> remove(std::string const& instance) const;

  /// An instance that has files, and the lease on them.
  struct held {
    std::string instance;
    std::shared_ptr<void> lease;
  };

  /// Every instance of this store and runtime whose files nobody is writing just now (or makes an
  /// instance for, who keeps the lease until it is there). While the result is kept, nobody begins
  /// to: whoever finds no such instance then removes what a killed command left.
  [[nodiscard]] std::vector<held> unused() const;

 private:
  [[nodiscard]] std::vector<std::string> names(std::string const& instance) const;
  [[nodiscard]] result<placed> write_in(std::string const& folder, std::string const& instance,
                                        secret_values const& values, readers who) const;
  [[nodiscard]] result<void> remove_from(std::string const& folder,
                                         std::string const& instance) const;

  std::string store_;
  std::string runtime_;
  std::vector<std::string> folders_;
};

}  // namespace thv::common
