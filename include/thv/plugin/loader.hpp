// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/descriptor.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::plugin {

/// Is this descriptor one that the host can work with? errc::unsupported naming both sides when the
/// interface or the build differ, errc::corrupt when fields are missing. `path` is for the message.
[[nodiscard]] result<void> check_descriptor(descriptor const& d, std::filesystem::path const& path);

/// An open plugin library that passed `check_descriptor`. Copies share it; it is closed when the
/// last copy and the last runtime made from it are gone.
class library {
 public:
  /// errc::not_found (no such file), errc::corrupt (the dynamic linker refuses it, in its words, or
  /// it exports no descriptor), else as `check_descriptor`.
  [[nodiscard]] static result<library> load(std::filesystem::path const& path);

  [[nodiscard]] descriptor const& description() const noexcept { return *descriptor_; }
  [[nodiscard]] std::filesystem::path const& path() const noexcept { return path_; }

  /// Makes a runtime that keeps the library open. Errors are the plugin's own.
  [[nodiscard]] result<std::shared_ptr<runtime>> create(host_context const& host) const;

 private:
  library(std::filesystem::path path, std::shared_ptr<void const> handle, descriptor const* d)
      : path_(std::move(path)), handle_(std::move(handle)), descriptor_(d) {}

  std::filesystem::path path_;
  std::shared_ptr<void const> handle_;
  descriptor const* descriptor_;
};

/// A plugin file. `name` is the file's name without `.so`.
struct found_plugin {
  std::string name;
  std::filesystem::path path;

  friend bool operator==(found_plugin const&, found_plugin const&) = default;
};

/// Where plugins are looked for, in this order: `first` (the flag `--plugin-dir`), the folders of
/// THV_PLUGIN_PATH (separated by `:`), `~/.local/lib/thv/plugins`, and `lib/thv/plugins` (and the
/// system's library folder) beside the folder of the running executable.
[[nodiscard]] std::vector<std::filesystem::path> plugin_search_path(
    std::vector<std::filesystem::path> const& first = {});

/// The plugins in these folders, sorted by name; of two with one name the first folder's is taken.
/// Nothing is loaded. Folders that do not exist or cannot be read are passed over.
[[nodiscard]] std::vector<found_plugin> scan_plugins(
    std::vector<std::filesystem::path> const& folders);

}  // namespace thv::plugin
