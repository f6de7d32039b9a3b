// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <thv/mcp/readiness.hpp>
#include <thv/version.hpp>

namespace thv::mcp {

namespace json = boost::json;

namespace {

constexpr int max_pages = 1000;
constexpr std::size_t max_tools = 100'000;
constexpr int max_listings = 3;

constexpr std::array<std::string_view, 5> session_revisions{
    session_revision, "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"};

json::string_view json_text(std::string_view text) {
  return {text.data(), text.size()};
}

json::object client_info() {
  return {{"name", "thv-engine"}, {"version", version()}};
}

json::object client_capabilities() {
  return {{"roots", {{"listChanged", true}}},
          {"sampling", json::object()},
          {"elicitation", json::object()}};
}

/// What revision 2026-07-28 wants in every request.
json::object request_metadata() {
  return {{"io.modelcontextprotocol/protocolVersion", json_text(stateless_revision)},
          {"io.modelcontextprotocol/clientInfo", client_info()},
          {"io.modelcontextprotocol/clientCapabilities", client_capabilities()}};
}

std::string text_member(json::object const& object, std::string_view name) {
  auto const* member = object.if_contains(json_text(name));
  return member && member->is_string() ? std::string(member->get_string()) : std::string();
}

json::object const* object_member(json::object const& object, std::string_view name) {
  auto const* member = object.if_contains(json_text(name));
  return member ? member->if_object() : nullptr;
}

bool has_tools(json::object const& result) {
  auto const* capabilities = object_member(result, "capabilities");
  return capabilities && capabilities->contains("tools");
}

void read_server(json::object const* info, probe_result& found) {
  if (!info) return;
  found.server_name = text_member(*info, "name");
  found.server_version = text_member(*info, "version");
}

/// Codes by which a server of the stateless revision refuses a request without its metadata.
bool wants_metadata(std::int64_t code) {
  return code == rpc_code::unsupported_protocol_version || code == rpc_code::invalid_params ||
         code == rpc_code::invalid_request || code == rpc_code::header_mismatch ||
         code == rpc_code::missing_client_capability;
}

error refused(std::string_view method, rpc_error const& problem) {
  auto e = fail(errc::engine, fmt::format("the server refused {} (code {})", method, problem.code));
  e.engine_message = quoted(problem.message, 1000);
  return e;
}

/// "2025-11-25 and 2026-07-28" of an answer's list of revisions.
std::string listed(json::value const* revisions) {
  std::string text;
  if (!revisions || !revisions->is_array()) return text;
  for (auto const& revision : revisions->get_array())
    if (revision.is_string())
      text += (text.empty() ? "" : ", ") + quoted(std::string(revision.get_string()), 40);
  return text;
}

bool contains(json::value const* revisions, std::string_view revision) {
  if (!revisions || !revisions->is_array()) return false;
  return std::any_of(revisions->get_array().begin(), revisions->get_array().end(),
                     [&](json::value const& item) { return item == json_text(revision); });
}

}  // namespace

std::string_view readiness_exchange::awaits() const noexcept {
  switch (phase_) {
    case phase::initialize:
      return "initialize";
    case phase::discover:
      return "server/discover";
    case phase::list:
      return "tools/list";
  }
  return "initialize";
}

readiness_step readiness_exchange::start() {
  next_id_ = options_.first_id;
  return options_.initialised ? list_from_start() : ask_initialize();
}

outgoing_message readiness_exchange::request(std::string_view method, json::object params) {
  if (stateless_) params["_meta"] = request_metadata();
  pending_ = next_id_++;
  json::value body;
  if (!params.empty()) body = std::move(params);
  return {request_text(pending_, method, std::move(body)), std::string(method), true, stateless_,
          stateless_ ? std::string(stateless_revision) : found_.protocol_version};
}

readiness_step readiness_exchange::ask_initialize() {
  phase_ = phase::initialize;
  json::object params{{"protocolVersion", json_text(session_revision)},
                      {"capabilities", client_capabilities()},
                      {"clientInfo", client_info()}};
  return {{request("initialize", std::move(params))}, {}};
}

readiness_step readiness_exchange::ask_discover() {
  phase_ = phase::discover;
  stateless_ = true;
  return {{request("server/discover", {})}, {}};
}

readiness_step readiness_exchange::ask_tools(std::string_view cursor) {
  phase_ = phase::list;
  json::object params;
  if (!cursor.empty()) params["cursor"] = json_text(cursor);
  return {{request("tools/list", std::move(params))}, {}};
}

readiness_step readiness_exchange::list_from_start() {
  ++listings_;
  tools_changed_ = false;
  cursors_.clear();
  found_.tools.clear();
  return ask_tools({});
}

readiness_step readiness_exchange::feed(rpc_message const& message) {
  switch (message.is) {
    case rpc_message::kind::request:
      return answer(message);
    case rpc_message::kind::notification:
      tools_changed_ |= message.method == "notifications/tools/list_changed";
      return {};
    case rpc_message::kind::response:
      if (message.id != pending_) return {};
      if (auto const* outcome = message.result.if_object()) return on_result(*outcome);
      return failed(fmt::format("the server's result of {} is no object", awaits()));
    case rpc_message::kind::error_response:
      if (message.id != pending_ && (!message.id.is_null() || options_.ignore_unaddressed_errors))
        return {};
      return on_error(message.error);
  }
  return {};
}

readiness_step readiness_exchange::answer(rpc_message const& request) const {
  outgoing_message out;
  out.protocol_version = found_.protocol_version;
  if (request.method == "ping")
    out.text = response_text(request.id, {});
  else if (request.method == "roots/list")
    out.text = response_text(request.id, {{"roots", json::array()}});
  else
    out.text = error_text(request.id, rpc_code::method_not_found,
                          "thv-engine only checks that the server is ready");
  return {{std::move(out)}, {}};
}

readiness_step readiness_exchange::on_result(json::object const& result) {
  auto const kind = text_member(result, "resultType");
  if (!kind.empty() && kind != "complete")
    return failed(
        fmt::format("the server's result of {} is of the type '{}', which needs more "
                    "than a readiness check can give",
                    awaits(), quoted(kind, 40)));
  switch (phase_) {
    case phase::initialize:
      return on_initialized(result);
    case phase::discover:
      return on_discovered(result);
    case phase::list:
      return on_tools(result);
  }
  return {};
}

readiness_step readiness_exchange::on_initialized(json::object const& result) {
  auto const revision = text_member(result, "protocolVersion");
  if (revision.empty()) return failed("the server's result of initialize has no protocolVersion");
  if (std::find(session_revisions.begin(), session_revisions.end(), revision) ==
      session_revisions.end())
    return failed(fmt::format("the server answered with MCP revision '{}'", quoted(revision, 40)),
                  fmt::format("this version speaks {} and earlier, and {}", session_revision,
                              stateless_revision));
  found_.protocol_version = revision;
  found_.initialize_result = json::serialize(result);
  read_server(object_member(result, "serverInfo"), found_);
  auto step = has_tools(result) ? list_from_start() : finished();
  outgoing_message initialized{notification_text("notifications/initialized"),
                               "notifications/initialized", false, false, revision};
  step.send.insert(step.send.begin(), std::move(initialized));
  return step;
}

readiness_step readiness_exchange::on_discovered(json::object const& result) {
  auto const* revisions = result.if_contains("supportedVersions");
  if (!contains(revisions, stateless_revision))
    return failed(fmt::format("the server supports the MCP revisions '{}'", listed(revisions)),
                  fmt::format("this version speaks {} and earlier, and {}", session_revision,
                              stateless_revision));
  found_.protocol_version = stateless_revision;
  found_.initialize_result = json::serialize(result);
  read_server(object_member(result, "serverInfo"), found_);
  if (auto const* metadata = object_member(result, "_meta"))
    read_server(object_member(*metadata, "io.modelcontextprotocol/serverInfo"), found_);
  return has_tools(result) ? list_from_start() : finished();
}

readiness_step readiness_exchange::on_tools(json::object const& result) {
  auto const* tools = result.if_contains("tools");
  if (!tools || !tools->is_array()) return failed("the server's result of tools/list has no tools");
  for (auto const& tool : tools->get_array()) {
    auto const name = tool.is_object() ? text_member(tool.get_object(), "name") : std::string();
    if (name.empty()) return failed("the server's result of tools/list has a tool without a name");
    found_.tools.push_back(name);
  }
  if (found_.tools.size() > max_tools)
    return failed(fmt::format("the server lists more than {} tools", max_tools));
  return on_page_end(result);
}

readiness_step readiness_exchange::on_page_end(json::object const& result) {
  auto const cursor = text_member(result, "nextCursor");
  if (cursor.empty()) {
    if (tools_changed_ && listings_ < max_listings) return list_from_start();
    return finished();
  }
  if (!cursors_.insert(cursor).second)
    return failed("the server's tools/list gives the same cursor twice");
  if (cursors_.size() >= max_pages)
    return failed(fmt::format("the server's tools/list has more than {} pages", max_pages));
  return ask_tools(cursor);
}

readiness_step readiness_exchange::on_error(rpc_error const& problem) {
  if (phase_ == phase::initialize) {
    refusal_ = refused("initialize", problem);
    return ask_discover();
  }
  if (phase_ == phase::discover) {
    if (auto const* data = problem.data.if_object();
        data && problem.code == rpc_code::unsupported_protocol_version)
      return failed(fmt::format("the server supports the MCP revisions '{}'",
                                listed(data->if_contains("supported"))),
                    fmt::format("this version speaks {} and earlier, and {}", session_revision,
                                stateless_revision));
    return {{}, refusal_ ? *refusal_ : refused("server/discover", problem)};
  }
  if (options_.initialised) {
    if (problem.code == rpc_code::method_not_found) return finished();
    if (!stateless_ && wants_metadata(problem.code)) {
      stateless_ = true;
      return list_from_start();
    }
  }
  return {{}, refused("tools/list", problem)};
}

readiness_step readiness_exchange::failed(std::string message, std::string hint) const {
  return {{}, fail(errc::engine, std::move(message), std::move(hint))};
}

readiness_step readiness_exchange::finished() {
  if (stateless_) found_.protocol_version = stateless_revision;
  return {{}, std::move(found_)};
}

}  // namespace thv::mcp
