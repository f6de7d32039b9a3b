// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include <thv/error.hpp>

#include "../store/file.hpp"

// System calls of client_file.cpp.
namespace thv::clients::file_io {

using store::detail::descriptor;

inline constexpr std::size_t largest = std::size_t(32) << 20;

/// errc::permission_denied or errc::io with the system's words, and what to do.
error failure(std::string_view what, std::filesystem::path const& path, int number);

/// Follows symbolic links from `path` on to what is a file, or is missing. errc::invalid_argument
/// for a loop.
result<std::filesystem::path> follow_links(std::filesystem::path path);

struct content {
  std::string text;
  struct stat status;
};

/// The file, or nullopt if there is none. errc::invalid_argument for what is no regular file, or
/// is too large.
result<std::optional<content>> read(std::filesystem::path const& path);

/// Makes the missing folders of `folder` with mode 0700 and adds them to `made`.
result<void> make_folders(std::filesystem::path const& folder,
                          std::vector<std::filesystem::path>& made);

/// A new file of mode 0600 that has `text`, on disk. Taken away again when it fails.
result<void> write_new(std::filesystem::path const& path, std::string_view text);

/// Gives `path` the owner, the mode and the extended attributes of `like`, as far as the system
/// allows; errc::permission_denied if it would belong to somebody else. `is_private`: mode 0600,
/// no access lists.
result<void> resemble(std::filesystem::path const& path, std::filesystem::path const& like,
                      struct stat const& status, bool is_private);

/// Renames to a name that must not be taken: errc::already_exists.
result<void> rename_to_free(std::filesystem::path const& from, std::filesystem::path const& to);

}  // namespace thv::clients::file_io
