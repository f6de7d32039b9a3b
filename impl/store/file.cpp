// SPDX-License-Identifier: Apache-2.0
#include "file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace thv::store::detail {

descriptor::~descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

error file_error(std::string_view what, std::filesystem::path const& path, int number) {
  auto const denied = number == EACCES || number == EPERM;
  auto const hint = number == ENOSPC || number == EDQUOT
                        ? "free some space on that disk, then repeat the command"
                    : denied || number == EROFS
                        ? "make the folder writable for this user, or choose another state folder"
                    : number == EISDIR || number == ENOTDIR || number == ELOOP
                        ? "move away what is there, then repeat the command"
                        : "";
  return fail(
      denied ? errc::permission_denied : errc::io,
      fmt::format("{} {}: {}", what, path.string(), std::generic_category().message(number)), hint);
}

std::optional<std::string> read_small_file(std::filesystem::path const& path) {
  descriptor const fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::string text(64 * 1024, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    auto const n = ::read(fd.get(), text.data() + size, text.size() - size);
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    size += static_cast<std::size_t>(n);
  }
  text.resize(size);
  return text;
}

result<void> make_private_directory(std::filesystem::path const& directory) {
  if (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT) return file_error("cannot make the folder", directory, errno);
  std::error_code code;
  std::filesystem::create_directories(directory.parent_path(), code);
  if (code) return file_error("cannot make the folder", directory.parent_path(), code.value());
  if (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return file_error("cannot make the folder", directory, errno);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto const n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

result<void> write_private_file(std::filesystem::path const& path, std::string_view text) {
  auto const temporary = fmt::format("{}.{}.new", path.string(), ::getpid());
  auto const failed = [&](std::string_view what) {
    auto const number = errno;
    ::unlink(temporary.c_str());
    return file_error(what, path, number);
  };
  {
    descriptor const fd(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return failed("cannot create");
    if (!write_all(fd.get(), text) || ::fsync(fd.get()) != 0) return failed("cannot write");
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failed("cannot create");
  descriptor const folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) ::fsync(folder.get());
  return {};
}

result<descriptor> lock_file(std::filesystem::path const& path) {
  descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return file_error("cannot open", path, errno);
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return file_error("cannot lock", path, errno);
  }
  return fd;
}

}  // namespace thv::store::detail
