// SPDX-License-Identifier: Apache-2.0
#include "common/private_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace thv::common {

namespace {

/// What no secret is larger than.
constexpr std::size_t largest_file = 16u << 20;

error failure(int number, std::string what) {
  auto code = errc::io;
  if (number == ENOENT) code = errc::not_found;
  if (number == EACCES || number == EPERM || number == ELOOP || number == ENOTDIR)
    code = errc::permission_denied;
  std::string hint;
  if (number == ENOSPC || number == EDQUOT)
    hint = "the memory that this file system may use is full: free some of it";
  return fail(code, std::move(what) + ": " + std::generic_category().message(number),
              std::move(hint));
}

bool is_in_memory(int fd) {
  struct statfs system {};
  if (::fstatfs(fd, &system) != 0) return false;
  return system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC;
}

error not_in_memory(std::string const& path) {
  return fail(errc::unsupported, "'" + path + "' is not in memory (no tmpfs)");
}

/// A file that is closed at the end of the scope.
class open_file {
 public:
  explicit open_file(int fd) : fd_(fd) {}
  open_file(open_file const&) = delete;
  open_file& operator=(open_file const&) = delete;
  ~open_file() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto const n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

private_folder::~private_folder() {
  if (fd_ >= 0) ::close(fd_);
}

result<private_folder> private_folder::open_shared(std::string const& path) {
  private_folder folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), path);
  if (folder.fd_ < 0) return failure(errno, "'" + path + "'");
  if (!is_in_memory(folder.fd_)) return not_in_memory(path);
  struct stat found {};
  if (::fstat(folder.fd_, &found) != 0) return failure(errno, "'" + path + "'");
  bool const trusted = found.st_uid == 0 || found.st_uid == ::geteuid();
  bool const exchangeable = (found.st_mode & 022) != 0 && (found.st_mode & S_ISVTX) == 0;
  if (!trusted || exchangeable)
    return fail(errc::unsupported, "other users can exchange what is in '" + path + "'");
  return folder;
}

result<private_folder> private_folder::open(std::string const& name) const {
  private_folder folder(
      ::openat(fd_, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
      path_ + "/" + name);
  if (folder.fd_ < 0) return failure(errno, "'" + folder.path_ + "'");
  struct stat found {};
  if (::fstat(folder.fd_, &found) != 0) return failure(errno, "'" + folder.path_ + "'");
  if (found.st_uid != ::geteuid() || (found.st_mode & 077) != 0)
    return fail(errc::permission_denied,
                "the folder '" + folder.path_ + "' is open to others than this user");
  if (!is_in_memory(folder.fd_)) return not_in_memory(folder.path_);
  return folder;
}

result<private_folder> private_folder::make(std::string const& name) const {
  if (::mkdirat(fd_, name.c_str(), 0700) != 0 && errno != EEXIST)
    return failure(errno, "cannot make the folder '" + path_ + "/" + name + "'");
  return open(name);
}

result<void> private_folder::write(std::string const& name, std::string_view text,
                                   mode_t mode) const {
  auto const what = "cannot write '" + path_ + "/" + name + "'";
  open_file const file(
      ::openat(fd_, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return failure(errno, what);
  if (write_all(file.get(), text) && ::fchmod(file.get(), mode) == 0) return {};
  auto e = failure(errno, what);
  ::unlinkat(fd_, name.c_str(), 0);
  return e;
}

result<std::string> private_folder::read(std::string const& name) const {
  auto const what = "cannot read '" + path_ + "/" + name + "'";
  open_file const file(::openat(fd_, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat found {};
  if (file.get() < 0 || ::fstat(file.get(), &found) != 0) return failure(errno, what);
  if (!S_ISREG(found.st_mode) || found.st_uid != ::geteuid())
    return fail(errc::permission_denied, what + ": it is no file of this user");
  std::string text;
  std::array<char, 8192> piece;
  for (;;) {
    auto const n = ::read(file.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure(errno, what);
    if (n == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(n));
    if (text.size() > largest_file) return fail(errc::corrupt, what + ": it is too large");
  }
}

std::vector<std::string> private_folder::entries() const {
  std::vector<std::string> found;
  auto* const stream = ::fdopendir(::openat(fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (stream == nullptr) return found;
  while (auto const* const entry = ::readdir(stream)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") found.push_back(std::move(name));
  }
  ::closedir(stream);
  std::sort(found.begin(), found.end());
  return found;
}

result<void> private_folder::clear() const {
  for (auto const& name : entries())
    if (::unlinkat(fd_, name.c_str(), 0) != 0 && errno != ENOENT)
      return failure(errno, "cannot remove '" + path_ + "/" + name + "'");
  return {};
}

void private_folder::remove_if_empty(std::string const& name) const {
  ::unlinkat(fd_, name.c_str(), AT_REMOVEDIR);
}

bool private_folder::try_lock() const {
  return ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
}

bool private_folder::still_there() const {
  struct stat found {};
  return ::fstat(fd_, &found) == 0 && found.st_nlink > 0;
}

}  // namespace thv::common
