// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <process/posix.hpp>
#include <string>
#include <string_view>
#include <vector>

/// What /proc tells about processes. A pid alone names nobody: it is used again later. A pid with
/// its start time and the boot it belongs to names one process for ever.
namespace thv::process {

struct identity {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  ///< clock ticks since boot
  std::string boot;              ///< the kernel's boot id

  friend bool operator==(identity const&, identity const&) = default;
};

/// `pid:start time:boot id`, unique for every start of every process.
[[nodiscard]] std::string to_string(identity const& who);

/// The fields of /proc/PID/stat that we use.
struct process_stat {
  char state = '?';
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  std::uint64_t start_time = 0;

  /// Neither a zombie nor dead.
  [[nodiscard]] bool running() const { return state != 'Z' && state != 'X' && state != 'x'; }
};

/// Reads the text of /proc/PID/stat. The name in parentheses may hold anything, also spaces and
/// parentheses.
[[nodiscard]] std::optional<process_stat> parse_stat(std::string_view text);

/// Splits the text of /proc/PID/environ.
[[nodiscard]] std::map<std::string, std::string> parse_environment(std::string_view text);

[[nodiscard]] std::string const& boot_id();
[[nodiscard]] std::optional<process_stat> read_stat(pid_t pid);
[[nodiscard]] std::optional<identity> identify_process(pid_t pid);

/// Is this very process there and no zombie?
[[nodiscard]] bool is_running(identity const& who);

/// A pidfd of this very process: signals sent through it can reach nobody else. Empty when the
/// process is gone.
[[nodiscard]] descriptor open_process(identity const& who);

/// Has the process of a pidfd ended?
[[nodiscard]] bool has_ended(descriptor const& process);

/// Sends a signal through a pidfd; a process that is gone is no failure.
void send_signal(descriptor const& process, int signal);

/// A running process of this user with the environment it was started with.
struct process_entry {
  identity who;
  process_stat stat;
  std::map<std::string, std::string> environment;
};

/// All running processes of this user; `environment` is empty where the kernel doesn't let us
/// read it.
[[nodiscard]] std::vector<process_entry> own_processes();

/// The processes that carry `THV_INSTANCE=id` in their environment.
[[nodiscard]] std::vector<process_entry> marked_processes(std::string const& id);

/// The one among processes of an instance that the others descend from: a session leader if there
/// is one, else the oldest. `entries` isn't empty.
[[nodiscard]] process_entry const& leader_of(std::vector<process_entry> const& entries);

}  // namespace thv::process
