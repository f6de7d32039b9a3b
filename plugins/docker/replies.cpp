// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

#include "docker/json.hpp"
#include "docker/labels.hpp"
#include "docker/protocol.hpp"

namespace thv::docker {

namespace bj = boost::json;

namespace {

/// How long after an unasked restart a container counts as failing.
constexpr std::int64_t settling_ms = 10'000;

result<bj::value> parse(std::string_view body, std::string_view what) {
  boost::system::error_code ec;
  auto value = bj::parse({body.data(), body.size()}, ec);
  if (ec)
    return fail(errc::engine,
                "the engine's answer about " + std::string(what) + " is no JSON: " + ec.message());
  return value;
}

int parse_number(std::string_view text) {
  int value = 0;
  auto const* const end = text.data() + text.size();
  auto const [at, ec] = std::from_chars(text.data(), end, value);
  return ec == std::errc() && at == end && value >= 0 ? value : -1;
}

/// "1.41" as a pair; {-1, -1} for what is none.
std::pair<int, int> api_number(std::string_view text) {
  auto const dot = text.find('.');
  if (dot == std::string_view::npos) return {-1, -1};
  auto const major = parse_number(text.substr(0, dot));
  auto const minor = parse_number(text.substr(dot + 1));
  if (major < 0 || minor < 0) return {-1, -1};
  return {major, minor};
}

std::string label_of(plugin::instance const& i, char const* name) {
  auto const found = i.labels.find(name);
  return found == i.labels.end() ? std::string() : found->second;
}

void read_labels(bj::value const& v, container& c) {
  auto& i = c.instance;
  if (auto const* const labels = json::object(v, {"Config", "Labels"}))
    for (auto const& [key, value] : *labels)
      if (auto const* const s = value.if_string())
        i.labels[std::string(key)] = std::string(s->data(), s->size());
  i.workload = label_of(i, label::name);
  i.group = label_of(i, label::group);
  i.store = label_of(i, label::store);
  i.config_hash = label_of(i, label::config_hash);
  i.transport = parse_transport(label_of(i, label::transport)).value_or(transport::stdio);
  c.nonce = label_of(i, label::nonce);
  boost::system::error_code ec;
  auto const secrets = bj::parse(label_of(i, label::secrets), ec);
  if (auto const* const list = secrets.if_array(); list && !ec)
    for (auto const& reference : *list)
      if (auto const* const s = reference.if_string())
        i.secret_names.emplace_back(s->data(), s->size());
}

void read_port(bj::value const& v, container& c) {
  if (c.instance.transport == transport::stdio) return;
  auto const inside = parse_number(label_of(c.instance, label::port));
  c.host_network = json::text(v, {"HostConfig", "NetworkMode"}) == "host";
  if (inside < 1 || inside > 65535) return;
  if (c.host_network) {
    c.instance.port = static_cast<std::uint16_t>(inside);
    return;
  }
  auto const key = std::to_string(inside) + "/tcp";
  auto const* const bound = json::array(v, {"NetworkSettings", "Ports", key});
  if (!bound) return;
  for (auto const& binding : *bound) {
    auto const port = parse_number(json::text(binding, {"HostPort"}));
    if (port < 1 || port > 65535) continue;
    c.instance.port = static_cast<std::uint16_t>(port);
    c.host_ip = json::text(binding, {"HostIp"});
    return;
  }
}

/// The words for a container that does not run as it should.
std::string ending(bj::value const& state, int exit_code, std::int64_t restarts) {
  auto const error = json::text(state, {"Error"});
  std::string text = json::flag(state, {"OOMKilled"}) ? "killed for want of memory, " : "";
  text += fmt::format("exited with status {}", exit_code);
  if (restarts > 0)
    text += fmt::format(", restarted {} time{}", restarts, restarts == 1 ? "" : "s");
  if (!error.empty()) text += ": " + error;
  return text;
}

void read_state(bj::value const& v, container& c, std::int64_t now) {
  auto& i = c.instance;
  auto const* const found = json::find(v, {"State"});
  auto const& state = found ? *found : v;
  auto const status = json::text(state, {"Status"});
  auto const exit_code = static_cast<int>(json::number(state, {"ExitCode"}));
  auto const restarts = json::number(v, {"RestartCount"});
  i.started_at = parse_time(json::text(state, {"StartedAt"}));
  c.running = json::flag(state, {"Running"});
  if (status == "restarting") {
    // The restart policy has it: whoever waits for it need not wait longer.
    i.state = workload_state::error;
    i.exit_code = exit_code;
    i.message = ending(state, exit_code, std::max<std::int64_t>(restarts, 1));
  } else if (status == "running") {
    auto const health = json::text(state, {"Health", "Status"});
    bool const settling = restarts > 0 && now - i.started_at < settling_ms;
    i.state = settling                ? workload_state::error
              : health == "unhealthy" ? workload_state::unhealthy
                                      : workload_state::running;
    if (restarts > 0)
      i.message = fmt::format("restarted {} time{}", restarts, restarts == 1 ? "" : "s");
    if (health == "unhealthy") i.message = "its health check fails";
  } else if (status == "created") {
    auto const error = json::text(state, {"Error"});
    i.state = error.empty() ? workload_state::starting : workload_state::error;
    i.message = error;
    if (!error.empty()) i.exit_code = exit_code;
  } else if (status == "exited" || status == "dead") {
    i.state = workload_state::stopped;
    i.exit_code = exit_code;
    i.message = ending(state, exit_code, restarts);
  } else if (status == "paused") {
    i.state = workload_state::stopped;
    i.message = "paused";
  } else if (status == "removing") {
    i.state = workload_state::removing;
  }
}

}  // namespace

std::string parse_message(std::string_view body) {
  boost::system::error_code ec;
  auto const value = bj::parse({body.data(), body.size()}, ec);
  auto text = ec ? std::string() : json::text(value, {"message"});
  if (text.empty() && !ec) text = json::text(value, {"cause"});
  if (text.empty()) text = body.substr(0, 4096);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.pop_back();
  return text;
}

result<engine_version> parse_version(std::string_view body) {
  THV_TRY(auto const v, parse(body, "its version"));
  engine_version e{"Docker", json::text(v, {"Version"}), json::text(v, {"ApiVersion"}),
                   json::text(v, {"MinAPIVersion"})};
  if (auto const* const components = json::array(v, {"Components"}))
    for (auto const& c : *components)
      if (json::text(c, {"Name"}).find("Podman") != std::string::npos) e.engine = "Podman";
  if (api_number(e.api).first < 0)
    return fail(errc::engine, "the engine does not tell which version of the API it speaks");
  return e;
}

result<std::string> negotiate(engine_version const& engine) {
  auto const theirs = api_number(engine.api);
  if (theirs < api_number(oldest_api))
    return fail(errc::unsupported,
                fmt::format("the engine speaks version {} of the Docker API, {} is needed",
                            engine.api, oldest_api),
                "upgrade it to Docker 19.03 or newer");
  auto const chosen = theirs < api_number(newest_api) ? engine.api : std::string(newest_api);
  if (api_number(engine.oldest_api) <= api_number(chosen)) return chosen;
  return engine.oldest_api;
}

std::int64_t parse_time(std::string_view text) {
  // 2026-11-20T10:11:12.123456789Z
  auto const part = [&](std::size_t at, std::size_t size) {
    return text.size() >= at + size ? parse_number(text.substr(at, size)) : -1;
  };
  std::tm t{};
  t.tm_year = part(0, 4) - 1900;
  t.tm_mon = part(5, 2) - 1;
  t.tm_mday = part(8, 2);
  t.tm_hour = part(11, 2);
  t.tm_min = part(14, 2);
  t.tm_sec = part(17, 2);
  bool const complete = part(5, 2) > 0 && t.tm_mday > 0 && t.tm_hour >= 0 && t.tm_min >= 0 &&
                        t.tm_sec >= 0 && text.ends_with('Z');
  if (!complete || t.tm_year < 70) return 0;
  std::int64_t ms = static_cast<std::int64_t>(::timegm(&t)) * 1000;
  if (text.size() > 20 && text[19] == '.') {
    std::int64_t scale = 100;
    for (std::size_t i = 20; i < text.size() && scale > 0 && text[i] >= '0' && text[i] <= '9';
         ++i) {
      ms += (text[i] - '0') * scale;
      scale /= 10;
    }
  }
  return ms;
}

result<container> parse_container(std::string_view body, std::int64_t now) {
  THV_TRY(auto const v, parse(body, "a container"));
  container c;
  auto& i = c.instance;
  i.id = json::text(v, {"Id"});
  if (i.id.empty()) return fail(errc::engine, "the engine's answer about a container has no Id");
  c.name = json::text(v, {"Name"});
  if (c.name.starts_with('/')) c.name.erase(0, 1);
  i.created_at = parse_time(json::text(v, {"Created"}));
  i.package = json::text(v, {"Config", "Image"});
  i.pid = json::number(v, {"State", "Pid"});
  read_labels(v, c);
  read_state(v, c, now);
  read_port(v, c);
  if (i.workload.empty()) i.workload = c.name;
  i.session_key = i.id + "@" + json::text(v, {"State", "StartedAt"});
  if (i.port != 0 && (c.host_ip == "0.0.0.0" || c.host_ip == "::" || c.host_network))
    i.notes.emplace_back("its port is open to other machines");
  return c;
}

result<std::string> parse_created(std::string_view body) {
  THV_TRY(auto const v, parse(body, "a new container"));
  auto id = json::text(v, {"Id"});
  if (id.empty()) return fail(errc::engine, "the engine's answer about a new container has no Id");
  return id;
}

result<std::vector<std::string>> parse_ids(std::string_view body) {
  THV_TRY(auto const v, parse(body, "its containers"));
  auto const* const list = v.if_array();
  if (!list) return fail(errc::engine, "the engine's list of containers is no array");
  std::vector<std::string> ids;
  for (auto const& entry : *list)
    if (auto id = json::text(entry, {"Id"}); !id.empty()) ids.push_back(std::move(id));
  return ids;
}

result<std::set<std::string>> parse_nonces(std::string_view body) {
  THV_TRY(auto const v, parse(body, "its containers"));
  auto const* const list = v.if_array();
  if (!list) return fail(errc::engine, "the engine's list of containers is no array");
  std::set<std::string> nonces;
  for (auto const& entry : *list)
    if (auto nonce = json::text(entry, {"Labels", label::nonce}); !nonce.empty())
      nonces.insert(std::move(nonce));
  return nonces;
}

result<std::vector<std::uint16_t>> parse_exposed_ports(std::string_view body) {
  THV_TRY(auto const v, parse(body, "an image"));
  std::vector<std::uint16_t> ports;
  if (auto const* const exposed = json::object(v, {"Config", "ExposedPorts"}))
    for (auto const& entry : *exposed) {
      std::string_view const key(entry.key().data(), entry.key().size());
      auto const slash = key.find('/');
      bool const tcp = slash == std::string_view::npos || key.substr(slash) == "/tcp";
      auto const port = parse_number(key.substr(0, slash));
      if (tcp && port >= 1 && port <= 65535) ports.push_back(static_cast<std::uint16_t>(port));
    }
  return ports;
}

std::optional<plugin::event> parse_event(std::string_view line) {
  boost::system::error_code ec;
  auto const v = bj::parse({line.data(), line.size()}, ec);
  if (ec) return std::nullopt;
  plugin::event e;
  e.kind = json::text(v, {"Action"});
  if (e.kind == "destroy") e.kind = "remove";
  if (e.kind != "start" && e.kind != "stop" && e.kind != "die" && e.kind != "remove")
    return std::nullopt;
  e.id = json::text(v, {"Actor", "ID"});
  e.workload = json::text(v, {"Actor", "Attributes", label::name});
  if (e.workload.empty()) e.workload = json::text(v, {"Actor", "Attributes", "name"});
  auto const code = json::text(v, {"Actor", "Attributes", "exitCode"});
  if (e.kind == "die" && !code.empty()) e.exit_code = parse_number(code);
  auto const nanoseconds = json::number(v, {"timeNano"});
  e.time = nanoseconds != 0 ? nanoseconds / 1'000'000 : json::number(v, {"time"}) * 1000;
  return e;
}

std::optional<std::string> pull_progress::feed(std::string_view line) {
  boost::system::error_code ec;
  auto const v = bj::parse({line.data(), line.size()}, ec);
  if (ec) return std::nullopt;
  auto failure = json::text(v, {"errorDetail", "message"});
  if (failure.empty()) failure = json::text(v, {"error"});
  if (!failure.empty()) {
    failure_ = std::move(failure);
    return std::nullopt;
  }
  auto const id = json::text(v, {"id"});
  auto const status = json::text(v, {"status"});
  auto const current = json::number(v, {"progressDetail", "current"});
  auto const total = json::number(v, {"progressDetail", "total"});
  if (id.empty()) return std::nullopt;
  if (status == "Downloading" && total > 0) {
    layers_[id] = {static_cast<std::uint64_t>(std::max<std::int64_t>(current, 0)),
                   static_cast<std::uint64_t>(total), false};
  } else if (status == "Download complete" || status == "Extracting") {
    auto& l = layers_[id];
    l.current = l.total;
    l.extracting = status == "Extracting";
  } else if (status == "Pull complete") {
    layers_[id].extracting = false;
  }
  layer sum;
  for (auto const& [unused, l] : layers_) {
    sum.current += l.current;
    sum.total += l.total;
    sum.extracting = sum.extracting || l.extracting;
  }
  auto const megabytes = [](std::uint64_t n) { return (n + 500'000) / 1'000'000; };
  std::string words = "pulling " + image_;
  if (sum.current < sum.total) {
    words += fmt::format(": {} of {} MB", megabytes(sum.current), megabytes(sum.total));
  } else if (sum.extracting) {
    words += ": unpacking";
  }
  if (words == last_) return std::nullopt;
  last_ = words;
  return words;
}

}  // namespace thv::docker
