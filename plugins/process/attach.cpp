// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <process/attach.hpp>

namespace thv::process {
namespace {

constexpr int pipe_size = 1 << 20;

result<descriptor> make_fifo(std::string const& path) {
  ::unlink(path.c_str());
  if (::mkfifo(path.c_str(), 0600) != 0)
    return system_failure(errno, "cannot make the FIFO '" + path + "'");
  descriptor end(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!end) return system_failure(errno, "cannot open the FIFO '" + path + "'");
  return end;
}

/// Our hold on a stream: the lock and the mark. Only a holder that ends in order takes the mark
/// away.
class lease {
 public:
  lease(file_lock lock, std::string mark) : lock_(std::move(lock)), mark_(std::move(mark)) {}
  lease(lease const&) = delete;
  ~lease() { ::unlink(mark_.c_str()); }

 private:
  file_lock lock_;
  std::string mark_;
};

std::string lock_path(state const& where, std::string const& id) {
  return where.folder(id) + "/attach.lock";
}

result<file_lock> take_lease(state const& where, std::string const& id) {
  auto const path = lock_path(where, id);
  auto taken = file_lock::try_take(path);
  if (!taken) return std::move(taken).error();
  if (!*taken) {
    auto holder = read_file(path).value_or("");
    while (!holder.empty() && holder.back() == '\n') holder.pop_back();
    return fail(
        errc::conflict,
        "'" + id + "': process " + (holder.empty() ? "unknown" : holder) + " is attached to it",
        "wait until it is done");
  }
  auto const text = std::to_string(::getpid()) + "\n";
  if (::ftruncate((*taken)->fd(), 0) != 0 ||
      ::pwrite((*taken)->fd(), text.data(), text.size(), 0) < 0)
    return system_failure(errno, "cannot write '" + path + "'");
  return std::move(**taken);
}

bool same_file(struct stat const& a, struct stat const& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// Opens the FIFO at `path`, or the one that the member holds as its descriptor `number` where the
/// two are not the same (any more).
result<descriptor> open_end(std::string const& path, identity const& member, int number,
                            int flags) {
  auto const held = "/proc/" + std::to_string(member.pid) + "/fd/" + std::to_string(number);
  struct stat at_path {
  }, at_member{};
  bool const has_path = ::stat(path.c_str(), &at_path) == 0;
  bool const has_member = ::stat(held.c_str(), &at_member) == 0;
  bool const use_member = has_member && (!has_path || !same_file(at_path, at_member));
  auto const& chosen = use_member ? held : path;
  auto const& found = use_member ? at_member : at_path;
  if ((use_member || has_path) && !S_ISFIFO(found.st_mode))
    return fail(errc::unavailable, "the stream '" + path + "' is gone and the process has another",
                "restart the workload");
  descriptor end(::open(chosen.c_str(), flags | O_NONBLOCK | O_CLOEXEC));
  if (!end) return system_failure(errno, "cannot open the stream '" + path + "'");
  ::fcntl(end.get(), F_SETFL, ::fcntl(end.get(), F_GETFL) & ~O_NONBLOCK);
  return end;
}

}  // namespace

result<fifo_pair> make_fifos(state const& where, std::string const& id) {
  auto input = make_fifo(where.input(id));
  if (!input) return std::move(input).error();
  auto output = make_fifo(where.output(id));
  if (!output) return std::move(output).error();
  // Beyond a user's share (pipe-user-pages-soft) the system refuses: then less has to do.
  for (int size = pipe_size; size > (64 << 10); size /= 2)
    if (::fcntl(output->get(), F_SETPIPE_SZ, size) >= 0) break;
  ::unlink((where.folder(id) + "/dirty").c_str());
  return fifo_pair{*std::move(input), *std::move(output)};
}

bool is_full(std::string const& fifo) {
  descriptor const end(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!end) return false;
  int waiting = 0;
  pollfd writable{end.get(), POLLOUT, 0};
  return ::poll(&writable, 1, 0) == 0 && ::ioctl(end.get(), FIONREAD, &waiting) == 0 && waiting > 0;
}

bool is_attached(state const& where, std::string const& id) {
  auto const path = lock_path(where, id);
  if (!exists(path)) return false;
  auto const taken = file_lock::try_take(path);
  return taken && !taken->has_value();
}

result<plugin::stream> attach_stream(state const& where, std::string const& id,
                                     identity const& member) {
  auto lock = take_lease(where, id);
  if (!lock) return std::move(lock).error();
  auto input = open_end(where.input(id), member, 0, O_RDWR);
  if (!input) return std::move(input).error();
  auto output = open_end(where.output(id), member, 1, O_RDONLY);
  if (!output) return std::move(output).error();
  auto const mark = where.folder(id) + "/dirty";
  bool const dirty = exists(mark);
  descriptor const made(::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!made) return system_failure(errno, "cannot write '" + mark + "'");
  plugin::stream stream;
  stream.read_fd = output->release();
  stream.write_fd = input->release();
  stream.dirty = dirty;
  stream.lease = std::make_shared<lease>(*std::move(lock), mark);
  return stream;
}

}  // namespace thv::process
