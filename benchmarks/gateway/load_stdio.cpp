// SPDX-License-Identifier: Apache-2.0
// N calls in flight over the pipes of a server: what the member does without a gateway.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "json_scan.hpp"
#include "load_client.hpp"

namespace bench {

namespace {

class child {
 public:
  explicit child(std::vector<std::string> const& command) {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw load_error{"no pipe"};
    std::vector<char*> words;
    for (auto const& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      execvp(words[0], words.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    to_ = in[1];
    from_ = out[0];
    fcntl(to_, F_SETFL, O_NONBLOCK);
    fcntl(from_, F_SETFL, O_NONBLOCK);
  }
  child(child const&) = delete;
  child& operator=(child const&) = delete;
  ~child() {
    close(to_);
    close(from_);
    waitpid(pid_, nullptr, 0);
  }

  void queue(std::string_view text) { out_ += text; }

  /// Writes what is queued as far as the pipe takes it.
  void flush() {
    while (sent_ < out_.size()) {
      auto const count = ::write(to_, out_.data() + sent_, out_.size() - sent_);
      if (count < 0 && errno == EAGAIN) return forget_sent();
      if (count < 0) throw load_error{std::string{"writing to the server: "} + strerror(errno)};
      sent_ += static_cast<std::size_t>(count);
    }
    forget_sent();
  }

  /// Waits, and calls `visit(line)` for each line of one read. False when the time is over.
  template <class Visitor>
  bool read_lines(double timeout, Visitor&& visit) {
    flush();
    pollfd watched[2] = {{from_, POLLIN, 0}, {to_, POLLOUT, 0}};
    auto const count = poll(watched, out_.empty() ? 1 : 2, static_cast<int>(1000 * timeout));
    if (count == 0) return false;
    if ((watched[0].revents & (POLLIN | POLLHUP)) == 0) return true;
    auto const size = ::read(from_, buffer_.data(), buffer_.size());
    if (size == 0) throw load_error{"the server ended"};
    if (size < 0) return true;
    std::string_view text{buffer_.data(), static_cast<std::size_t>(size)};
    for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
      if (rest_.empty()) {
        visit(text.substr(0, end));
      } else {
        rest_ += text.substr(0, end);
        visit(std::string_view{rest_});
        rest_.clear();
      }
      text.remove_prefix(end + 1);
    }
    rest_ += text;
    return true;
  }

 private:
  /// Keeps a queue that is never empty from growing for ever, at a cost in proportion to it.
  void forget_sent() {
    if (sent_ < out_.size() / 2) return;
    out_.erase(0, sent_);
    sent_ = 0;
  }

  pid_t pid_;
  int to_, from_;
  std::size_t sent_ = 0;
  std::string out_, rest_;
  std::vector<char> buffer_ = std::vector<char>(std::size_t{256} << 10);
};

struct slot {
  std::uint64_t id = 0;
  clock::time_point begun;
};

class stdio_load {
 public:
  stdio_load(options const& chosen, child& server, echo_calls const& calls)
      : options_{chosen}, server_{server}, calls_{calls}, slots_(chosen.in_flight) {}

  void run(std::uint64_t limit, double seconds, tally& counted) {
    counted_ = &counted;
    left_ = limit;
    counted.begin();
    stop_ = seconds > 0 ? clock::now() + std::chrono::duration_cast<clock::duration>(
                                             std::chrono::duration<double>(seconds))
                        : clock::time_point::max();
    for (std::size_t i = 0; i < slots_.size(); ++i) next(i, clock::now());
    while (in_flight_ > 0) {
      if (server_.read_lines(options_.timeout, [&](std::string_view line) { take(line); }))
        continue;
      for (; in_flight_ > 0; --in_flight_)
        counted.bad(echo_calls::verdict::failed, "no answer in time");
    }
    counted.end();
  }

 private:
  /// Ids tell their slot: round * slots + slot.
  void next(std::size_t index, clock::time_point now) {
    if (left_ == 0 || now >= stop_) return;
    --left_;
    auto& owner = slots_[index];
    owner.id = ++round_ * slots_.size() + index;
    owner.begun = now;
    line_.clear();
    calls_.make(line_, owner.id, index);
    server_.queue(line_ += '\n');
    ++in_flight_;
  }

  void take(std::string_view line) {
    auto const now = clock::now();
    auto const written = std::string{member(line, "id")};
    auto const index = std::strtoull(written.c_str(), nullptr, 10) % slots_.size();
    if (!member(line, "method").empty()) return;  // the server's own message
    auto const verdict = calls_.check(line, slots_[index].id, index);
    if (verdict == echo_calls::verdict::right)
      counted_->right(now - slots_[index].begun);
    else
      counted_->bad(verdict, line);
    --in_flight_;
    next(index, now);
  }

  options const& options_;
  child& server_;
  echo_calls const& calls_;
  std::vector<slot> slots_;
  std::string line_;
  tally* counted_ = nullptr;
  std::uint64_t left_ = 0, round_ = 1000, in_flight_ = 0;
  clock::time_point stop_;
};

}  // namespace

bool load_stdio(options const& chosen) {
  signal(SIGPIPE, SIG_IGN);
  child server{chosen.command};
  exchange const send = [&](std::string const& message) {
    server.queue(message + "\n");
    auto const id = std::string{member(message, "id")};
    std::string answer;
    while (!id.empty() && answer.empty())
      if (!server.read_lines(chosen.timeout, [&](std::string_view line) {
            if (member(line, "id") == id) answer = line;
          }))
        throw load_error{"the server did not answer in time"};
    return answer;
  };
  open_session(send);
  auto tool = chosen.tool;
  if (tool.empty()) {
    auto const tools = echo_tools(send, false);
    if (tools.empty()) throw load_error{"tools/list shows no tool whose name ends in 'echo'"};
    tool = tools.front();
  }
  echo_calls const calls{chosen, tool};
  stdio_load load{chosen, server, calls};
  if (chosen.warm_up > 0) {
    tally ignored;
    load.run(chosen.warm_up, 0, ignored);
  }
  announce(chosen);
  tally counted;
  load.run(chosen.calls > 0 ? chosen.calls : ~std::uint64_t{0}, chosen.seconds, counted);
  auto const right = counted.print();
  hold(chosen);
  return right;
}

}  // namespace bench
