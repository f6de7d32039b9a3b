// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/private_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <thv/secrets/secret_key.hpp>

#include "../store/file.hpp"

namespace thv::secrets {

namespace {

error failed(std::filesystem::path const& path, std::string const& what, int number) {
  if (number == ENOENT || number == ENOTDIR)
    return fail(errc::not_found, fmt::format("there is no such {}", what), {}, path.string());
  bool const denied = number == EACCES || number == EPERM;
  return fail(
      denied ? errc::permission_denied : errc::io,
      fmt::format("the {} cannot be read: {}", what, std::generic_category().message(number)),
      denied ? "is it another user's? 'ls -ld' shows whose it and its folder are"
             : (number == ELOOP ? "its links lead in a circle: make one that leads to a file" : ""),
      path.string());
}

result<void> check_kind(int fd, std::filesystem::path const& path, std::string const& what,
                        std::size_t largest) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return failed(path, what, errno);
  if (!S_ISREG(found.st_mode))
    return fail(errc::invalid_argument, fmt::format("the {} is no regular file", what),
                "move away what is there", path.string());
  if ((found.st_mode & 0077) != 0)
    return fail(errc::permission_denied,
                fmt::format("others can read the {} (mode {:04o})", what, found.st_mode & 07777),
                fmt::format("chmod 600 '{}'", path.string()), path.string());
  if (static_cast<std::uintmax_t>(found.st_size) > largest)
    return fail(errc::invalid_argument,
                fmt::format("the {} is larger than {}", what,
                            largest >= 1024 * 1024 ? fmt::format("{} MiB", largest / 1024 / 1024)
                                                   : fmt::format("{} bytes", largest)),
                "is it the right file?", path.string());
  return {};
}

}  // namespace

result<std::string> read_private_file(std::filesystem::path const& path, std::string const& what,
                                      std::size_t largest) {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer.
  store::detail::descriptor const fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return failed(path, what, errno);
  THV_CHECK(check_kind(fd.get(), path, what, largest));
  std::string text;
  for (;;) {
    auto const size = text.size();
    if (size > largest)
      return fail(errc::invalid_argument, fmt::format("the {} grows while it is read", what), {},
                  path.string());
    constexpr std::size_t step = 64 * 1024;
    text.resize(size + step);
    auto const n = ::read(fd.get(), text.data() + size, step);
    int const number = errno;
    text.resize(size + static_cast<std::size_t>(n > 0 ? n : 0));
    if (n == 0) return text;
    if (n < 0 && number != EINTR) return failed(path, what, number);
  }
}

}  // namespace thv::secrets
