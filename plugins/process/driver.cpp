// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/utsname.h>

#include <cerrno>
#include <process/attach.hpp>
#include <process/driver.hpp>
#include <process/environment.hpp>
#include <process/log_file.hpp>
#include <process/ports.hpp>
#include <process/terminate.hpp>
#include <set>
#include <thv/plugin/adapter.hpp>

namespace thv::process {

static_assert(plugin::runtime_class<driver>);

result<std::unique_ptr<driver>> driver::create(plugin::host_context const& host) {
  auto chosen = parse_settings(host.runtime_name, host.settings);
  if (!chosen) return std::move(chosen).error();
  if (!exists("/proc/self/stat"))
    return fail(errc::unavailable, "local processes need /proc, which is not mounted here");
  return std::unique_ptr<driver>(new driver(host, *std::move(chosen)));
}

driver::driver(plugin::host_context const& host, settings chosen)
    : state_(host.state_directory),
      cache_directory_(host.cache_directory),
      store_(host.store),
      settings_(std::move(chosen)),
      files_(host.store, host.runtime_name) {}

install_context driver::installer() const {
  return {cache_directory_, settings_, installer_environment(current_environment())};
}

result<plugin::fingerprint> driver::identify(plugin::call const&) {
  utsname system{};
  ::uname(&system);
  plugin::fingerprint print;
  print.engine = "local processes";
  print.version = std::string(system.sysname) + " " + system.release;
  print.runs = {source_kind::npm, source_kind::pypi, source_kind::program};
  print.bare_host = true;
  print.secret_files = files_.check().has_value();
  return print;
}

result<void> driver::prepare(plugin::call const& c, plugin::workload_spec const& spec) {
  auto const line = resolve_program(c, installer(), spec.source);
  if (!line) return line.error();
  return {};
}

result<plugin::instance> driver::deploy(plugin::call const& c, plugin::workload_spec const& spec) {
  if (auto over = interrupted(c, "deploying '" + spec.name + "'")) return *over;
  if (!spec.publish.empty())
    return fail(errc::unsupported,
                "'" + spec.name + "' asks to publish ports, but a local process opens its own",
                "leave the published ports out, or use a container runtime");
  if (!spec.secret_files.empty())
    if (auto able = files_.check(); !able) return std::move(able).error();
  auto const line = resolve_program(c, installer(), spec.source);
  if (!line) return line.error();
  remove_leftovers();
  auto reserved = reserve(c, spec);
  if (!reserved) return std::move(reserved).error();
  auto& r = *reserved;
  auto const lock = state_.lock(c, r.id);
  if (!lock) {
    undo(r.id, {});
    return lock.error();
  }
  member_values const values{spec.environment, spec.secret_files};
  {
    std::lock_guard const guard(mutex_);
    secrets_[r.id] = values;
  }
  result<void> done;
  if (!spec.replaces.empty()) done = displace(c, spec.replaces, r.id);
  if (done && spec.transport != transport::stdio && spec.target_port != 0)
    done = check_port(r.port);
  if (done) done = launch_member(r, values, *line);
  if (done) return to_instance(r);
  undo(r.id, spec.replaces);
  return std::move(done).error();
}

result<plugin::instance> driver::start(plugin::call const& c, std::string const& id) {
  auto const lock = state_.lock(c, id);
  if (!lock) return lock.error();
  auto loaded = state_.load(id);
  if (!loaded) return std::move(loaded).error();
  auto started = start_locked(c, *std::move(loaded));
  if (!started) return std::move(started).error();
  return to_instance(*started);
}

result<void> driver::stop(plugin::call const& c, std::string const& id) {
  auto const lock = state_.lock(c, id);
  if (!lock) {
    if (lock.error().code == errc::not_found) return stop_orphan(c, id);
    return lock.error();
  }
  auto loaded = state_.load(id);
  if (!loaded && loaded.error().code == errc::not_found) return {};
  if (!loaded) return stop_orphan(c, id);
  remember_secrets(*loaded);
  return stop_process(c, *loaded);
}

result<void> driver::remove(plugin::call const& c, std::string const& id) {
  auto const lock = state_.lock(c, id);
  if (!lock) {
    if (lock.error().code == errc::not_found) return stop_orphan(c, id);
    return lock.error();
  }
  auto loaded = state_.load(id);
  auto const stopped =
      loaded ? terminate(c, id, find_process(*loaded), children_) : stop_orphan(c, id);
  if (!stopped) return stopped;
  forget_secrets(id);
  if (auto removed = files_.remove(id); !removed) return removed;
  return state_.erase(id);
}

result<plugin::instance> driver::inspect(plugin::call const&, std::string const& id) {
  auto const loaded = state_.load(id);
  if (loaded) return to_instance(*loaded);
  if (loaded.error().code == errc::corrupt) return unreadable(id, loaded.error());
  if (auto found = find_orphan(id)) return *std::move(found);
  return loaded.error();
}

result<std::vector<plugin::instance>> driver::list(plugin::call const&) {
  std::vector<plugin::instance> found;
  std::set<std::string> known;
  auto processes = own_processes();
  for (auto const& id : state_.ids()) {
    auto const loaded = state_.load(id);
    if (!loaded && loaded.error().code == errc::not_found) continue;  // removed meanwhile
    known.insert(id);
    found.push_back(loaded ? to_instance(*loaded, &processes) : unreadable(id, loaded.error()));
  }
  std::map<std::string, std::vector<process_entry>> others;
  for (auto& entry : processes) {
    auto const mark = entry.environment.find("THV_INSTANCE");
    if (mark == entry.environment.end() || known.count(mark->second) != 0) continue;
    // Another store's are not ours to show: names of two stores do not meet on this runtime.
    auto const store = entry.environment.find("THV_STORE");
    if (store == entry.environment.end() || store->second != store_ || !is_id(mark->second))
      continue;
    if (!is_running(entry.who)) continue;  // its record was removed since
    others[mark->second].push_back(std::move(entry));
  }
  for (auto const& [id, entries] : others) found.push_back(orphan(entries));
  return found;
}

result<plugin::stream> driver::attach(plugin::call const&, std::string const& id) {
  auto loaded = state_.load(id);
  if (!loaded) return std::move(loaded).error();
  if (loaded->spec.transport != transport::stdio)
    return fail(errc::unsupported, "'" + id + "' speaks HTTP: it has no stream to attach to");
  auto const who = find_process(*loaded);
  if (!is_running(who)) return not_running(*loaded);
  bound_log(state_.log(id));
  return attach_stream(state_, id, who);
}

result<plugin::endpoint> driver::where(plugin::call const&, std::string const& id) {
  auto loaded = state_.load(id);
  if (!loaded) return std::move(loaded).error();
  if (loaded->spec.transport == transport::stdio)
    return fail(errc::unsupported, "'" + id + "' speaks over stdio: it has no address");
  if (!is_running(find_process(*loaded))) return not_running(*loaded);
  plugin::endpoint place;
  place.url = "http://127.0.0.1:" + std::to_string(loaded->port) +
              (loaded->spec.transport == transport::sse ? "/sse" : "/mcp");
  return place;
}

}  // namespace thv::process
