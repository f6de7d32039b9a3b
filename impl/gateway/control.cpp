// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/control.hpp>

#include <chrono>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <thv/gateway/control_json.hpp>
#include <thv/json/reader.hpp>

namespace thv::gateway {

namespace json = boost::json;

namespace {

/// As long as a command may wait for a member to become ready.
constexpr std::chrono::minutes longest_probe{10};

int http_status(errc code) {
  switch (code) {
    case errc::invalid_argument:
      return 400;
    case errc::not_found:
      return 404;
    case errc::conflict:
    case errc::already_exists:
      return 409;
    case errc::unavailable:
    case errc::exited:
      return 503;
    case errc::timeout:
    case errc::cancelled:
      return 504;
    default:
      return 500;
  }
}

control_response done(json::object body = {}) {
  return {200, json::serialize(body)};
}

control_response refused(error const& e, int status = 0) {
  return {status != 0 ? status : http_status(e.code),
          json::serialize(json::object{{"error", to_json(e)}})};
}

/// The body as a JSON object. The error does not repeat it: it may hold secrets.
result<json::value> body_of(control_request const& request) {
  json::error_code problem;
  auto value = json::parse(request.body, problem);
  if (problem || !value.is_object())
    return fail(errc::invalid_argument, "the body is no JSON object");
  return value;
}

result<std::string> workload_of(control_request const& request) {
  THV_TRY(auto const value, body_of(request));
  thv::json::reader const r(value, "the body");
  std::string name;
  THV_CHECK(r.read("workload", name));
  if (name.empty()) return fail(errc::invalid_argument, "'workload' is missing");
  return name;
}

result<plugin::call> call_of(control_request const& request) {
  THV_TRY(auto const value, body_of(request));
  std::int64_t milliseconds = 60'000;
  THV_CHECK(thv::json::reader(value, "the body").read("timeout_ms", milliseconds));
  auto const time = std::chrono::milliseconds(milliseconds);
  if (time.count() < 1 || time > longest_probe)
    return fail(errc::invalid_argument, "'timeout_ms' is not between 1 and 600000");
  return plugin::call{std::chrono::steady_clock::now() + time, {}, {}};
}

control_response probe(control_actions const& actions, control_request const& request) {
  auto const name = workload_of(request);
  if (!name) return refused(name.error());
  auto const c = call_of(request);
  if (!c) return refused(c.error());
  auto const said = actions.prove(*c, *name);
  return said ? done(to_json(*said)) : refused(said.error());
}

control_response release(control_actions const& actions, control_request const& request) {
  auto const name = workload_of(request);
  if (!name) return refused(name.error());
  actions.release(*name);
  return done();
}

control_response take_secrets(control_actions const& actions, control_request const& request) {
  auto const value = body_of(request);
  if (!value) return refused(value.error());
  auto secrets = secrets_from_json(*value);
  if (!secrets) return refused(secrets.error());
  actions.take_secrets(*std::move(secrets));
  actions.refresh();
  return done();
}

json::string text_of(secrets::secret_key const& key) {
  auto text = key.to_text();
  json::string out(text);
  secrets::wipe(text);
  return out;
}

control_response hand_over(control_actions const& actions) {
  auto const held = actions.hand_over();
  json::object body{{"secrets", secrets_json(held.secrets)}};
  if (held.key) body["key"] = text_of(*held.key);
  return done(std::move(body));
}

control_response give_key(control_actions const& actions) {
  auto const key = actions.key();
  if (!key) return refused(fail(errc::not_found, "the gateway has no key"));
  return done({{"key", text_of(*key)}});
}

control_response keep_key(control_actions const& actions, control_request const& request) {
  auto const value = body_of(request);
  if (!value) return refused(value.error());
  std::string text;
  if (auto const read = thv::json::reader(*value, "the body").read("key", text); !read)
    return refused(fail(errc::invalid_argument, "'key' is no string"));
  auto key = secrets::secret_key::from_text(text);
  secrets::wipe(text);
  if (!key) return refused(key.error());
  actions.keep_key(*std::move(key));
  actions.refresh();
  return done();
}

control_response about_key(control_actions const& actions, control_request const& request) {
  if (request.method == "GET") return give_key(actions);
  if (request.method == "POST") return keep_key(actions, request);
  actions.keep_key(std::nullopt);
  return done();
}

control_response act(control_actions const& actions, std::string_view what,
                     control_request const& request) {
  if (what == "refresh") {
    actions.refresh();
    return done();
  }
  if (what == "probe") return probe(actions, request);
  if (what == "release") return release(actions, request);
  if (what == "secrets") return take_secrets(actions, request);
  if (what == "handover") return hand_over(actions);
  if (what == "stop") {
    actions.stop();
    return done();
  }
  return refused(fail(errc::not_found, "the control API has no such path"));
}

}  // namespace

control_response answer_control(control_actions const& actions, control_request const& request) {
  constexpr std::string_view base = "/api/v1/";
  std::string_view path = request.target;
  path = path.substr(0, path.find('?'));
  if (!path.starts_with(base))
    return refused(fail(errc::not_found, "the control API has no such path"));
  path.remove_prefix(base.size());
  auto const wrong_method = [&](std::string_view right) {
    return refused(fail(errc::invalid_argument,
                        fmt::format("'{}' does not take this method; use {}", path, right)),
                   405);
  };
  if (path == "status") {
    if (request.method != "GET") return wrong_method("GET");
    return done(to_json(gateway_status{actions.identity(), actions.status()}));
  }
  if (path == "key") {
    if (request.method != "GET" && request.method != "POST" && request.method != "DELETE")
      return wrong_method("GET, POST or DELETE");
    return about_key(actions, request);
  }
  if (request.method == "POST") return act(actions, path, request);
  for (std::string_view const known :
       {"refresh", "probe", "release", "secrets", "handover", "stop"})
    if (path == known) return wrong_method("POST");
  return refused(fail(errc::not_found, "the control API has no such path"));
}

void held_secrets::add(std::map<std::string, std::string> secrets) {
  std::lock_guard const lock(mutex_);
  for (auto& [name, value] : secrets) secrets_[name] = std::move(value);
}

std::map<std::string, std::string> held_secrets::all() const {
  std::lock_guard const lock(mutex_);
  return secrets_;
}

result<std::string> held_secrets::get(std::string const& name, std::string const& group) const {
  {
    std::lock_guard const lock(mutex_);
    if (auto const found = secrets_.find(name); found != secrets_.end()) return found->second;
  }
  return fallback_(name, group);
}

void held_key::keep(std::optional<secrets::secret_key> key) {
  std::lock_guard const lock(mutex_);
  key_ = std::move(key);
}

std::optional<secrets::secret_key> held_key::get() const {
  std::lock_guard const lock(mutex_);
  if (!key_) return std::nullopt;
  return key_->clone();
}

}  // namespace thv::gateway
