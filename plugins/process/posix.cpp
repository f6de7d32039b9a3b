// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <process/posix.hpp>
#include <system_error>

namespace thv::process {

descriptor& descriptor::operator=(descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void descriptor::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string reason(int number) {
  return std::generic_category().message(number);
}

error system_failure(int number, std::string what) {
  auto code = errc::io;
  if (number == EACCES || number == EPERM) code = errc::permission_denied;
  if (number == ENOENT) code = errc::not_found;
  std::string hint;
  if (number == ENOSPC || number == EDQUOT) hint = "free some disk space and try again";
  return fail(code, std::move(what) + ": " + reason(number), std::move(hint));
}

result<std::string> read_file(std::string const& path, std::size_t limit) {
  descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return system_failure(errno, "cannot read '" + path + "'");
  std::string text;
  std::array<char, 8192> buffer;
  for (;;) {
    auto const n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure(errno, "cannot read '" + path + "'");
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > limit) return fail(errc::corrupt, "'" + path + "' is too large");
  }
}

static result<void> write_all(int fd, std::string_view text, std::string const& path) {
  while (!text.empty()) {
    auto const n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure(errno, "cannot write '" + path + "'");
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

result<void> write_file(std::string const& path, std::string_view text) {
  auto const temporary = path + "." + random_token() + ".part";
  descriptor file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return system_failure(errno, "cannot write '" + path + "'");
  auto written = write_all(file.get(), text, path);
  if (written && ::fdatasync(file.get()) != 0)
    written = system_failure(errno, "cannot write '" + path + "'");
  if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
    written = system_failure(errno, "cannot write '" + path + "'");
  if (!written) ::unlink(temporary.c_str());
  return written;
}

result<void> make_directory(std::string const& path) {
  std::error_code failure;
  auto const parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, failure);
  if (failure) return system_failure(failure.value(), "cannot make the folder '" + path + "'");
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return system_failure(errno, "cannot make the folder '" + path + "'");
  return {};
}

bool exists(std::string const& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

result<std::optional<file_lock>> file_lock::try_take(std::string const& path) {
  descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return system_failure(errno, "cannot open the lock '" + path + "'");
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return std::optional<file_lock>();
    return system_failure(errno, "cannot lock '" + path + "'");
  }
  return std::optional<file_lock>(file_lock(std::move(file)));
}

result<file_lock> file_lock::take(plugin::call const& c, std::string const& path,
                                  std::string_view waiting) {
  for (bool told = false;;) {
    auto taken = try_take(path);
    if (!taken) return std::move(taken).error();
    if (*taken) return std::move(**taken);
    if (!told && !waiting.empty() && c.progress) c.progress(waiting);
    told = true;
    if (auto over = interrupted(c, "waiting for the lock '" + path + "'")) return *over;
    ::poll(nullptr, 0, slice_of(c, 20));
  }
}

bool file_lock::still_linked() const {
  struct stat found {};
  return ::fstat(fd_.get(), &found) == 0 && found.st_nlink > 0;
}

std::optional<error> interrupted(plugin::call const& c, std::string_view what) {
  if (c.stop.stop_requested()) return fail(errc::cancelled, std::string(what) + ": cancelled");
  if (std::chrono::steady_clock::now() >= c.deadline)
    return fail(errc::timeout, std::string(what) + ": the deadline passed");
  return std::nullopt;
}

int slice_of(plugin::call const& c, int slice) {
  auto const now = std::chrono::steady_clock::now();
  if (c.deadline <= now) return 0;
  if (c.deadline - now >= std::chrono::milliseconds(slice)) return slice;
  return static_cast<int>(
             std::chrono::duration_cast<std::chrono::milliseconds>(c.deadline - now).count()) +
         1;
}

std::string random_token() {
  std::array<unsigned char, 5> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::system_error(errno, std::generic_category(), "getrandom");
  std::string text;
  for (auto const b : bytes)
    for (auto const digit : {b >> 4, b & 15}) text += "0123456789abcdef"[digit];
  return text;
}

std::int64_t now_milliseconds() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace thv::process
