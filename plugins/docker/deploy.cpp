// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "docker/container.hpp"
#include "docker/driver.hpp"

namespace thv::docker {

namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// The port that a server takes when neither its image nor the user names one.
constexpr std::uint16_t usual_port = 8080;

/// One deploy: each step knows how it is taken back.
class deployment {
 public:
  deployment(api& engine, plugin::call const& c, plugin::workload_spec const& spec)
      : engine_(engine), call_(c), spec_(spec), nonce_(random_hex(16)) {}

  [[nodiscard]] std::string const& nonce() const { return nonce_; }

  result<plugin::instance> run(std::string body) {
    auto made = try_run(std::move(body));
    if (made) return made;
    auto e = std::move(made).error();
    undo(e);
    return hide_secrets(std::move(e));
  }

 private:
  result<plugin::instance> try_run(std::string body) {
    THV_CHECK(set_aside());
    THV_CHECK(create(std::move(body)));
    if (was_running_) THV_CHECK(stop_container(engine_, call_, spec_.replaces));
    THV_CHECK(start_container(engine_, call_, id_, spec_.name));
    THV_TRY(auto found, engine_.inspect(call_, id_));
    return std::move(found.instance);
  }

  /// Takes the name from the container that is replaced. It keeps running until the new one is
  /// there.
  result<void> set_aside() {
    if (spec_.replaces.empty()) return {};
    auto const old = engine_.inspect(call_, spec_.replaces);
    if (!old && old.error().code == errc::not_found) return {};
    if (!old) return old.error();
    THV_CHECK(check_owner(*old, spec_.store));
    was_running_ = old->running;
    if (old->name != spec_.name) return {};
    auto const aside = spec_.name + previous_mark + random_hex(8);
    THV_CHECK(rename_container(engine_, call_, spec_.replaces, aside));
    renamed_ = true;
    return {};
  }

  result<void> create(std::string body) {
    if (call_.stop.stop_requested()) return fail(errc::cancelled, "cancelled before the start");
    // Not interrupted: an answer that is lost would leave a container of which we know nothing.
    auto const now = clock::now();
    plugin::call const whole{.deadline = std::max(std::min(call_.deadline, now + 30s), now + 5s)};
    THV_TRY(auto const path, engine_.prefix(whole));
    asked_ = true;
    THV_TRY(auto const answer,
            engine_.exchange(whole, create_container(path, spec_.name, std::move(body))));
    if (answer.status != 201) return refused(answer);
    THV_TRY(id_, parse_created(answer.body));
    return {};
  }

  error refused(net::response const& answer) {
    asked_ = false;
    auto e = api::refusal(answer, "cannot create container '" + spec_.name + "'");
    auto const says = [&](std::string_view part) {
      return e.engine_message.find(part) != std::string::npos;
    };
    if (answer.status == 409) return name_taken(engine_, call_, spec_.name);
    bool const unseen = says("bind source path does not exist");
    if (unseen && !spec_.secret_files.empty() && says("/thv-engine-")) {
      e.code = errc::unsupported;
      e.message =
          "the engine does not see this machine's memory, where the files with the secrets "
          "of '" +
          spec_.name + "' are";
      e.hint = "leave out ',as=file' to give them as variables";
    } else if (unseen) {
      e.code = errc::invalid_argument;
      e.message = "a mount of '" + spec_.name + "' has no source on the engine's machine";
      e.hint = "make the folder or file there, or correct the path";
    } else if (answer.status == 404) {
      e.message =
          "the image '" + spec_.source.package + "' of '" + spec_.name + "' is not on the engine";
      e.hint = "check the image name or tag";
    } else if (answer.status == 400) {
      e.code = errc::invalid_argument;
    }
    return e;
  }

  /// Removes what was made and brings the replaced one back, as it was. What fails here is added to
  /// the error.
  void undo(error& e) {
    plugin::call const own{.deadline = clock::now() + 20s};
    auto const note = [&](result<void> const& done, std::string const& what) {
      if (!done) e.hint += (e.hint.empty() ? "" : "; ") + what + ": " + to_string(done.error());
    };
    if (id_.empty() && asked_) find_made(own);
    if (!id_.empty()) note(force_remove(engine_, own, id_), "the new container is left");
    if (renamed_)
      note(rename_container(engine_, own, spec_.replaces, spec_.name),
           "the previous container has another name");
    if (was_running_)
      note(start_container(engine_, own, spec_.replaces, spec_.name),
           "the previous container does not run");
  }

  /// The engine's answer was lost: what it made bears our nonce.
  void find_made(plugin::call const& c) {
    auto const made = engine_.inspect(c, spec_.name);
    if (made && made->nonce == nonce_) id_ = made->instance.id;
  }

  /// The engine's words can hold what was sent to it.
  error hide_secrets(error e) const {
    for (auto const& reference : spec_.secret_names) {
      auto const at = reference.find(",target=");
      auto const key = at == std::string::npos ? reference : reference.substr(at + 8);
      auto const found = spec_.environment.find(key);
      if (found == spec_.environment.end() || found->second.empty()) continue;
      for (std::size_t i = 0; (i = e.engine_message.find(found->second, i)) != std::string::npos;
           ++i)
        e.engine_message.replace(i, found->second.size(), "…");
    }
    return e;
  }

  api& engine_;
  plugin::call const& call_;
  plugin::workload_spec const& spec_;
  std::string nonce_;
  std::string id_;
  bool asked_ = false;
  bool renamed_ = false;
  bool was_running_ = false;
};

/// A port that is free on this machine now.
result<std::uint16_t> free_port() {
  int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  socklen_t size = sizeof at;
  auto* const address = reinterpret_cast<sockaddr*>(&at);
  bool const found =
      fd >= 0 && ::bind(fd, address, size) == 0 && ::getsockname(fd, address, &size) == 0;
  if (fd >= 0) ::close(fd);
  if (!found) return fail(errc::io, "no free port was found");
  return ntohs(at.sin_port);
}

bool is_loopback(std::string const& address) {
  return address.starts_with("127.") || address == "::1";
}

}  // namespace

result<port_plan> driver::plan_ports(plugin::call const& c, plugin::workload_spec const& spec) {
  auto const& config = api_.config();
  auto const& mode = spec.permissions.network.mode;
  bool const http = spec.transport != transport::stdio;
  port_plan plan;
  if (mode != "host") {
    plan.publish_on = spec.host == "localhost" ? "127.0.0.1" : spec.host;
    if (is_loopback(plan.publish_on) && !config.publish.empty()) plan.publish_on = config.publish;
  }
  if (!http) return plan;
  if (mode == "none")
    return fail(errc::invalid_argument,
                "'" + spec.name + "' speaks HTTP, which its network mode none cuts off",
                "use another network mode, or the transport stdio");
  if (config.elsewhere && is_loopback(plan.publish_on))
    return fail(errc::unsupported,
                "'" + spec.name + "' speaks HTTP and the engine " + config.endpoint +
                    " is on another machine",
                "set publish = \"ADDRESS\" in the runtime's table: the address of that machine "
                "on which its port is published");
  if (spec.target_port != 0) {
    plan.container_port = spec.target_port;
  } else if (mode == "host" && !config.elsewhere) {
    THV_TRY(plan.container_port, free_port());
  } else {
    plan.container_port = usual_port;
    THV_TRY(auto const path, api_.prefix(c));
    THV_TRY(auto const answer, api_.exchange(c, inspect_image(path, spec.source.package)));
    if (answer.status != 200) return plan;
    THV_TRY(auto const exposed, parse_exposed_ports(answer.body));
    if (exposed.size() == 1) plan.container_port = exposed.front();
  }
  return plan;
}

result<plugin::instance> driver::deploy(plugin::call const& c, plugin::workload_spec const& spec) {
  if (spec.source.kind != source_kind::image)
    return fail(errc::unsupported, "the docker runtime runs images, not the " +
                                       std::string(to_string(spec.source.kind)) + " '" +
                                       spec.source.text + "'");
  THV_TRY(auto const ports, plan_ports(c, spec));
  deployment d(api_, c, spec);
  THV_TRY(auto const files, place_files(c, spec, d.nonce()));
  auto const make = [&]() -> result<plugin::instance> {
    THV_TRY(auto body, container_body(spec, ports, d.nonce(), files.paths));
    return d.run(std::move(body));
  };
  auto made = make();
  if (made || files.paths.empty()) return made;
  auto e = std::move(made).error();
  if (auto const removed = files_.remove(d.nonce()); !removed)
    e.hint += (e.hint.empty() ? "" : "; ") + to_string(removed.error());
  return e;
}

}  // namespace thv::docker
