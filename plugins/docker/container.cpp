// SPDX-License-Identifier: Apache-2.0
#include "docker/container.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "docker/labels.hpp"

namespace thv::docker {

namespace {

using clock = std::chrono::steady_clock;

bool contains(std::string const& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Whole seconds that a container may take to end, so that a kill still fits before the deadline.
int patience(plugin::call const& c) {
  if (c.deadline == clock::time_point::max()) return 10;
  auto const left = std::chrono::duration_cast<std::chrono::seconds>(c.deadline - clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count() - 1, 0, 10));
}

}  // namespace

std::string owner_of(container const& c) {
  if (!c.instance.store.empty())
    return "belongs to another thv-engine installation (store " + c.instance.store + ")";
  if (c.instance.labels.count(label::marked) != 0) return "was made by ToolHive";
  return "was not made by thv-engine";
}

result<void> check_owner(container const& c, std::string const& store) {
  if (!store.empty() && c.instance.store == store) return {};
  return fail(errc::conflict, "the container '" + c.name + "' " + owner_of(c),
              "it is left as it is");
}

result<void> stop_container(api& engine, plugin::call const& c, std::string const& id) {
  THV_TRY(auto const path, engine.prefix(c));
  auto const seconds = std::to_string(patience(c));
  THV_TRY(auto const answer, engine.exchange(c, container_action(path, id, "stop?t=" + seconds)));
  if (answer.status == 204 || answer.status == 304 || answer.status == 404) return {};
  return api::refusal(answer, "cannot stop container '" + id + "'");
}

result<void> start_container(api& engine, plugin::call const& c, std::string const& id,
                             std::string const& name) {
  THV_TRY(auto const path, engine.prefix(c));
  THV_TRY(auto const answer, engine.exchange(c, container_action(path, id, "start")));
  if (answer.status == 204 || answer.status == 304) return {};
  auto e = api::refusal(answer, "cannot start container '" + name + "'");
  auto const& words = e.engine_message;
  if (e.code == errc::not_found && !contains(words, "No such container")) e.code = errc::engine;
  if (contains(words, "port is already allocated") || contains(words, "address already in use")) {
    e.code = errc::conflict;
    e.hint = "free the port, or publish another one";
  }
  return e;
}

result<void> force_remove(api& engine, plugin::call const& c, std::string const& id) {
  THV_TRY(auto const path, engine.prefix(c));
  for (;;) {
    THV_TRY(auto const answer, engine.exchange(c, remove_container(path, id)));
    if (answer.status == 204 || answer.status == 404) return {};
    auto e = api::refusal(answer, "cannot remove container '" + id + "'");
    if (!contains(e.engine_message, "already in progress")) return e;
    if (c.stop.stop_requested()) return fail(errc::cancelled, "cancelled while removing " + id);
    if (clock::now() >= c.deadline) {
      e.code = errc::timeout;
      return e;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

result<void> rename_container(api& engine, plugin::call const& c, std::string const& id,
                              std::string const& name) {
  THV_TRY(auto const path, engine.prefix(c));
  THV_TRY(auto const answer,
          engine.exchange(c, container_action(path, id, "rename?name=" + encode(name))));
  if (answer.status == 204) return {};
  if (answer.status == 409) return name_taken(engine, c, name);
  return api::refusal(answer, "cannot rename container '" + id + "' to '" + name + "'");
}

error name_taken(api& engine, plugin::call const& c, std::string const& name) {
  auto const holder = engine.inspect(c, name);
  if (!holder)
    return fail(errc::conflict, "the container name '" + name + "' is taken", "try again");
  auto const& i = holder->instance;
  return fail(errc::conflict,
              "the name '" + name + "' is held by container " + i.id.substr(0, 12) + " (image " +
                  i.package + "), which " + owner_of(*holder),
              "choose another name, or rename or remove that container yourself");
}

std::string random_hex(int digits) {
  std::random_device source;
  std::uniform_int_distribution<int> digit(0, 15);
  std::string out;
  for (int i = 0; i < digits; ++i) out += "0123456789abcdef"[digit(source)];
  return out;
}

}  // namespace thv::docker
