// SPDX-License-Identifier: Apache-2.0
#include "docker/driver.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "docker/container.hpp"
#include "docker/credentials.hpp"
#include "docker/frames.hpp"

namespace thv::docker {

namespace {

using clock = std::chrono::steady_clock;

void tell(plugin::call const& c, std::string const& words) {
  if (c.progress) c.progress(words);
}

/// Holds the lock of who is attached; the file holds the session's key while somebody is, so that
/// one killed in between is known by what it left.
struct attach_lease {
  explicit attach_lease(int file) : fd(file) {}
  attach_lease(attach_lease const&) = delete;
  attach_lease& operator=(attach_lease const&) = delete;
  ~attach_lease() {
    [[maybe_unused]] auto const emptied = ::ftruncate(fd, 0);
    ::close(fd);
  }
  int fd;
};

result<std::pair<std::shared_ptr<attach_lease>, bool>> take_lease(std::string const& path,
                                                                  container const& c) {
  int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(errc::io, "cannot open '" + path + "'");
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return fail(errc::conflict, "somebody else is attached to '" + c.instance.workload + "'",
                "wait until that command has ended");
  }
  auto const& key = c.instance.session_key;
  std::string left(key.size() + 1, '\0');
  auto const size = ::pread(fd, left.data(), left.size(), 0);
  left.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  auto lease = std::make_shared<attach_lease>(fd);
  bool const written = ::ftruncate(fd, 0) == 0 &&
                       ::pwrite(fd, key.data(), key.size(), 0) == static_cast<ssize_t>(key.size());
  if (!written) return fail(errc::io, "cannot write '" + path + "'");
  return std::pair(std::move(lease), left == key);
}

std::string url_host(settings const& s, std::string const& published_on) {
  bool const any = published_on.empty() || published_on == "0.0.0.0" || published_on == "::";
  auto host = published_on;
  if (any) host = s.elsewhere ? s.engine.host : "127.0.0.1";
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

}  // namespace

result<std::unique_ptr<driver>> driver::create(plugin::host_context const& host) {
  THV_TRY(auto s, read_settings(host.settings, machine::real()));
  return std::make_unique<driver>(host, std::move(s));
}

result<plugin::fingerprint> driver::identify(plugin::call const& c) {
  auto quick = c;
  quick.deadline = std::min(c.deadline, clock::now() + std::chrono::seconds(2));
  auto const engine = api_.version(quick);
  if (!engine) {
    auto e = engine.error();
    if (e.code == errc::timeout && clock::now() < c.deadline) e.code = errc::unavailable;
    return e;
  }
  THV_TRY(auto const chosen, negotiate(*engine));
  return plugin::fingerprint{.engine = engine->engine,
                             .version = fmt::format("{} (API {})", engine->version, chosen),
                             .runs = {source_kind::image},
                             .enforces_mounts = true,
                             .enforces_network_mode = true,
                             .enforces_privileges = true,
                             .secret_files = can_give_files().has_value()};
}

result<bool> driver::has_image(plugin::call const& c, std::string const& image) {
  THV_TRY(auto const path, api_.prefix(c));
  THV_TRY(auto const answer, api_.exchange(c, inspect_image(path, image)));
  if (answer.status == 200) return true;
  if (answer.status == 404) return false;
  return api::refusal(answer, "cannot look for the image '" + image + "'");
}

result<void> driver::pull(plugin::call const& c, std::string const& image) {
  THV_TRY(auto const path, api_.prefix(c));
  tell(c, "pulling " + image);
  auto const login = stored_credentials(machine::real(), image);
  auto request = pull_image(path, image);
  if (!login.header.empty()) request.headers["X-Registry-Auth"] = login.header;
  pull_progress progress(image);
  line_splitter lines;
  clock::time_point last;
  THV_TRY(auto const answer, api_.stream(c, request, [&](std::string_view piece) {
    return lines.feed(piece, [&](std::string_view line) {
      auto const words = progress.feed(line);
      if (words && clock::now() - last > std::chrono::milliseconds(200)) {
        last = clock::now();
        tell(c, *words);
      }
      return true;
    });
  }));
  progress.feed(lines.rest());
  bool const good = answer.status == 200 && progress.failure().empty();
  if (good) return {};
  auto e =
      fail(errc::not_found,
           "image not found in registry, please check the image name or tag: " + image, login.hint);
  e.engine_message = answer.status == 200 ? progress.failure() : parse_message(answer.body);
  return e;
}

result<void> driver::prepare(plugin::call const& c, plugin::workload_spec const& spec) {
  auto const& image = spec.source.package;
  if (spec.source.kind != source_kind::image) return {};
  bool const moves = parse_image(image).moves();
  if (!moves) {
    THV_TRY(auto const there, has_image(c, image));
    if (there) return {};
  }
  auto pulled = pull(c, image);
  if (pulled || !moves || pulled.error().code != errc::not_found) return pulled;
  THV_TRY(auto const there, has_image(c, image));
  if (!there) return pulled;
  tell(c, "using the local image " + image +
              ", it cannot be pulled: " + pulled.error().engine_message);
  return {};
}

result<container> driver::ours(plugin::call const& c, std::string const& id) {
  THV_TRY(auto found, api_.inspect(c, id));
  THV_CHECK(check_owner(found, host_.store));
  return found;
}

result<plugin::instance> driver::start(plugin::call const& c, std::string const& id) {
  THV_TRY(auto const found, ours(c, id));
  auto const& name = found.instance.workload;
  if (!found.running) THV_CHECK(check_files(found));
  if (found.name.starts_with(name + previous_mark)) THV_CHECK(rename_container(api_, c, id, name));
  THV_CHECK(start_container(api_, c, id, name));
  return inspect(c, id);
}

result<void> driver::stop(plugin::call const& c, std::string const& id) {
  auto const found = ours(c, id);
  if (!found && found.error().code == errc::not_found) return {};
  if (!found) return found.error();
  return stop_container(api_, c, id);
}

result<void> driver::remove(plugin::call const& c, std::string const& id) {
  auto const found = ours(c, id);
  bool const gone = !found && found.error().code == errc::not_found;
  if (gone) remove_leftovers(c);
  if (gone) return {};
  if (!found) return found.error();
  if (found->running && found->instance.state != workload_state::removing)
    THV_CHECK(stop_container(api_, c, id));
  THV_CHECK(force_remove(api_, c, id));
  THV_CHECK(files_.remove(found->nonce));
  remove_leftovers(c);
  if (!host_.state_directory.empty()) ::unlink(lock_path(found->instance.id).c_str());
  return {};
}

result<plugin::instance> driver::inspect(plugin::call const& c, std::string const& id) {
  THV_TRY(auto found, api_.inspect(c, id));
  return std::move(found.instance);
}

result<std::vector<plugin::instance>> driver::list(plugin::call const& c) {
  THV_TRY(auto const path, api_.prefix(c));
  THV_TRY(auto const answer, api_.exchange(c, list_containers(path)));
  if (answer.status != 200) return api::refusal(answer, "cannot list the engine's containers");
  THV_TRY(auto const ids, parse_ids(answer.body));
  std::vector<plugin::instance> all;
  for (auto const& id : ids) {
    auto found = inspect(c, id);
    if (!found && found.error().code == errc::not_found) continue;
    if (!found) return found.error();
    all.push_back(*std::move(found));
  }
  return all;
}

result<void> driver::watch(plugin::call const& c, plugin::event_sink const& sink) {
  THV_TRY(auto const path, api_.prefix(c));
  line_splitter lines;
  bool wanted = true;
  auto const answer = api_.stream(c, watch_events(path), [&](std::string_view piece) {
    wanted = lines.feed(piece, [&](std::string_view line) {
      auto const e = parse_event(line);
      return !e || sink(*e);
    });
    return wanted;
  });
  if (!answer) {
    auto const code = answer.error().code;
    if (code == errc::timeout || code == errc::cancelled) return {};
    return answer.error();
  }
  if (answer->status != 200) return api::refusal(*answer, "cannot watch the engine's events");
  if (!wanted) return {};
  return fail(errc::unavailable, "the engine " + api_.config().endpoint + " ended its events");
}

std::string driver::lock_path(std::string const& id) const {
  return host_.state_directory + "/attach-" + id + ".lock";
}

result<plugin::stream> driver::attach(plugin::call const& c, std::string const& id) {
  THV_TRY(auto const found, ours(c, id));
  auto const& i = found.instance;
  if (i.transport != transport::stdio)
    return fail(errc::unsupported, "'" + i.workload + "' does not speak on its standard streams");
  if (!found.running)
    return fail(errc::exited,
                "'" + i.workload + "' does not run" + (i.message.empty() ? "" : ": " + i.message));
  plugin::stream s;
  s.frames = plugin::stream::framing::docker;
  if (!host_.state_directory.empty()) {
    THV_TRY(auto lease, take_lease(lock_path(i.id), found));
    s.lease = std::move(lease.first);
    s.dirty = lease.second;
  }
  THV_TRY(auto const path, api_.prefix(c));
  auto fd = net::upgrade(c, api_.config().engine, attach_container(path, i.id));
  if (!fd) {
    auto e = std::move(fd).error();
    if (e.code == errc::engine) e.message = "cannot attach to container '" + i.workload + "'";
    e.engine_message = parse_message(e.engine_message);
    return e;
  }
  s.read_fd = s.write_fd = *fd;
  return s;
}

result<plugin::endpoint> driver::where(plugin::call const& c, std::string const& id) {
  THV_TRY(auto const found, api_.inspect(c, id));
  auto const& i = found.instance;
  if (i.transport == transport::stdio)
    return fail(errc::unsupported, "'" + i.workload + "' speaks on its standard streams");
  if (!found.running)
    return fail(errc::exited,
                "'" + i.workload + "' does not run" + (i.message.empty() ? "" : ": " + i.message));
  if (i.port == 0) return fail(errc::unavailable, "'" + i.workload + "' has no published port");
  auto const* const path = i.transport == transport::sse ? "/sse" : "/mcp";
  return plugin::endpoint{
      .url = fmt::format("http://{}:{}{}", url_host(api_.config(), found.host_ip), i.port, path)};
}

}  // namespace thv::docker
