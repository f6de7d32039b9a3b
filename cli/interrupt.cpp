// SPDX-License-Identifier: Apache-2.0
#include "interrupt.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace thv::cli {

namespace {

// A signal handler reaches nothing but globals.
int signal_pipe[2] = {-1, -1};
volatile std::sig_atomic_t signals_seen = 0;
struct sigaction previous_interrupt;
struct sigaction previous_terminate;

void on_signal(int) {
  if (signals_seen != 0) _exit(130);
  signals_seen = 1;
  int const saved = errno;
  char const byte = 's';
  [[maybe_unused]] auto const written = write(signal_pipe[1], &byte, 1);
  errno = saved;
}

}  // namespace

interrupt_guard::interrupt_guard(std::function<void()> on_first) : on_first_(std::move(on_first)) {
  if (pipe2(signal_pipe, O_CLOEXEC) != 0) throw std::runtime_error("no pipe for signals");
  signals_seen = 0;
  waiting_ = std::thread([this] {
    char byte = 0;
    ssize_t got = 0;
    while ((got = read(signal_pipe[0], &byte, 1)) < 0 && errno == EINTR) {
    }
    if (got != 1 || byte != 's') return;
    if (on_first_) on_first_();
    source_.request_stop();
  });
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, &previous_interrupt);
  sigaction(SIGTERM, &action, &previous_terminate);
}

interrupt_guard::~interrupt_guard() {
  sigaction(SIGINT, &previous_interrupt, nullptr);
  sigaction(SIGTERM, &previous_terminate, nullptr);
  char const byte = 'q';
  [[maybe_unused]] auto const written = write(signal_pipe[1], &byte, 1);
  waiting_.join();
  close(signal_pipe[0]);
  close(signal_pipe[1]);
}

}  // namespace thv::cli
