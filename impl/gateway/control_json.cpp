// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/control_json.hpp>

#include <optional>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include <thv/json/reader.hpp>
#include <thv/secrets/value_text.hpp>

namespace thv::gateway {

namespace json = boost::json;

namespace {

constexpr std::string_view origin = "the gateway's answer";

json::object member_json(member_status const& m) {
  return {{"name", m.name},           {"state", m.state},       {"message", m.message},
          {"waits_for", m.waits_for}, {"revision", m.revision}, {"sessions", m.sessions},
          {"in_flight", m.in_flight}, {"calls", m.calls},       {"errors", m.errors}};
}

template <class Number>
result<void> read_number(thv::json::reader const& r, std::string_view key, Number& into) {
  std::int64_t number = 0;
  THV_CHECK(r.read(key, number));
  into = static_cast<Number>(number);
  return {};
}

result<member_status> read_member(thv::json::reader const& r) {
  member_status m;
  THV_CHECK(r.expect_object());
  THV_CHECK(r.read("name", m.name));
  THV_CHECK(r.read("state", m.state));
  THV_CHECK(r.read("message", m.message));
  THV_CHECK(r.read("waits_for", m.waits_for));
  THV_CHECK(r.read("revision", m.revision));
  THV_CHECK(read_number(r, "sessions", m.sessions));
  THV_CHECK(read_number(r, "in_flight", m.in_flight));
  THV_CHECK(read_number(r, "calls", m.calls));
  THV_CHECK(read_number(r, "errors", m.errors));
  return m;
}

std::optional<std::string> secret_bytes(json::value const& value) {
  if (auto const* const text = value.if_string()) return std::string(text->data(), text->size());
  auto const* const object = value.if_object();
  auto const* const member = object ? object->if_contains("base64") : nullptr;
  auto const* const encoded = member ? member->if_string() : nullptr;
  if (!encoded) return std::nullopt;
  return secrets::from_base64({encoded->data(), encoded->size()});
}

}  // namespace

json::object to_json(gateway_status const& s) {
  json::array members;
  for (auto const& m : s.plane.members) members.push_back(member_json(m));
  return {{"version", s.identity.version},
          {"pid", s.identity.pid},
          {"started_at", s.identity.started_at},
          {"url", s.identity.url},
          {"port", s.plane.port},
          {"connections", s.plane.connections},
          {"sessions", s.plane.sessions},
          {"members", std::move(members)}};
}

result<gateway_status> gateway_status_from_json(json::value const& value) {
  gateway_status s;
  thv::json::reader const r(value, origin);
  THV_CHECK(r.expect_object());
  THV_CHECK(r.read("version", s.identity.version));
  THV_CHECK(r.read("pid", s.identity.pid));
  THV_CHECK(r.read("started_at", s.identity.started_at));
  THV_CHECK(r.read("url", s.identity.url));
  THV_CHECK(r.read("port", s.plane.port));
  THV_CHECK(read_number(r, "connections", s.plane.connections));
  THV_CHECK(read_number(r, "sessions", s.plane.sessions));
  auto const members = r.find("members");
  if (!members) return s;
  THV_CHECK(members->expect_array());
  for (std::size_t i = 0; i < value.at("members").get_array().size(); ++i) {
    THV_TRY(auto m, read_member(members->element(i)));
    s.plane.members.push_back(std::move(m));
  }
  return s;
}

json::object to_json(catalogue const& c) {
  json::object lists;
  for (auto const& [method, text] : c.lists) lists[method] = text;
  return {{"session_key", c.session_key},
          {"revision", c.revision},
          {"initialize_result", c.initialize_result},
          {"lists", std::move(lists)}};
}

result<catalogue> catalogue_from_json(json::value const& value) {
  catalogue c;
  thv::json::reader const r(value, origin);
  THV_CHECK(r.expect_object());
  THV_CHECK(r.read("session_key", c.session_key));
  THV_CHECK(r.read("revision", c.revision));
  THV_CHECK(r.read("initialize_result", c.initialize_result));
  THV_CHECK(r.read("lists", c.lists));
  return c;
}

json::object secrets_json(std::map<std::string, std::string> const& secrets) {
  json::object out;
  for (auto const& [name, value] : secrets) {
    if (auto const encoded = secrets::base64_unless_utf8(value))
      out[name] = json::object{{"base64", *encoded}};
    else
      out[name] = value;
  }
  return out;
}

result<std::map<std::string, std::string>> secrets_from_json(json::value const& value) {
  if (!value.is_object()) return fail(errc::invalid_argument, "the secrets are no JSON object");
  std::map<std::string, std::string> values;
  for (auto const& [name, secret] : value.get_object()) {
    auto bytes = secret_bytes(secret);
    if (!bytes)
      return fail(errc::invalid_argument,
                  fmt::format("the value of secret '{}' is neither a string nor an object with "
                              "'base64'",
                              std::string_view(name.data(), name.size())));
    values.emplace(name, *std::move(bytes));
  }
  return values;
}

json::object to_json(error const& e) {
  return {{"code", static_cast<int>(e.code)},
          {"message", e.message},
          {"where", e.where},
          {"hint", e.hint},
          {"engine_message", e.engine_message}};
}

error error_from_json(json::value const& value) {
  error e;
  std::int64_t code = 0;
  thv::json::reader const r(value, origin);
  auto const read = [&]() -> result<void> {
    THV_CHECK(r.expect_object());
    THV_CHECK(r.read("code", code));
    THV_CHECK(r.read("message", e.message));
    THV_CHECK(r.read("where", e.where));
    THV_CHECK(r.read("hint", e.hint));
    return r.read("engine_message", e.engine_message);
  };
  if (auto const fine = read(); !fine || e.message.empty())
    return fail(errc::internal, "the gateway refused without saying why");
  bool const known =
      code >= static_cast<int>(errc::invalid_argument) && code <= static_cast<int>(errc::internal);
  e.code = known ? static_cast<errc>(code) : errc::internal;
  return e;
}

}  // namespace thv::gateway
