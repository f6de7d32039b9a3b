// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/revival.hpp>

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace thv::gateway {

namespace json = boost::json;

namespace {

json::value parsed(std::string_view text) {
  json::error_code problem;
  auto value = json::parse(text, problem);
  return problem ? json::value() : value;
}

error unavailable(std::string message, std::string hint = {}) {
  return fail(errc::unavailable, std::move(message), std::move(hint));
}

std::string how_to_start(store::workload_record const& record) {
  return fmt::format("thv-engine start {}", record.name);
}

/// Which start of an instance ended.
std::string start_of(plugin::instance const& seen) {
  return fmt::format("{}@{}", seen.id, seen.started_at);
}

std::chrono::milliseconds uptime(plugin::instance const& seen) {
  using namespace std::chrono;
  auto const now = duration_cast<milliseconds>(system_clock::now().time_since_epoch());
  return std::max(now - milliseconds(seen.started_at), milliseconds(0));
}

error comes_back(store::workload_record const& record, std::string const& why,
                 std::chrono::milliseconds wait) {
  return unavailable(fmt::format("'{}' ended{}; it is started again in {} s", record.name,
                                 why.empty() ? "" : " (" + why + ")", (wait.count() + 999) / 1000));
}

}  // namespace

std::int64_t machine_start() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    std::int64_t seconds = 0;
    if (word == "btime" && file >> seconds) return seconds * 1000;
  }
  return 0;
}

member member_of(store::workload_record const& record, store::catalogue_record const* catalogue) {
  member m;
  m.name = record.name;
  m.group = record.group;
  m.transport = record.config.transport;
  m.streams = streams(record.config);
  m.wanted_running = record.wanted_running;
  m.on_demand = record.config.on_demand;
  m.idle_timeout = std::chrono::milliseconds(record.config.idle_timeout_ms);
  if (record.session_key.empty() || record.initialize_result.empty()) return m;
  m.known.session_key = record.session_key;
  m.known.initialize_result = record.initialize_result;
  m.known.revision = revision_of(record.initialize_result);
  if (catalogue == nullptr || catalogue->session_key != record.session_key) return m;
  m.known.lists = catalogue->lists;
  if (!catalogue->revision.empty()) m.known.revision = catalogue->revision;
  return m;
}

bool streams(run_config const& config) {
  return config.transport == transport::stdio && config.origin().kind != source_kind::url;
}

std::string revision_of(std::string_view initialize_result) {
  auto const value = parsed(initialize_result);
  auto const* const object = value.if_object();
  if (object == nullptr) return {};
  if (auto const* said = object->if_contains("protocolVersion"); said && said->is_string())
    return std::string(said->get_string());
  return object->contains("supportedVersions") ? "2026-07-28" : "";
}

std::vector<std::string> tool_names(std::string_view tools_list) {
  std::vector<std::string> names;
  auto const value = parsed(tools_list);
  auto const* const object = value.if_object();
  auto const* const tools = object ? object->if_contains("tools") : nullptr;
  if (tools == nullptr || !tools->is_array()) return names;
  for (auto const& tool : tools->get_array())
    if (auto const* one = tool.if_object())
      if (auto const* name = one->if_contains("name"); name && name->is_string())
        names.emplace_back(name->get_string());
  return names;
}

bool is_up(std::optional<plugin::instance> const& seen) {
  if (!seen) return false;
  // One that its daemon has just started again is in error until it has proved itself, and runs.
  bool const settling = seen->state == workload_state::error && seen->pid > 0 && !seen->exit_code;
  return settling || seen->state == workload_state::running ||
         seen->state == workload_state::unhealthy || seen->state == workload_state::unauthenticated;
}

void close_stream(plugin::stream const& stream) {
  ::close(stream.read_fd);
  if (stream.write_fd != stream.read_fd) ::close(stream.write_fd);
}

result<void> may_start(revival_case const& dead, supervisor& pace) {
  auto const& record = dead.record;
  auto const now = supervisor::time_point::clock::now();
  if (!record.wanted_running)
    return unavailable(fmt::format("'{}' is stopped", record.name), how_to_start(record));
  if (dead.being_changed)
    return fail(errc::conflict, fmt::format("'{}' is being changed by a command", record.name),
                "try again");
  if (!dead.seen) return does_not_run(record, dead.seen);
  auto const& seen = *dead.seen;
  if (seen.state == workload_state::starting)
    return unavailable(fmt::format("'{}' is starting", record.name));
  bool const rebooted = seen.started_at < dead.booted_at;
  if (!record.config.on_demand && !dead.supervised_by_us) return does_not_run(record, dead.seen);
  if (!record.config.on_demand && rebooted && !dead.autostart)
    return unavailable(
        fmt::format("'{}' does not run since the machine was restarted", record.name),
        fmt::format("{}; with 'autostart = true' in [groups.{}] it returns by itself",
                    how_to_start(record), record.group));
  // That it sleeps, or went down with the machine, is no end of its own.
  auto const wait = record.config.on_demand || rebooted
                        ? pace.wait(record.name, now)
                        : pace.found_dead(record.name, start_of(seen), uptime(seen), now);
  if (wait.count() > 0) return comes_back(record, seen.message, wait);
  return {};
}

error does_not_run(store::workload_record const& record,
                   std::optional<plugin::instance> const& seen) {
  if (!seen)
    return unavailable(
        fmt::format("the instance of '{}' is gone from runtime '{}'", record.name, record.runtime),
        how_to_start(record));
  return unavailable(fmt::format("'{}' does not run{}", record.name,
                                 seen->message.empty() ? "" : " (" + seen->message + ")"),
                     how_to_start(record));
}

error unreachable(store::workload_record const& record, error const& why) {
  if (why.code == errc::cancelled || why.code == errc::timeout) return why;
  auto e = unavailable(fmt::format("'{}' cannot be reached: {}", record.name, to_string(why)));
  e.hint = why.hint;
  return e;
}

error waits_for_secret(store::workload_record const& record, std::string const& secret) {
  return unavailable(
      fmt::format("'{}' is waiting for secret {}", record.name, secret),
      fmt::format("'thv-engine secret set {}' gives it a value; if the secrets are locked, "
                  "'thv-engine secret unlock' opens them",
                  secret));
}

std::optional<error> start_failure(plan::report const& report, std::string const& name) {
  if (report.failure) return report.failure;
  for (auto const& m : report.members) {
    if (m.name != name || !m.failure) continue;
    if (m.failure->code == errc::cancelled) return m.failure;
    auto e = unavailable(fmt::format("'{}' could not be started: {}", name, to_string(*m.failure)));
    e.hint = m.failure->hint;
    return e;
  }
  return std::nullopt;
}

std::chrono::milliseconds time_left(plugin::call const& c, std::chrono::milliseconds longest) {
  auto const now = std::chrono::steady_clock::now();
  if (c.deadline - now > longest) return longest;
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(c.deadline - now),
                  std::chrono::milliseconds(1));
}

void pause(plugin::call const& c) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, c.stop, c.deadline, [] { return false; });
}

}  // namespace thv::gateway
