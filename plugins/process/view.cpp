// SPDX-License-Identifier: Apache-2.0
// How records and processes look to the engine, and how they end.
#include <process/attach.hpp>
#include <process/driver.hpp>
#include <process/log_file.hpp>
#include <process/ports.hpp>
#include <process/terminate.hpp>

namespace thv::process {

/// The process of a record: the one written down, or, when the command that started it was killed
/// before it could write, the one that carries its mark.
identity driver::find_process(record const& r) {
  if (r.who.pid != 0 || r.started_at == 0) return r.who;
  auto const marked = marked_processes(r.id);
  return marked.empty() ? identity{} : leader_of(marked).who;
}

/// Puts how the process ended into the record, if we are its parent and it has. False if there is
/// nothing new.
bool driver::note_exit(record& r) {
  if (r.exit_code) return false;
  auto const report = children_.reap(r.who);
  if (!report) return false;
  r.exit_code = report->code;
  r.exit_reason = report->reason;
  return true;
}

/// Writes the exit down for others who ask. While somebody changes the instance it waits for the
/// next look: `children_` keeps it.
void driver::write_exit(record const& r) {
  auto const lock = file_lock::try_take(state_.folder(r.id) + "/lock");
  if (!lock || !*lock) return;
  auto now = state_.load(r.id);
  if (!now || now->who != r.who) return;
  now->exit_code = r.exit_code;
  now->exit_reason = r.exit_reason;
  (void)state_.save(*now).has_value();  // a full disk loses the words, no more
}

/// errc::exited with how it ended.
error driver::not_running(record& r) {
  note_exit(r);
  return fail(errc::exited, "'" + r.spec.name + "' is not running" +
                                (r.exit_reason.empty() ? "" : ": it " + r.exit_reason));
}

std::vector<std::string> driver::notes(record const& r, identity const& who,
                                       std::vector<process_entry> const* processes) {
  std::vector<std::string> found;
  if (r.spec.transport == transport::stdio) {
    if (is_full(state_.output(r.id)) && !is_attached(state_, r.id))
      found.push_back("waiting for a reader");
    return found;
  }
  std::vector<int> pids;
  auto all = processes != nullptr ? *processes : own_processes();
  for (auto const& member : members_among(std::move(all), r.id, who))
    pids.push_back(member.who.pid);
  for (auto const& listener : listeners_of(pids))
    if (!listener.loopback)
      found.push_back("listens on " +
                      std::string(listener.address == "0.0.0.0" || listener.address == "[::]"
                                      ? "all interfaces"
                                      : "an interface beyond loopback") +
                      " (" + listener.address + ":" + std::to_string(listener.port) + ")");
  return found;
}

plugin::instance driver::to_instance(record const& given,
                                     std::vector<process_entry> const* processes) {
  auto r = given;
  if (note_exit(r)) write_exit(r);
  auto const who = find_process(r);
  plugin::instance made;
  made.id = r.id;
  made.workload = r.spec.name;
  made.group = r.spec.group;
  made.store = r.spec.store;
  made.config_hash = r.spec.config_hash;
  made.created_at = r.created_at;
  made.started_at = r.started_at;
  made.transport = r.spec.transport;
  made.port = r.port;
  made.package = r.spec.source.text;
  made.labels = r.spec.labels;
  made.secret_names = r.spec.secret_names;
  bound_log(state_.log(r.id));
  if (is_running(who)) {
    made.state = workload_state::running;
    made.pid = who.pid;
    made.session_key = to_string(who);
    made.notes = notes(r, who, processes);
    return made;
  }
  made.state = workload_state::stopped;
  made.exit_code = r.exit_code;
  made.message = r.exit_reason;
  if (r.who.pid == 0) {
    bool const underway = state_.is_locked(r.id);
    if (underway) made.state = workload_state::starting;
    made.message = underway ? "" : "the command that started it ended before it ran";
  } else if (r.who.boot != boot_id()) {
    made.message = "ended when the machine was restarted";
  } else if (made.message.empty()) {
    made.message = r.wanted ? "exited (status unknown)" : "stopped";
  }
  return made;
}

plugin::instance driver::unreadable(std::string const& id, error const& failure) const {
  plugin::instance made;
  made.id = id;
  made.workload = id.substr(0, id.rfind('-'));
  made.store = store_;
  made.state = workload_state::error;
  made.message = to_string(failure);
  return made;
}

plugin::instance driver::orphan(std::vector<process_entry> const& entries) const {
  auto const& leader = leader_of(entries);
  auto const value = [&](char const* key) {
    auto const found = leader.environment.find(key);
    return found == leader.environment.end() ? std::string() : found->second;
  };
  plugin::instance made;
  made.id = value("THV_INSTANCE");
  made.workload = value("THV_WORKLOAD");
  made.group = value("THV_GROUP");
  made.store = value("THV_STORE");
  made.state = workload_state::running;
  made.pid = leader.who.pid;
  made.session_key = to_string(leader.who);
  if (auto const spoken = parse_transport(value("MCP_TRANSPORT"))) made.transport = *spoken;
  if (made.transport != transport::stdio) {
    int const port = std::atoi(value("MCP_PORT").c_str());
    made.port = port > 0 && port < 65536 ? static_cast<std::uint16_t>(port) : 0;
  }
  if (made.store == store_) made.notes.push_back("found by its environment: its record is lost");
  return made;
}

std::optional<plugin::instance> driver::find_orphan(std::string const& id) const {
  auto const entries = marked_processes(id);
  if (entries.empty()) return std::nullopt;
  return orphan(entries);
}

/// Ends the processes of an instance and writes down that this was wanted. A full disk does not
/// keep a process alive: the writing is tried before (so that a watcher knows) and after.
result<void> driver::stop_process(plugin::call const& c, record& r) {
  auto const who = find_process(r);
  r.wanted = false;
  auto saved = state_.save(r);
  auto const ended = terminate(c, r.id, who, children_);
  if (!ended) return ended;
  bool const has_news = r.who != who;
  r.who = who;
  if (note_exit(r) || has_news || !saved) saved = state_.save(r);
  bound_log(state_.log(r.id));
  if (auto removed = files_.remove(r.id); !removed) return removed;
  return saved;
}

/// Ends processes that carry an id of ours but have no readable record; those of another store are
/// left alone.
result<void> driver::stop_orphan(plugin::call const& c, std::string const& id) {
  if (!is_id(id)) return {};
  auto const found = find_orphan(id);
  if (!found) return files_.remove(id);
  if (found->store != store_)
    return fail(errc::conflict,
                "the process instance '" + id + "' belongs to another store (" + found->store + ")",
                "use the store that made it");
  if (auto ended = terminate(c, id, {}, children_); !ended) return ended;
  return files_.remove(id);
}

}  // namespace thv::process
