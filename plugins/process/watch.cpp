// SPDX-License-Identifier: Apache-2.0
// Waiting for changes: of instances, and of a log.
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <process/driver.hpp>
#include <process/log_file.hpp>

namespace thv::process {

static constexpr int slice = 100;  // milliseconds until a stop token is looked at again

/// Tells when anything in a folder changes.
static descriptor watch_path(std::string const& path, std::uint32_t events) {
  descriptor changes(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ::inotify_add_watch(changes.get(), path.c_str(), events);
  return changes;
}

/// False if nothing happened.
static bool wait(plugin::call const& c, descriptor const& changes,
                 std::vector<descriptor> const& processes) {
  std::vector<pollfd> sources{{changes.get(), POLLIN, 0}};
  for (auto const& process : processes) sources.push_back({process.get(), POLLIN, 0});
  bool const happened = ::poll(sources.data(), sources.size(), slice_of(c, slice)) > 0;
  std::array<char, 4096> ignored;
  while (::read(changes.get(), ignored.data(), ignored.size()) > 0) continue;
  return happened;
}

std::map<std::string, driver::seen> driver::snapshot() {
  std::map<std::string, seen> found;
  for (auto const& id : state_.ids()) {
    auto loaded = state_.load(id);
    if (!loaded) continue;
    if (note_exit(*loaded)) write_exit(*loaded);
    auto const who = find_process(*loaded);
    found[id] = {loaded->spec.name, who, is_running(who), loaded->wanted, loaded->exit_code};
  }
  return found;
}

bool driver::tell_changes(std::map<std::string, seen> const& before,
                          std::map<std::string, seen> const& after,
                          std::function<bool(plugin::event const&)> const& sink) {
  auto const now = now_milliseconds();
  for (auto const& [id, old] : before) {
    auto const found = after.find(id);
    bool const is_gone = found == after.end();
    bool const ended =
        old.running && (is_gone || !(found->second.who == old.who) || !found->second.running);
    if (ended) {
      bool const wanted = !is_gone && found->second.wanted;
      auto const code = is_gone ? old.exit_code : found->second.exit_code;
      if (!sink({old.workload, id, wanted ? "die" : "stop", code, now})) return false;
    }
    if (is_gone && !sink({old.workload, id, "remove", std::nullopt, now})) return false;
  }
  for (auto const& [id, fresh] : after) {
    auto const found = before.find(id);
    bool const is_new =
        found == before.end() || !found->second.running || !(found->second.who == fresh.who);
    if (fresh.running && is_new && !sink({fresh.workload, id, "start", std::nullopt, now}))
      return false;
  }
  return true;
}

result<void> driver::watch(plugin::call const& c,
                           std::function<bool(plugin::event const&)> const& sink) {
  auto const changes = watch_path(state_.directory(), IN_ATTRIB | IN_CREATE | IN_DELETE);
  for (auto before = snapshot();;) {
    std::vector<descriptor> processes;
    for (auto const& [id, instance] : before)
      if (instance.running)
        if (auto process = open_process(instance.who)) processes.push_back(std::move(process));
    // The kernel tells every change; a look now and then is for a folder that was moved away.
    for (int quiet = 0; quiet < 20 && !wait(c, changes, processes); ++quiet)
      if (interrupted(c, "watch")) return {};
    if (interrupted(c, "watch")) return {};
    auto after = snapshot();
    if (!tell_changes(before, after, sink)) return {};
    before = std::move(after);
  }
}

result<void> driver::follow(plugin::call const& c, record const& r, int fd, std::int64_t offset,
                            std::function<bool(std::string_view)> const& sink) {
  auto const changes = watch_path(state_.log(r.id), IN_MODIFY);
  for (;;) {
    auto const who = find_process(r);
    std::vector<descriptor> process;
    if (auto running = open_process(who)) process.push_back(std::move(running));
    bool const has_ended = process.empty();
    auto const wants_more = feed_log(fd, &offset, sink);
    if (!wants_more) return wants_more.error();
    if (!*wants_more || has_ended) return {};
    if (auto over = interrupted(c, "following the log of '" + r.id + "'")) return *over;
    wait(c, changes, process);
    bound_log(state_.log(r.id));
  }
}

result<void> driver::logs(plugin::call const& c, std::string const& id,
                          plugin::log_options const& options,
                          std::function<bool(std::string_view)> const& sink) {
  auto const loaded = state_.load(id);
  if (!loaded) return loaded.error();
  auto const path = state_.log(id);
  bound_log(path);
  descriptor const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return {};  // never started
  if (!file) return system_failure(errno, "cannot read the log of '" + id + "'");
  auto offset = log_start(file.get(), options.tail);
  if (options.follow) return follow(c, *loaded, file.get(), offset, sink);
  auto const fed = feed_log(file.get(), &offset, sink);
  if (!fed) return fed.error();
  return {};
}

}  // namespace thv::process
