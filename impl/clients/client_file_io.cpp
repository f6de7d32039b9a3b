// SPDX-License-Identifier: Apache-2.0
#include "client_file_io.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "../store/file.hpp"

namespace thv::clients::file_io {

namespace fs = std::filesystem;

error failure(std::string_view what, fs::path const& path, int number) {
  auto const denied = number == EACCES || number == EPERM;
  auto const* hint = "";
  if (number == ENOSPC || number == EDQUOT)
    hint = "free some space on that disk, then repeat the command";
  if (denied || number == EROFS) hint = "make the file and its folder writable for this user";
  if (number == EBUSY)
    hint = "the file alone is mounted there, as into a container; mount its folder instead";
  return fail(
      denied ? errc::permission_denied : errc::io,
      fmt::format("{} {}: {}", what, path.string(), std::generic_category().message(number)), hint);
}

result<fs::path> follow_links(fs::path path) {
  constexpr int most = 40;  // as the kernel
  for (int i = 0; i < most; ++i) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
      if (errno == ENOENT) return path;
      return failure("cannot read", path, errno);
    }
    if (!S_ISLNK(status.st_mode)) return path;
    std::error_code code;
    auto const target = fs::read_symlink(path, code);
    if (code) return failure("cannot read", path, code.value());
    path = path.parent_path() / target;
  }
  return fail(errc::invalid_argument, fmt::format("{} is a loop of symbolic links", path.string()),
              "point the link at a file");
}

namespace {

bool read_all(int fd, std::string& text, std::size_t size) {
  text.resize(size + 1);  // one more: to see the end without another call
  std::size_t have = 0;
  for (;;) {
    auto const n = ::read(fd, text.data() + have, text.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
    if (have > largest) break;
    if (have == text.size()) text.resize(have * 2);
  }
  text.resize(have);
  return true;
}

}  // namespace

result<std::optional<content>> read(fs::path const& path) {
  descriptor const fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd && errno == ENOENT) return std::optional<content>();
  if (!fd) return failure("cannot read", path, errno);
  content found{};
  if (::fstat(fd.get(), &found.status) != 0) return failure("cannot read", path, errno);
  if (!S_ISREG(found.status.st_mode))
    return fail(errc::invalid_argument, fmt::format("{} is no regular file", path.string()),
                "move it away, or correct the path");
  auto const size = static_cast<std::size_t>(found.status.st_size);
  if (size <= largest && !read_all(fd.get(), found.text, size))
    return failure("cannot read", path, errno);
  if (size > largest || found.text.size() > largest)
    return fail(errc::invalid_argument,
                fmt::format("{} is larger than {} MiB", path.string(), largest >> 20),
                "a client's configuration is not expected to be that large; look into it");
  return std::optional(std::move(found));
}

result<void> make_folders(fs::path const& folder, std::vector<fs::path>& made) {
  std::vector<fs::path> missing;
  struct stat status {};
  for (auto f = folder; !f.empty() && ::stat(f.c_str(), &status) != 0; f = f.parent_path()) {
    if (errno != ENOENT) return failure("cannot use the folder", f, errno);
    missing.push_back(f);
    if (f == f.parent_path()) break;
  }
  std::reverse(missing.begin(), missing.end());
  for (auto const& f : missing) {
    if (::mkdir(f.c_str(), 0700) == 0)
      made.push_back(f);
    else if (errno != EEXIST || ::stat(f.c_str(), &status) != 0)
      return failure("cannot make the folder", f, errno);
  }
  return {};
}

result<void> write_new(fs::path const& path, std::string_view text) {
  descriptor const fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return failure("cannot create", path, errno);
  if (store::detail::write_all(fd.get(), text) && ::fsync(fd.get()) == 0) return {};
  auto const number = errno;
  ::unlink(path.c_str());
  return failure("cannot write", path, number);
}

namespace {

// Best effort: a file system need not know them, and not every one is ours to set.
void copy_attributes(fs::path const& from, fs::path const& to, bool with_access_lists) {
  auto const size = ::listxattr(from.c_str(), nullptr, 0);
  if (size <= 0) return;
  std::string names(static_cast<std::size_t>(size), '\0');
  auto const listed = ::listxattr(from.c_str(), names.data(), names.size());
  if (listed <= 0) return;
  names.resize(static_cast<std::size_t>(listed));
  for (std::size_t at = 0; at < names.size(); at += std::string_view(&names[at]).size() + 1) {
    char const* const name = &names[at];
    if (!with_access_lists && std::string_view(name) == "system.posix_acl_access") continue;
    std::string value(64 * 1024, '\0');
    auto const n = ::getxattr(from.c_str(), name, value.data(), value.size());
    if (n < 0) continue;
    [[maybe_unused]] auto const set =
        ::setxattr(to.c_str(), name, value.data(), static_cast<std::size_t>(n), 0);
  }
}

}  // namespace

result<void> resemble(fs::path const& path, fs::path const& like, struct stat const& status,
                      bool is_private) {
  if (status.st_uid != ::geteuid() && ::chown(path.c_str(), status.st_uid, status.st_gid) != 0)
    return fail(errc::permission_denied,
                fmt::format("{} belongs to another user and would become yours", like.string()),
                "run the command as the file's owner");
  if (status.st_uid == ::geteuid() && status.st_gid != ::getegid()) {
    // A group that we are not in: whoever may read by it has to be let in again by the owner.
    [[maybe_unused]] auto const kept =
        ::chown(path.c_str(), static_cast<::uid_t>(-1), status.st_gid);
  }
  copy_attributes(like, path, !is_private);
  auto const mode = is_private ? 0600 : status.st_mode & 07777;
  if (::chmod(path.c_str(), mode) != 0) return failure("cannot write", path, errno);
  return {};
}

result<void> rename_to_free(fs::path const& from, fs::path const& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
  // A file system that knows no such renaming: a hard link takes no name either.
  if (errno == EINVAL || errno == ENOSYS) {
    if (::link(from.c_str(), to.c_str()) == 0) {
      ::unlink(from.c_str());
      return {};
    }
  }
  if (errno == EEXIST)
    return fail(errc::already_exists, fmt::format("{} exists already", to.string()));
  return failure("cannot create", to, errno);
}

}  // namespace thv::clients::file_io
