// SPDX-License-Identifier: Apache-2.0
#include "stdio_link.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <thv/mcp/docker_frames.hpp>

namespace thv::gateway {

namespace asio = boost::asio;
using boost::system::error_code;
using executor = asio::io_context::executor_type;
using descriptor = asio::posix::basic_stream_descriptor<executor>;

namespace {

/// How often one wake-up reads before others have their turn.
constexpr int reads_in_a_row = 8;

class stdio_link final : public std::enable_shared_from_this<stdio_link> {
 public:
  stdio_link(asio::io_context& io, plugin::stream stream, link_events& events, std::size_t limit,
             std::span<char> buffer)
      : events_(&events),
        lease_(std::move(stream.lease)),
        frames_(stream.frames),
        limit_(limit),
        buffer_(buffer),
        read_(io.get_executor()),
        write_(io.get_executor()) {
    ::fcntl(stream.read_fd, F_SETFL, ::fcntl(stream.read_fd, F_GETFL) | O_NONBLOCK);
    if (stream.write_fd == stream.read_fd)
      stream.write_fd = ::fcntl(stream.read_fd, F_DUPFD_CLOEXEC, 0);
    else
      ::fcntl(stream.write_fd, F_SETFL, ::fcntl(stream.write_fd, F_GETFL) | O_NONBLOCK);
    error_code ignored;
    read_.assign(stream.read_fd, ignored);
    write_.assign(stream.write_fd, ignored);
    // What is left of a line that was half read when its reader was killed is no message, and an
    // answer to that reader bears an id that is not ours: neither needs to be dropped here, where
    // it might be the first whole answer to us.
    if (stream.dirty) out_ = "\n";
  }

  void start() {
    if (!out_.empty()) flush();
    // Not only when something happens: of a FIFO whose last writer went before it was opened, no
    // event ever tells.
    asio::post(read_.get_executor(), [self = shared_from_this()] {
      if (!self->ended_) self->on_readable();
    });
  }

  void stop() {
    events_ = nullptr;
    close();
  }

  void send(outgoing const& m) {
    if (ended_) return;
    // Beside others it goes out with them, at the end of the events that are there.
    if (m.alone && out_.empty()) {
      std::array<std::string_view, 6> pieces{};
      write_now(pieces, split(m, pieces));
      return;
    }
    append_with(out_, m.text, m.first, m.second);
    out_ += '\n';
    post_flush();
  }

  [[nodiscard]] std::size_t queued() const { return out_.size() - written_; }

 private:
  static std::size_t split(outgoing const& m, std::array<std::string_view, 6>& pieces) {
    auto a = m.first;
    auto b = m.second;
    if (b.part.data() && (!a.part.data() || b.part.data() < a.part.data())) std::swap(a, b);
    std::size_t count = 0;
    char const* at = m.text.data();
    for (auto const& r : {a, b}) {
      if (!r.part.data()) continue;
      pieces[count++] = {at, static_cast<std::size_t>(r.part.data() - at)};
      pieces[count++] = r.with;
      at = r.part.data() + r.part.size();
    }
    pieces[count++] = {at, static_cast<std::size_t>(m.text.data() + m.text.size() - at)};
    pieces[count++] = "\n";
    return count;
  }

  void write_now(std::array<std::string_view, 6> const& pieces, std::size_t count) {
    iovec vectors[6];
    for (std::size_t i = 0; i < count; ++i)
      vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    auto const n = ::writev(write_.native_handle(), vectors, static_cast<int>(count));
    if (n < 0 && errno != EAGAIN && errno != EINTR) return fail_soon("it closed its input");
    auto skip = n < 0 ? 0 : static_cast<std::size_t>(n);
    for (std::size_t i = 0; i < count; ++i) {
      auto const left = std::min(skip, pieces[i].size());
      skip -= left;
      out_.append(pieces[i].substr(left));
    }
    if (!out_.empty()) wait_writable();
  }

  void post_flush() {
    if (posted_) return;
    posted_ = true;
    asio::post(read_.get_executor(), [self = shared_from_this()] {
      self->posted_ = false;
      self->flush();
    });
  }

  void flush() {
    if (ended_ || waiting_ || out_.empty()) return;
    auto const n = ::write(write_.native_handle(), out_.data() + written_, out_.size() - written_);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return fail_soon("it closed its input");
    if (n > 0) written_ += static_cast<std::size_t>(n);
    if (written_ == out_.size()) {
      written_ = 0;
      out_.clear();
      if (out_.capacity() > (256u << 10)) std::string().swap(out_);
      return;
    }
    if (written_ > (1u << 20)) {
      out_.erase(0, written_);
      written_ = 0;
    }
    wait_writable();
  }

  void wait_writable() {
    if (waiting_) return;
    waiting_ = true;
    write_.async_wait(descriptor::wait_write, [self = shared_from_this()](error_code ec) {
      self->waiting_ = false;
      if (!ec) self->flush();
    });
  }

  void wait_readable() {
    read_.async_wait(descriptor::wait_read, [self = shared_from_this()](error_code ec) {
      if (!ec && !self->ended_) self->on_readable();
    });
  }

  void on_readable() {
    auto const self = shared_from_this();
    for (int i = 0; i < reads_in_a_row && !ended_; ++i) {
      auto const n = ::read(read_.native_handle(), buffer_.data(), buffer_.size());
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (n <= 0) return ended("it ended");
      auto const size = static_cast<std::size_t>(n);
      if (!take(buffer_.data(), size)) return ended("its output is no stream of the engine's");
      if (size < buffer_.size()) break;
    }
    if (!ended_) wait_readable();
  }

  bool take(char* bytes, std::size_t size) {
    if (frames_ == plugin::stream::framing::raw) {
      lines(bytes, size);
      return true;
    }
    auto const fed = decoder_.feed(
        {bytes, size}, [&](mcp::docker_frame_decoder::channel from, std::string_view piece) {
          if (from == mcp::docker_frame_decoder::channel::output)
            lines(const_cast<char*>(piece.data()), piece.size());
        });
    return fed.has_value();
  }

  void lines(char* at, std::size_t size) {
    char* const end = at + size;
    while (at < end && !ended_) {
      auto* const stop =
          static_cast<char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
      if (!stop) return keep({at, static_cast<std::size_t>(end - at)});
      std::string_view piece(at, static_cast<std::size_t>(stop - at));
      at = stop + 1;
      if (dropping_) {
        note_end(piece);
        dropped();
        continue;
      }
      if (!rest_.empty()) {
        rest_.append(piece);
        std::string line = std::move(rest_);
        rest_.clear();
        tell(line.data(), line.size());
      } else {
        tell(const_cast<char*>(piece.data()), piece.size());
      }
    }
  }

  void tell(char* text, std::size_t size) {
    make_one_line(text, text + size);
    std::string_view line(text, size);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (!line.empty() && events_) events_->on_message(line, 0);
  }

  void keep(std::string_view piece) {
    if (dropping_) return note_end(piece);
    if (rest_.size() + piece.size() <= limit_) {
      rest_.append(piece);
      return;
    }
    ends_ = rest_.substr(0, 96);
    ends_ += ' ';
    note_end(piece);
    std::string().swap(rest_);
    dropping_ = true;
    oversized_ = true;
  }

  void note_end(std::string_view piece) {
    if (!oversized_) return;
    last_.append(piece.substr(piece.size() > 96 ? piece.size() - 96 : 0));
    if (last_.size() > 96) last_.erase(0, last_.size() - 96);
  }

  /// The end of a line that was not kept. Answers bear their id first or last.
  void dropped() {
    dropping_ = false;
    if (!oversized_) return;
    oversized_ = false;
    for (auto const& text : {last_, ends_}) {
      auto const at = text.rfind("\"id\":");
      if (at == std::string::npos) continue;
      std::uint64_t slot = 0;
      auto const* first = text.data() + at + 5;
      auto const [end, bad] = std::from_chars(first, text.data() + text.size(), slot);
      if (bad != std::errc() || end == first) continue;
      if (events_) events_->on_failed(slot, 0, "its answer is larger than a message may be");
      break;
    }
    ends_.clear();
    last_.clear();
  }

  void fail_soon(char const* why) {
    asio::post(read_.get_executor(), [self = shared_from_this(), why] { self->ended(why); });
  }

  void ended(std::string_view why) {
    if (ended_) return;
    close();
    if (events_) events_->on_ended(why);
  }

  void close() {
    ended_ = true;
    error_code ignored;
    read_.close(ignored);
    write_.close(ignored);
    lease_.reset();
  }

  link_events* events_;
  std::shared_ptr<void> lease_;
  plugin::stream::framing frames_;
  std::size_t limit_;
  std::span<char> buffer_;
  descriptor read_;
  descriptor write_;
  mcp::docker_frame_decoder decoder_;
  std::string out_;
  std::size_t written_ = 0;  ///< of it
  std::string rest_;
  std::string ends_;
  std::string last_;
  bool dropping_ = false;  ///< up to the next line end
  bool oversized_ = false;
  bool posted_ = false;
  bool waiting_ = false;
  bool ended_ = false;
};

/// Keeps the link alive for what the loop still holds of it.
class stdio_handle final : public link {
 public:
  explicit stdio_handle(std::shared_ptr<stdio_link> held) : held_(std::move(held)) {}
  ~stdio_handle() override { held_->stop(); }
  void send(outgoing const& m) override { held_->send(m); }
  void abandon(std::uint64_t) override {}
  void open_stream() override {}
  void end() override {}
  void agree(std::string_view) override {}
  void renew(std::string_view) override {}
  [[nodiscard]] std::size_t queued() const override { return held_->queued(); }

 private:
  std::shared_ptr<stdio_link> held_;
};

}  // namespace

std::unique_ptr<link> make_stdio_link(asio::io_context& io, plugin::stream stream,
                                      link_events& events, std::size_t limit,
                                      std::span<char> buffer) {
  auto held = std::make_shared<stdio_link>(io, std::move(stream), events, limit, buffer);
  held->start();
  return std::make_unique<stdio_handle>(std::move(held));
}

}  // namespace thv::gateway
