// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/control_client.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <thv/gateway/revival.hpp>
#include <thv/json/reader.hpp>
#include <thv/net/http.hpp>

namespace thv::gateway {

namespace json = boost::json;

result<json::value> control_client::ask(plugin::call const& c, std::string method,
                                        std::string const& what, json::object const& body) const {
  net::address where;
  where.unix_path = socket_;
  net::request request;
  request.method = std::move(method);
  request.target = "/api/v1/" + what;
  request.headers["Host"] = "localhost";
  if (request.method == "POST") {
    request.headers["Content-Type"] = "application/json";
    request.body = json::serialize(body);
  }
  THV_TRY(auto const answer, net::exchange(c, where, request));
  json::error_code problem;
  auto value = json::parse(answer.body, problem);
  if (problem || !value.is_object())
    return fail(errc::engine, "the gateway's answer is no JSON object",
                "is the program that answers at its socket a gateway?", socket_);
  if (answer.status == 200) return value;
  auto const* const e = value.get_object().if_contains("error");
  return error_from_json(e ? *e : json::value());
}

result<gateway_status> control_client::status(plugin::call const& c) const {
  THV_TRY(auto const value, ask(c, "GET", "status"));
  return gateway_status_from_json(value);
}

result<void> control_client::refresh(plugin::call const& c) const {
  THV_CHECK(ask(c, "POST", "refresh"));
  return {};
}

result<catalogue> control_client::prove(plugin::call const& c, std::string const& name) const {
  auto const time = time_left(c, std::chrono::minutes(10));
  THV_TRY(auto const value,
          ask(c, "POST", "probe", {{"workload", name}, {"timeout_ms", time.count()}}));
  return catalogue_from_json(value);
}

result<void> control_client::release(plugin::call const& c, std::string const& name) const {
  THV_CHECK(ask(c, "POST", "release", {{"workload", name}}));
  return {};
}

result<void> control_client::give_secrets(plugin::call const& c,
                                          std::map<std::string, std::string> const& secrets) const {
  THV_CHECK(ask(c, "POST", "secrets", secrets_json(secrets)));
  return {};
}

namespace {

result<secrets::secret_key> key_in(json::value const& answer) {
  std::string text;
  THV_CHECK(thv::json::reader(answer, "the gateway's answer").read("key", text));
  auto key = secrets::secret_key::from_text(text);
  secrets::wipe(text);
  return key;
}

}  // namespace

result<held_state> control_client::hand_over(plugin::call const& c) const {
  THV_TRY(auto const value, ask(c, "POST", "handover"));
  held_state held;
  if (auto const* const secrets = value.get_object().if_contains("secrets")) {
    THV_TRY(held.secrets, secrets_from_json(*secrets));
  }
  if (value.get_object().contains("key")) {
    THV_TRY(held.key, key_in(value));
  }
  return held;
}

result<void> control_client::take_over(plugin::call const& c, held_state const& held) const {
  if (held.key) THV_CHECK(give_key(c, *held.key));
  if (!held.secrets.empty()) THV_CHECK(give_secrets(c, held.secrets));
  return {};
}

result<secrets::secret_key> control_client::key(plugin::call const& c) const {
  THV_TRY(auto const value, ask(c, "GET", "key"));
  return key_in(value);
}

result<void> control_client::give_key(plugin::call const& c, secrets::secret_key const& key) const {
  auto text = key.to_text();
  auto const done = ask(c, "POST", "key", {{"key", text}});
  secrets::wipe(text);
  if (!done) return done.error();
  return {};
}

result<void> control_client::drop_key(plugin::call const& c) const {
  THV_CHECK(ask(c, "DELETE", "key"));
  return {};
}

result<void> control_client::stop(plugin::call const& c) const {
  THV_CHECK(ask(c, "POST", "stop"));
  return {};
}

}  // namespace thv::gateway
