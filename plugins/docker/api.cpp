// SPDX-License-Identifier: Apache-2.0
#include "docker/api.hpp"

#include <chrono>

namespace thv::docker {

namespace {

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

error api::with_hint(error e) const {
  if (e.code != errc::unavailable) return e;
  bool const is_unix = !settings_.engine.unix_path.empty();
  if (e.message.find("permission denied") != std::string::npos) {
    e.hint = "your user may not use " + settings_.endpoint + ": add it to the group docker";
  } else if (e.hint.empty() && is_unix) {
    e.hint = "start Docker, or name its socket: endpoint in the runtime's table, or DOCKER_HOST";
  } else if (e.hint.empty()) {
    e.hint = "check the endpoint, its TLS files (ca, cert, key) and that Docker listens there";
  }
  return e;
}

error api::refusal(net::response const& r, std::string what) {
  auto code = errc::engine;
  if (r.status == 404) code = errc::not_found;
  if (r.status == 409) code = errc::conflict;
  auto e = fail(code, std::move(what));
  e.engine_message = parse_message(r.body);
  if (e.engine_message.empty()) e.engine_message = "status " + std::to_string(r.status);
  return e;
}

result<net::response> api::exchange(plugin::call const& c, net::request const& r) const {
  auto answer = net::exchange(c, settings_.engine, r);
  if (!answer) return with_hint(std::move(answer).error());
  return answer;
}

result<net::response> api::stream(plugin::call const& c, net::request const& r,
                                  std::function<bool(std::string_view)> const& sink) const {
  auto answer = net::stream(c, settings_.engine, r, {}, sink);
  if (!answer) return with_hint(std::move(answer).error());
  return answer;
}

result<engine_version> api::version(plugin::call const& c) {
  THV_TRY(auto const answer, exchange(c, {.target = "/version"}));
  if (answer.status != 200)
    return refusal(answer, "what answers at " + settings_.endpoint + " is no Docker engine");
  return parse_version(answer.body);
}

result<std::string> api::prefix(plugin::call const& c) {
  {
    std::lock_guard const lock(mutex_);
    if (!prefix_.empty()) return prefix_;
  }
  THV_TRY(auto const engine, version(c));
  THV_TRY(auto const chosen, negotiate(engine));
  std::lock_guard const lock(mutex_);
  prefix_ = "/v" + chosen;
  return prefix_;
}

result<container> api::inspect(plugin::call const& c, std::string const& id) {
  THV_TRY(auto const path, prefix(c));
  THV_TRY(auto const answer, exchange(c, inspect_container(path, id)));
  if (answer.status != 200) return refusal(answer, "cannot inspect container '" + id + "'");
  THV_TRY(auto found, parse_container(answer.body, now_ms()));
  // Elsewhere (another machine, a virtual one) the number means nothing here.
  if (settings_.engine.unix_path.empty()) found.instance.pid = 0;
  return found;
}

}  // namespace thv::docker
