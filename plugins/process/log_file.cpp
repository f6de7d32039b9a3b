// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <process/log_file.hpp>
#include <process/posix.hpp>

namespace thv::process {

static constexpr std::int64_t block = 4096;

static std::int64_t size_of(int fd) {
  struct stat found {};
  return ::fstat(fd, &found) == 0 ? found.st_size : 0;
}

/// The first byte that is no hole.
static std::int64_t data_start(int fd) {
  auto const start = ::lseek(fd, 0, SEEK_DATA);
  return start < 0 ? 0 : start;
}

void bound_log(std::string const& path, std::int64_t bound, std::int64_t kept) {
  descriptor const file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) return;
  auto const size = size_of(file.get());
  if (size - data_start(file.get()) <= bound) return;
  auto const end = (size - kept) / block * block;
  if (::fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, end) != 0 &&
      (errno == EOPNOTSUPP || errno == ENOSYS))
    while (::ftruncate(file.get(), 0) != 0 && errno == EINTR) continue;
}

/// The offset after the first newline at or after `from`; `from` itself if there is none.
static std::int64_t after_newline(int fd, std::int64_t from) {
  std::array<char, 4096> buffer;
  for (auto at = from;;) {
    auto const n = ::pread(fd, buffer.data(), buffer.size(), at);
    if (n <= 0) return from;
    auto const* end = buffer.data() + n;
    auto const* newline = std::find(buffer.data(), const_cast<char*>(end), '\n');
    if (newline != end) return at + (newline - buffer.data()) + 1;
    at += n;
  }
}

std::int64_t log_start(int fd, std::size_t lines) {
  auto const first = data_start(fd);
  // What follows a hole begins in the middle of a line.
  auto const whole = first == 0 ? 0 : after_newline(fd, first);
  if (lines == 0) return whole;
  std::array<char, 4096> buffer;
  std::size_t newlines = 0;
  auto const size = size_of(fd);
  for (auto at = size; at > whole;) {
    auto const length = std::min<std::int64_t>(at - whole, static_cast<int>(buffer.size()));
    at -= length;
    auto const n = ::pread(fd, buffer.data(), static_cast<std::size_t>(length), at);
    for (auto i = n - 1; i >= 0; --i) {
      bool const is_last_byte = at + i == size - 1;
      if (buffer[static_cast<std::size_t>(i)] != '\n' || is_last_byte) continue;
      if (++newlines == lines) return at + i + 1;
    }
  }
  return whole;
}

result<bool> feed_log(int fd, std::int64_t* offset,
                      std::function<bool(std::string_view)> const& sink) {
  std::array<char, 16384> buffer;
  if (size_of(fd) < *offset) *offset = 0;  // emptied
  for (;;) {
    // What is read may have become a hole since: go on behind it, at a whole line.
    if (auto const data = ::lseek(fd, *offset, SEEK_DATA); data > *offset)
      *offset = after_newline(fd, data);
    auto const n = ::pread(fd, buffer.data(), buffer.size(), *offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failure(errno, "cannot read the log");
    if (n == 0) return true;
    *offset += n;
    if (!sink(std::string_view(buffer.data(), static_cast<std::size_t>(n)))) return false;
  }
}

}  // namespace thv::process
