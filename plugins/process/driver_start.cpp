// SPDX-License-Identifier: Apache-2.0
// How an instance comes to run: its name and port, its record, its process.
#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <process/attach.hpp>
#include <process/driver.hpp>
#include <process/environment.hpp>
#include <process/launch.hpp>
#include <process/log_file.hpp>
#include <process/ports.hpp>
#include <process/terminate.hpp>

namespace thv::process {

/// Undoing goes on after a deadline or Ctrl-C, but not for ever.
static plugin::call undo_call() {
  plugin::call c;
  c.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(15);
  return c;
}

/// errc::conflict if another instance has the name. Called under the lock of the names.
result<void> driver::check_name(plugin::workload_spec const& spec) {
  for (auto const& id : state_.ids()) {
    auto const other = state_.load(id);
    if (!other || id == spec.replaces || other->spec.name != spec.name) continue;
    if (!other->displaced_by.empty()) continue;
    return fail(errc::conflict,
                "the name '" + spec.name + "' is held by the local process '" + id +
                    "' of the group '" + other->spec.group + "'",
                "stop and remove it first");
  }
  for (auto const& entry : own_processes()) {
    auto const value = [&](char const* key) {
      auto const found = entry.environment.find(key);
      return found == entry.environment.end() ? std::string() : found->second;
    };
    auto const id = value("THV_INSTANCE");
    if (value("THV_WORKLOAD") != spec.name || value("THV_STORE") != spec.store || id.empty())
      continue;
    if (state_.load(id)) continue;
    return fail(errc::conflict,
                "the name '" + spec.name + "' is held by process " + std::to_string(entry.who.pid) +
                    ", whose record is lost",
                "remove the instance '" + id + "' first");
  }
  return {};
}

result<std::uint16_t> driver::choose_port(plugin::workload_spec const& spec) {
  if (spec.transport == transport::stdio) return std::uint16_t{0};
  if (spec.target_port != 0) return spec.target_port;
  if (!spec.replaces.empty()) {
    auto const replaced = state_.load(spec.replaces);
    if (replaced && replaced->port != 0) return replaced->port;
  }
  std::set<std::uint16_t> taken;
  for (auto const& id : state_.ids())
    if (auto const other = state_.load(id)) taken.insert(other->port);
  return free_port(taken);
}

/// Gives the workload its name, id and port, and writes that down before anything runs.
result<record> driver::reserve(plugin::call const& c, plugin::workload_spec const& spec) {
  auto const names = state_.lock_names(c);
  if (!names) return names.error();
  if (!spec.replaces.empty())
    if (auto const replaced = state_.load(spec.replaces); !replaced) return replaced.error();
  if (auto checked = check_name(spec); !checked) return std::move(checked).error();
  auto const port = choose_port(spec);
  if (!port) return port.error();
  record r;
  r.id = spec.name + "-" + random_token();
  r.spec = without_secrets(spec);
  r.port = *port;
  r.created_at = now_milliseconds();
  if (auto saved = state_.save(r); !saved) {
    undo(r.id, {});
    return std::move(saved).error();
  }
  return r;
}

/// What is executed for an instance, with its streams on its log.
static launch_request member_request(record const& r, environment_map const& values,
                                     program_line const& line, std::string const& log) {
  auto spec = r.spec;
  spec.environment = values;
  launch_request request;
  request.program = line.program;
  request.arguments = line.arguments;
  auto const own = r.port == 0 ? spec.arguments : with_port(spec.arguments, r.port);
  request.arguments.insert(request.arguments.end(), own.begin(), own.end());
  auto const variables = member_environment(current_environment(), spec, r.id, r.port);
  request.environment = to_lines(variables);
  auto const home = variables.find("HOME");
  request.working_directory = home != variables.end() && exists(home->second) ? home->second : "/";
  request.input = {"/dev/null", O_RDONLY, -1};
  request.output = request.error = {log, O_WRONLY | O_APPEND | O_CREAT, -1};
  return request;
}

/// Starts an instance whose record is written, with its secrets in their places.
result<void> driver::launch_member(record& r, member_values const& values,
                                   program_line const& line) {
  if (values.files.empty()) return execute_member(r, values.environment, line);
  auto const placed = files_.write(r.id, values.files, common::secret_files::readers::owner);
  if (!placed) return placed.error();
  auto variables = values.environment;
  for (auto const& [key, path] : placed->paths) variables[key] = path;
  auto done = execute_member(r, variables, line);
  if (!done) (void)files_.remove(r.id).has_value();  // the failure that counts is the other
  return done;
}

/// Starts its process, and writes down which one it is.
result<void> driver::execute_member(record& r, environment_map const& values,
                                    program_line const& line) {
  auto const log = state_.log(r.id);
  bound_log(log);
  auto request = member_request(r, values, line, log);
  fifo_pair fifos;
  if (r.spec.transport == transport::stdio) {
    auto made = make_fifos(state_, r.id);
    if (!made) return std::move(made).error();
    fifos = *std::move(made);
    request.input = {state_.input(r.id), O_RDWR, -1};
    request.output = {state_.output(r.id), O_RDWR, -1};
  }
  r.who = {};
  r.wanted = true;
  r.exit_code.reset();
  r.exit_reason.clear();
  r.started_at = now_milliseconds();
  if (auto saved = state_.save(r); !saved) return saved;
  auto const pid = launch(request);
  if (!pid) return pid.error();
  r.who = identify_process(*pid).value_or(identity{*pid, 0, boot_id()});
  children_.add(r.who);
  auto saved = state_.save(r);
  if (!saved) {
    auto const ended = terminate(undo_call(), r.id, r.who, children_, std::chrono::seconds(1));
    if (!ended) saved.error().hint = "process " + std::to_string(*pid) + " may still run";
  }
  return saved;
}

/// Stops the instance that gives its name and port to `by`. It stays and can be started again.
result<void> driver::displace(plugin::call const& c, std::string const& id, std::string const& by) {
  auto const lock = state_.lock(c, id);
  if (!lock) return lock.error();
  auto loaded = state_.load(id);
  if (!loaded) return std::move(loaded).error();
  remember_secrets(*loaded);
  loaded->displaced_by = by;
  return stop_process(c, *loaded);
}

/// Keeps the secrets of a running member in memory, from the process that has them, so that it can
/// come back as it was when its replacement fails.
void driver::remember_secrets(record const& r) {
  if (r.spec.secret_names.empty()) return;
  auto const running = marked_processes(r.id);
  if (running.empty()) return;
  auto const targets = targets_of(r.spec.secret_names);
  auto const& seen = leader_of(running).environment;
  member_values values{r.spec.environment, {}};
  for (auto const& key : targets.values)
    if (auto const found = seen.find(key); found != seen.end())
      values.environment[key] = found->second;
  if (!targets.files.empty()) {
    auto files = files_.read(r.id, targets.files);
    if (!files) return;
    values.files = *std::move(files);
  }
  std::lock_guard const guard(mutex_);
  secrets_.emplace(r.id, std::move(values));
}

void driver::forget_secrets(std::string const& id) {
  std::lock_guard const guard(mutex_);
  secrets_.erase(id);
}

/// Files of instances that are gone: a command that was killed between two steps leaves them.
void driver::remove_leftovers() {
  auto const unused = files_.unused();
  if (unused.empty()) return;
  auto const known = state_.ids();
  for (auto const& one : unused) {
    bool const is_known = std::binary_search(known.begin(), known.end(), one.instance);
    if (is_known || !marked_processes(one.instance).empty()) continue;
    if (!files_.remove(one.instance)) return;  // tried again at the next deploy
  }
}

/// What it was given, if this runtime object knows it, no secret is needed, or all that are needed
/// are files that are still there (its process ended by itself).
result<driver::member_values> driver::full_values(record const& r) {
  {
    std::lock_guard const guard(mutex_);
    auto const known = secrets_.find(r.id);
    if (known != secrets_.end()) return known->second;
  }
  if (r.spec.secret_names.empty()) return member_values{r.spec.environment, {}};
  auto const targets = targets_of(r.spec.secret_names);
  if (targets.values.empty())
    if (auto files = files_.read(r.id, targets.files))
      return member_values{r.spec.environment, *std::move(files)};
  return fail(errc::unsupported,
              "'" + r.spec.name +
                  "' has secrets, whose values are kept on no disk: it cannot be "
                  "started again as it is",
              "deploy it again with the values");
}

/// Gives a stopped instance its name back, from whoever displaced it.
result<void> driver::take_name(plugin::call const& c, record& r) {
  if (!r.displaced_by.empty()) {
    auto const holder = r.displaced_by;
    auto done = displace(c, holder, r.id);
    if (!done && done.error().code != errc::not_found) return done;
  }
  auto const names = state_.lock_names(c);
  if (!names) return names.error();
  auto spec = r.spec;
  spec.replaces = r.id;
  if (auto checked = check_name(spec); !checked) return checked;
  r.displaced_by.clear();
  return state_.save(r);
}

result<record> driver::start_locked(plugin::call const& c, record r) {
  if (is_running(find_process(r)) && r.displaced_by.empty()) return r;
  if (auto over = interrupted(c, "starting '" + r.spec.name + "'")) return *over;
  auto const values = full_values(r);
  if (!values) return values.error();
  auto const line = resolve_program(c, installer(), r.spec.source);
  if (!line) return line.error();
  if (auto taken = take_name(c, r); !taken) return std::move(taken).error();
  if (is_running(find_process(r))) return r;
  // What an earlier run left behind must not meet the new one on its port.
  auto ended = terminate(c, r.id, r.who, children_);
  if (!ended) return std::move(ended).error();
  if (r.port != 0)
    if (auto checked = check_port(r.port); !checked) return std::move(checked).error();
  auto launched = launch_member(r, *values, *line);
  if (!launched) return std::move(launched).error();
  return r;
}

/// Leaves things as they were before a deploy that failed.
void driver::undo(std::string const& id, std::string const& replaced) {
  auto const c = undo_call();
  if (auto const made = state_.load(id))
    if (!terminate(c, id, made->who, children_, std::chrono::seconds(1))) return;
  forget_secrets(id);
  if (!files_.remove(id) || !state_.erase(id) || replaced.empty()) return;
  auto loaded = state_.load(replaced);
  if (!loaded || loaded->displaced_by != id) return;
  if (auto const started = start(c, replaced)) return;
  loaded->displaced_by.clear();  // stopped, but `start` has its name
  if (!state_.save(*loaded)) return;
}

}  // namespace thv::process
