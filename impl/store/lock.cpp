// SPDX-License-Identifier: Apache-2.0
#include "lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <sstream>
#include <thv/store/keyed_hash.hpp>
#include <thv/store/messages.hpp>
#include <thv/store/process_identity.hpp>

#include "file.hpp"

namespace thv::store::detail {
namespace {

using std::chrono::steady_clock;

// What one holder did is seen by the next of this process. The kernel sees to that, but neither the
// C++ standard nor the thread sanitizer knows flock.
void order_holders() {
  static std::atomic<unsigned> turn = 0;
  turn.fetch_add(1, std::memory_order_acq_rel);
}

// The file of a held lock. It is unlinked before the lock goes, so that no files of groups of the
// past remain; whoever waits on the unlinked one sees that and starts over.
struct held_file {
  std::filesystem::path path;
  descriptor fd;

  held_file(std::filesystem::path p, descriptor d) : path(std::move(p)), fd(std::move(d)) {}
  held_file(held_file const&) = delete;
  held_file& operator=(held_file const&) = delete;
  ~held_file() {
    order_holders();
    ::unlink(path.c_str());
  }
};

bool is_the_file_at(std::filesystem::path const& path, int fd) {
  struct stat by_path {};
  struct stat by_fd {};
  return ::stat(path.c_str(), &by_path) == 0 && ::fstat(fd, &by_fd) == 0 &&
         by_path.st_dev == by_fd.st_dev && by_path.st_ino == by_fd.st_ino;
}

// Only for messages: that it cannot be written (full disk) does not matter.
void write_holder(int fd) {
  auto const self = this_process();
  auto const line = fmt::format("{} {} {}\n", self.pid, self.start_time, self.boot_id);
  if (::ftruncate(fd, 0) == 0) [[maybe_unused]]
    auto const written = ::pwrite(fd, line.data(), line.size(), 0);
}

std::string read_holder(std::filesystem::path const& path) {
  std::istringstream line(read_small_file(path).value_or(""));
  process_identity who;
  line >> who.pid >> who.start_time >> who.boot_id;
  return is_alive(who) ? describe(who) : "another process";
}

// The lock, nullopt while somebody has it.
result<std::optional<descriptor>> try_lock(std::filesystem::path const& path) {
  for (;;) {
    descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return file_error("cannot open", path, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::optional<descriptor>();
      if (errno == EINTR) continue;
      return file_error("cannot lock", path, errno);
    }
    if (is_the_file_at(path, fd.get())) return std::optional(std::move(fd));
  }
}

}  // namespace

void sleep(plugin::call const& c, steady_clock::duration pause) {
  auto const left = c.deadline - steady_clock::now();
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, c.stop, std::min(pause, left), [] { return false; });
}

std::string lock_file_name(std::string_view group) {
  constexpr std::size_t longest = 200;
  std::string name;
  for (unsigned char const c : group) {
    auto const plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (plain)
      name += static_cast<char>(c);
    else
      name += fmt::format("%{:02X}", c);
  }
  if (name.empty()) return "%";
  if (name.size() > longest) {
    name.resize(longest - 65);
    name.append(1, '.').append(thv::store::keyed_hash("", group));
  }
  return name;
}

result<group_lock> take_group_lock(std::filesystem::path const& directory, std::string const& group,
                                   plugin::call const& c) {
  using namespace std::chrono_literals;
  auto const path = directory / lock_file_name(group);
  steady_clock::duration pause = 1ms;
  for (int tries = 0;; ++tries) {
    THV_TRY(auto taken, try_lock(path));
    if (taken) {
      order_holders();
      write_holder(taken->get());
      return group_lock(std::make_shared<held_file>(path, std::move(*taken)));
    }
    if (c.stop.stop_requested()) return messages::waiting_cancelled(group);
    if (steady_clock::now() >= c.deadline)
      return messages::waited_too_long(read_holder(path), group);
    // Not at once: whoever has just taken the lock has not written yet who it is.
    if (tries == 1 && c.progress) c.progress(messages::waiting(read_holder(path), group));
    sleep(c, pause);
    pause = std::min<steady_clock::duration>(pause * 2, 20ms);
  }
}

}  // namespace thv::store::detail
