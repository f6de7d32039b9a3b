// SPDX-License-Identifier: Apache-2.0
#include "stdio_channel.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace thv::mcp::detail {

namespace {

using clock = std::chrono::steady_clock;

/// How long a server whose stdin is closed may still say something.
constexpr std::chrono::milliseconds last_words{250};

bool sigpipe_pending() {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, SIGPIPE) == 1;
}

sigset_t only_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

}  // namespace

sigpipe_shield::sigpipe_shield() : was_pending_(sigpipe_pending()) {
  auto const set = only_sigpipe();
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

sigpipe_shield::~sigpipe_shield() {
  if (!was_pending_ && sigpipe_pending()) {
    auto const set = only_sigpipe();
    timespec const now{};
    while (sigtimedwait(&set, nullptr, &now) == -1 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

nonblocking::nonblocking(int descriptor)
    : descriptor_(descriptor), before_(fcntl(descriptor, F_GETFL)) {
  if (before_ != -1) fcntl(descriptor_, F_SETFL, before_ | O_NONBLOCK);
}

nonblocking::~nonblocking() {
  if (before_ != -1) fcntl(descriptor_, F_SETFL, before_);
}

void stop_signal::wake::operator()() const noexcept {
  std::uint64_t const one = 1;
  [[maybe_unused]] auto const written = ::write(descriptor, &one, sizeof one);
}

stop_signal::stop_signal(std::stop_token token)
    : owner_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      callback_(std::move(token), wake{owner_.descriptor}) {}

stop_signal::owner::~owner() {
  if (descriptor >= 0) ::close(descriptor);
}

stdio_channel::stdio_channel(plugin::call const& c, plugin::stream const& stream)
    : call_(c),
      stream_(stream),
      reading_(stream.read_fd),
      writing_(stream.write_fd),
      stop_(c.stop) {}

void stdio_channel::send(std::string_view line) {
  unsent_ += line;
  unsent_ += '\n';
}

result<std::string> stdio_channel::receive() {
  for (;;) {
    if (auto line = lines_.next()) return *std::move(line);
    if (ended_) return fail(errc::exited, "the server ended its output");
    if (write_failed_ && clock::now() >= *write_failed_ + last_words)
      return fail(errc::exited, "the server closed its input");
    THV_CHECK(wait_and_transfer());
  }
}

result<void> stdio_channel::flush() {
  while (!unsent_.empty() && !write_failed_ && !ended_) THV_CHECK(wait_and_transfer());
  return {};
}

result<int> stdio_channel::poll_timeout() const {
  auto until = call_.deadline;
  if (write_failed_) until = std::min(until, *write_failed_ + last_words);
  if (until == clock::time_point::max()) return -1;
  auto const left = until - clock::now();
  if (left <= clock::duration::zero()) {
    if (until < call_.deadline) return 0;
    return fail(errc::timeout, "the time is over");
  }
  auto const milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<std::int64_t>(milliseconds, 60'000));
}

result<void> stdio_channel::wait_and_transfer() {
  if (call_.stop.stop_requested()) return fail(errc::cancelled, "cancelled");
  THV_TRY(auto const timeout, poll_timeout());
  bool const writing = !unsent_.empty() && !write_failed_;
  pollfd watched[3] = {{stream_.read_fd, POLLIN, 0},
                       {stop_.descriptor(), POLLIN, 0},
                       {writing ? stream_.write_fd : -1, POLLOUT, 0}};
  if (::poll(watched, 3, timeout) < 0 && errno != EINTR)
    return fail(errc::io, std::string("cannot wait for the server: ") + std::strerror(errno));
  if (watched[0].revents & POLLNVAL || watched[2].revents & POLLNVAL)
    return fail(errc::internal, "the stream's descriptors are not open");
  if (watched[2].revents != 0) write_some();
  if (watched[0].revents != 0) THV_CHECK(read_some());
  return {};
}

void stdio_channel::write_some() {
  auto const written = ::write(stream_.write_fd, unsent_.data(), unsent_.size());
  if (written > 0)
    unsent_.erase(0, static_cast<std::size_t>(written));
  else if (written < 0 && errno != EAGAIN && errno != EINTR)
    write_failed_ = clock::now();
}

result<void> stdio_channel::read_some() {
  char buffer[std::size_t{64} << 10];
  auto const count = ::read(stream_.read_fd, buffer, sizeof buffer);
  if (count > 0) return take({buffer, static_cast<std::size_t>(count)});
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  ended_ = true;
  return {};
}

result<void> stdio_channel::take(std::string_view bytes) {
  bool fits = true;
  if (stream_.frames == plugin::stream::framing::raw) {
    fits = lines_.append(bytes);
  } else {
    THV_CHECK(frames_.feed(bytes, [&](docker_frame_decoder::channel from, std::string_view piece) {
      if (from == docker_frame_decoder::channel::output) fits = fits && lines_.append(piece);
    }));
  }
  if (!fits) return fail(errc::engine, "the server wrote a line of more than 16 MiB");
  return {};
}

}  // namespace thv::mcp::detail
