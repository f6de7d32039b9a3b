// SPDX-License-Identifier: Apache-2.0
// The one file that knows Boost.Process. v2 of Boost 1.81 forks, executes and reports the errno of
// a failed execve through a pipe; three of its habits do not suit a host with threads, and the
// initializer below puts them right in the child, with async-signal-safe calls only:
//  - it closes descriptors above the highest of its list only (a loop there compares an element
//    with itself): close_range marks all of them close-on-exec here;
//  - on failure it calls exit(), which would run the host's exit handlers and flush its buffers a
//    second time: we leave by _exit();
//  - it looks for on_exec_error with five arguments and calls it with four: both are here.
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/src.hpp>
#include <cerrno>
#include <process/launch.hpp>
#include <process/posix.hpp>

namespace thv::process {
namespace {

namespace bp = boost::process::v2;

/// What failed before execve, packed above the errno in the one integer that the pipe carries.
enum class step : int { execute = 0, session = 1, directory = 2, input = 3, output = 4, error = 5 };
constexpr int step_shift = 16;

/// The child's side. Holds pointers made before the fork; allocates nothing after it.
class child_setup {
 public:
  explicit child_setup(launch_request const& request)
      : directory_(request.working_directory.c_str()),
        streams_{&request.input, &request.output, &request.error} {}

  template <class Launcher, class Path>
  bp::error_code on_exec_setup(Launcher& launcher, Path const&, char const* const*&) {
    int const report = launcher.fd_whitelist.back();
    if (::setsid() < 0) leave(report, step::session);
    if (*directory_ != '\0' && ::chdir(directory_) != 0) leave(report, step::directory);
    for (int target = 0; target < 3; ++target)
      if (!connect(*streams_[static_cast<std::size_t>(target)], target))
        leave(report, static_cast<step>(static_cast<int>(step::input) + target));
    ::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    return {};
  }

  template <class Launcher, class Path>
  void on_exec_error(Launcher&, Path const&, char const* const*&, bp::error_code const&) {
    ::_exit(127);
  }
  /// Never called: it is what the launcher looks for (see the top of this file).
  template <class Launcher, class Path>
  void on_exec_error(Launcher&, bp::error_code const&, Path const&, char const* const*&,
                     bp::error_code const&) {}

 private:
  static bool connect(standard_stream const& stream, int target) {
    if (stream.path.empty()) return ::dup2(stream.fd, target) == target;
    int const fd = ::open(stream.path.c_str(), stream.flags | O_CLOEXEC | O_NOCTTY, 0600);
    return fd >= 0 && ::dup2(fd, target) == target;
  }

  [[noreturn]] static void leave(int report, step where) {
    int const packed = errno | (static_cast<int>(where) << step_shift);
    if (::write(report, &packed, sizeof packed) < 0) ::_exit(126);
    ::_exit(127);
  }

  char const* directory_;
  std::array<standard_stream const*, 3> streams_;
};

/// A host that closed its own standard descriptors would see ours land on 0 to 2, where the child
/// puts its streams: fill them.
void fill_standard_descriptors() {
  for (;;) {
    int const fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    if (fd > 2) {
      ::close(fd);
      return;
    }
  }
}

/// Signals wait while we fork, so that none of the host's handlers runs in the child.
class signals_blocked {
 public:
  signals_blocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  signals_blocked(signals_blocked const&) = delete;

 private:
  sigset_t before_{};
};

error launch_failure(launch_request const& request, int packed) {
  int const number = packed & ((1 << step_shift) - 1);
  auto const subject = [&]() -> std::string {
    switch (static_cast<step>(packed >> step_shift)) {
      case step::execute:
        return "cannot run '" + request.program + "'";
      case step::session:
        return "cannot make a session for '" + request.program + "'";
      case step::directory:
        return "cannot enter the folder '" + request.working_directory + "'";
      case step::input:
        return "cannot open '" + request.input.path + "' as standard input";
      case step::output:
        return "cannot open '" + request.output.path + "' as standard output";
      case step::error:
        return "cannot open '" + request.error.path + "' as standard error";
    }
    return "cannot run '" + request.program + "'";
  }();
  auto failure = system_failure(number, subject);
  if (packed >> step_shift == 0 && number == ENOENT && exists(request.program))
    failure.hint = "the file is there, but the interpreter that it names is not";
  if (packed >> step_shift == 0 && number == ENOEXEC)
    failure.hint = "it is neither a program of this machine nor a script with a #! line";
  return failure;
}

}  // namespace

result<pid_t> launch(launch_request const& request) {
  fill_standard_descriptors();
  std::vector<char const*> environment;
  environment.reserve(request.environment.size() + 1);
  for (auto const& entry : request.environment) environment.push_back(entry.c_str());
  environment.push_back(nullptr);

  boost::asio::io_context context;
  bp::posix::default_launcher launcher;
  launcher.env = environment.data();
  bp::error_code failure;
  signals_blocked const quiet;
  auto process = launcher(context.get_executor(), failure, bp::filesystem::path(request.program),
                          request.arguments, child_setup(request));
  if (failure) {
    if (launcher.pid > 0) ::waitpid(launcher.pid, nullptr, 0);
    return launch_failure(request, failure.value());
  }
  pid_t const pid = process.id();
  process.detach();
  return pid;
}

}  // namespace thv::process
