// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <process/terminate.hpp>

namespace thv::process {
namespace {

using clock = std::chrono::steady_clock;

bool carries_mark(process_entry const& entry, std::string const& id) {
  auto const mark = entry.environment.find("THV_INSTANCE");
  return mark != entry.environment.end() && mark->second == id;
}

/// A process that is being ended, held so that its number can't become another's.
struct held {
  identity who;
  descriptor process;
};

/// Adds the members that are not held yet, sends each of them `signal`, and forgets those that
/// ended.
void hold_members(std::vector<held>& members, std::string const& id, identity const& leader,
                  int signal) {
  std::erase_if(members, [](held const& m) { return has_ended(m.process); });
  for (auto const& entry : members_of(id, leader)) {
    auto const same = [&](held const& m) { return m.who == entry.who; };
    if (std::any_of(members.begin(), members.end(), same)) continue;
    auto process = open_process(entry.who);
    if (!process) continue;
    send_signal(process, signal);
    members.push_back({entry.who, std::move(process)});
  }
}

/// Returns when one of them ended, at the latest after `milliseconds`.
void wait_for_any(std::vector<held> const& members, int milliseconds) {
  std::vector<pollfd> ends;
  for (auto const& m : members) ends.push_back({m.process.get(), POLLIN, 0});
  ::poll(ends.data(), ends.size(), milliseconds);
}

/// Leave room for the killing before the deadline.
clock::time_point end_of_grace(plugin::call const& c, std::chrono::milliseconds grace) {
  auto const wanted = clock::now() + grace;
  if (c.deadline == clock::time_point::max()) return wanted;
  return std::min(wanted, c.deadline - std::chrono::milliseconds(300));
}

}  // namespace

std::vector<process_entry> members_of(std::string const& id, identity const& leader) {
  return members_among(own_processes(), id, leader);
}

std::vector<process_entry> members_among(std::vector<process_entry> entries, std::string const& id,
                                         identity const& leader) {
  // A session's number stays taken while any of its processes lives. It is ours while the leader
  // lives, or a marked process in it does.
  bool const session_is_ours =
      leader.pid > 0 && leader.boot == boot_id() &&
      (is_running(leader) ||
       std::any_of(entries.begin(), entries.end(), [&](process_entry const& entry) {
         return entry.stat.session == leader.pid && carries_mark(entry, id);
       }));
  std::erase_if(entries, [&](process_entry const& entry) {
    bool const in_session = session_is_ours && entry.stat.session == leader.pid;
    return !in_session && !carries_mark(entry, id);
  });
  return entries;
}

result<void> terminate(plugin::call const& c, std::string const& id, identity const& leader,
                       children& ours, std::chrono::milliseconds grace) {
  std::vector<held> members;
  auto const end = end_of_grace(c, grace);
  auto give_up = clock::time_point::max();
  int signal = SIGTERM;
  for (;;) {
    ours.reap(leader);
    hold_members(members, id, leader, signal);
    if (members.empty()) return {};
    if (c.stop.stop_requested())
      return fail(errc::cancelled, "stopping '" + id + "': cancelled while it was ending");
    auto const now = clock::now();
    if (now >= give_up)
      return fail(errc::timeout, "stopping '" + id + "': a process does not end, even killed");
    if (signal == SIGTERM && now >= end) {
      signal = SIGKILL;
      give_up = now + std::chrono::seconds(3);
      for (auto const& m : members) send_signal(m.process, SIGKILL);
    }
    wait_for_any(members, 50);
  }
}

}  // namespace thv::process
