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
  json::object body;
  for (auto const& [name, value] : secrets) body[name] = value;
  THV_CHECK(ask(c, "POST", "secrets", body));
  return {};
}

result<std::map<std::string, std::string>> control_client::hand_over(plugin::call const& c) const {
  THV_TRY(auto const value, ask(c, "POST", "handover"));
  std::map<std::string, std::string> secrets;
  THV_CHECK(thv::json::reader(value, "the gateway's answer").read("secrets", secrets));
  return secrets;
}

result<void> control_client::stop(plugin::call const& c) const {
  THV_CHECK(ask(c, "POST", "stop"));
  return {};
}

}  // namespace thv::gateway
