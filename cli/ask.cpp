// SPDX-License-Identifier: Apache-2.0
#include "ask.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <string>

#include <thv/model/names.hpp>
#include <thv/secrets/secret_key.hpp>

#include "output.hpp"

namespace thv::cli {

namespace {

error end_of_input() {
  return fail(errc::io, "failed to read user input: EOF");
}

/// The process's terminal, in a mode that shows nothing, until this goes away.
class hidden_terminal {
 public:
  hidden_terminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (fd_ < 0 || ::tcgetattr(fd_, &before_) != 0) return;
    auto quiet = before_;
    // Characters come one by one and without signals, so that no key leaves the terminal silent.
    quiet.c_lflag &= static_cast<tcflag_t>(~(ECHO | ECHONL | ICANON | ISIG | IEXTEN));
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    ready_ = ::tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
  }
  ~hidden_terminal() {
    if (ready_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
    if (fd_ >= 0) ::close(fd_);
  }
  hidden_terminal(hidden_terminal const&) = delete;
  hidden_terminal& operator=(hidden_terminal const&) = delete;

  [[nodiscard]] bool ready() const { return ready_; }
  /// False at the end.
  bool next(char& c) const {
    for (;;) {
      auto const n = ::read(fd_, &c, 1);
      if (n == 1) return true;
      if (n == 0 || errno != EINTR) return false;
    }
  }

 private:
  int fd_;
  termios before_{};
  bool ready_ = false;
};

/// Takes the last character, of one byte or more, away.
void erase_last(std::string& text) {
  while (!text.empty()) {
    auto const c = static_cast<unsigned char>(text.back());
    text.pop_back();
    if ((c & 0xc0) != 0x80) return;
  }
}

enum class typing { goes_on, is_done, is_cancelled, is_at_end };

typing take(std::string& text, char c) {
  constexpr char end_of_text = 3;
  constexpr char end_of_transmission = 4;
  constexpr char erase_line = 21;
  if (c == '\n' || c == '\r') return typing::is_done;
  if (c == end_of_text) return typing::is_cancelled;
  if (c == end_of_transmission) return text.empty() ? typing::is_at_end : typing::is_done;
  if (c == '\b' || c == 0x7f)
    erase_last(text);
  else if (c == erase_line)
    secrets::wipe(text);
  else
    text += c;
  return typing::goes_on;
}

}  // namespace

bool can_ask() {
  return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

bool can_ask_beside_input() {
  if (isatty(STDERR_FILENO) != 1) return false;
  int const fd = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

result<std::string> ask_line(std::string_view question) {
  say(question);
  std::string line;
  if (!std::getline(std::cin, line)) {
    say("\n");
    return end_of_input();
  }
  auto const first = line.find_first_not_of(" \t\r");
  auto const last = line.find_last_not_of(" \t\r");
  return first == line.npos ? std::string() : line.substr(first, last - first + 1);
}

result<bool> ask_yes_no(std::string_view question) {
  THV_TRY(auto const line, ask_line(question));
  auto const answer = detail::to_lower(line);
  return answer == "y" || answer == "yes";
}

result<std::string> ask_hidden(std::string_view question) {
  hidden_terminal const terminal;
  if (!terminal.ready()) return fail(errc::io, "there is no terminal to ask on");
  say(question);
  std::string text;
  text.reserve(1024);  // no half of it is left behind where it grew
  auto state = typing::goes_on;
  for (char c = 0; state == typing::goes_on;)
    state = terminal.next(c) ? take(text, c) : typing::is_at_end;
  say("\n");
  if (state == typing::is_done) return text;
  secrets::wipe(text);
  if (state == typing::is_cancelled) return fail(errc::cancelled, "interrupted");
  return end_of_input();
}

}  // namespace thv::cli
