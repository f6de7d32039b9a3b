// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <thv/gateway/translate.hpp>
#include <thv/mcp/json_rpc.hpp>
#include <thv/mcp/readiness.hpp>
#include <thv/version.hpp>

namespace thv::gateway {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 4> legacy_revisions{"2024-11-05", "2025-03-26", "2025-06-18",
                                                           "2025-11-25"};
constexpr std::int64_t legacy_not_found = -32002;

json::string_view view(std::string_view s) {
  return {s.data(), s.size()};
}

/// The second label of a `_meta` key's prefix is `modelcontextprotocol` or `mcp`: the key is the
/// protocol's own (MCP 2026-07-28, "General fields", `_meta`).
bool is_reserved(std::string_view key) {
  auto const slash = key.find('/');
  if (slash == std::string_view::npos) return false;
  auto const prefix = key.substr(0, slash);
  auto const dot = prefix.find('.');
  if (dot == std::string_view::npos) return false;
  auto const second = prefix.substr(dot + 1, prefix.find('.', dot + 1) - dot - 1);
  return second == "modelcontextprotocol" || second == "mcp";
}

/// Reserved, and said anew on each hop. What ties a message to a task is not.
bool belongs_to_hop(std::string_view key) {
  return is_reserved(key) && key != "io.modelcontextprotocol/related-task";
}

void drop_hop_keys(json::object& meta) {
  for (auto i = meta.begin(); i != meta.end();)
    i = belongs_to_hop({i->key().data(), i->key().size()}) ? meta.erase(i) : i + 1;
}

json::object& object_in(json::object& parent, std::string_view key) {
  auto& value = parent[view(key)];
  if (!value.is_object()) value = json::object();
  return value.get_object();
}

json::value value_of(std::string_view text) {
  json::error_code ec;
  json::parse_options options;
  options.max_depth = 520;
  auto value = json::parse(view(text), ec, {}, options);
  return ec ? json::value() : value;
}

void set_token(json::object& meta, std::string_view token) {
  if (token.empty())
    meta.erase("progressToken");
  else
    meta["progressToken"] = value_of(token);
}

json::object stateless_form(std::string_view text, std::string_view id, std::string_view token,
                            envelope const& from) {
  auto message = value_of(text);
  if (!message.is_object()) return {};
  auto& root = message.get_object();
  root["id"] = value_of(id);
  auto& meta = object_in(object_in(root, "params"), "_meta");
  drop_hop_keys(meta);
  meta["io.modelcontextprotocol/protocolVersion"] = view(mcp::stateless_revision);
  auto capabilities = value_of(from.capabilities);
  if (!capabilities.is_object()) capabilities = json::object();
  capabilities.get_object().erase("tasks");
  meta["io.modelcontextprotocol/clientCapabilities"] = std::move(capabilities);
  if (auto info = value_of(from.info); info.is_object())
    meta["io.modelcontextprotocol/clientInfo"] = std::move(info);
  if (!from.log_level.empty()) meta["io.modelcontextprotocol/logLevel"] = view(from.log_level);
  set_token(meta, token);
  return std::move(root);
}

bool wants_cache_fields(std::string_view method) {
  return method == "server/discover" || method == "tools/list" || method == "prompts/list" ||
         method == "resources/list" || method == "resources/templates/list" ||
         method == "resources/read";
}

void add_cache_fields(json::object& result) {
  // Nothing is known of how long it holds, nor for whom.
  if (!result.contains("ttlMs")) result["ttlMs"] = 0;
  if (!result.contains("cacheScope")) result["cacheScope"] = "private";
}

void drop_tool_execution(json::object& result) {
  auto* tools = result.if_contains("tools");
  if (!tools || !tools->is_array()) return;
  for (auto& tool : tools->get_array())
    if (tool.is_object()) tool.get_object().erase("execution");
}

}  // namespace

bool is_legacy_revision(std::string_view revision) {
  return std::find(legacy_revisions.begin(), legacy_revisions.end(), revision) !=
         legacy_revisions.end();
}

json::value parsed(std::string_view text) {
  return value_of(text);
}

json::value const* member_at(json::value const& in, std::initializer_list<std::string_view> path) {
  auto const* at = &in;
  for (auto const key : path) {
    auto const* object = at->if_object();
    at = object ? object->if_contains(view(key)) : nullptr;
    if (!at) return nullptr;
  }
  return at;
}

std::string stateless_request(std::string_view text, std::string_view id, std::string_view token,
                              envelope const& from) {
  return json::serialize(stateless_form(text, id, token, from));
}

std::string stateless_retry(std::string_view text, std::string_view id, std::string_view token,
                            envelope const& from, std::string_view responses,
                            std::string_view state) {
  auto root = stateless_form(text, id, token, from);
  auto& params = object_in(root, "params");
  params["inputResponses"] = value_of(responses);
  if (!state.empty()) params["requestState"] = view(state);
  return json::serialize(root);
}

std::string legacy_request(std::string_view text, std::string_view id, std::string_view token) {
  auto message = value_of(text);
  if (!message.is_object()) return {};
  auto& root = message.get_object();
  root["id"] = value_of(id);
  auto& params = object_in(root, "params");
  params.erase("inputResponses");
  params.erase("requestState");
  auto& meta = object_in(params, "_meta");
  drop_hop_keys(meta);
  set_token(meta, token);
  if (meta.empty()) params.erase("_meta");
  return json::serialize(root);
}

std::string stateless_answer(std::string_view text, std::string_view id, std::string_view method,
                             std::string_view info) {
  auto message = value_of(text);
  if (!message.is_object()) return {};
  auto& root = message.get_object();
  root["id"] = value_of(id);
  if (auto* problem = root.if_contains("error"); problem && problem->is_object()) {
    auto& e = problem->get_object();
    auto const* code = e.if_contains("code");
    if (code && code->is_int64() && code->get_int64() == legacy_not_found)
      e["code"] = mcp::rpc_code::invalid_params;
    return json::serialize(root);
  }
  auto& result = object_in(root, "result");
  if (auto* meta = result.if_contains("_meta"); meta && meta->is_object())
    drop_hop_keys(meta->get_object());
  result["resultType"] = "complete";
  if (wants_cache_fields(method)) add_cache_fields(result);
  if (method == "tools/list") drop_tool_execution(result);
  if (auto server = value_of(info); server.is_object())
    object_in(result, "_meta")["io.modelcontextprotocol/serverInfo"] = std::move(server);
  return json::serialize(root);
}

std::string legacy_answer(std::string_view text, std::string_view id, std::string_view method) {
  auto message = value_of(text);
  if (!message.is_object()) return {};
  auto& root = message.get_object();
  root["id"] = value_of(id);
  auto* found = root.if_contains("result");
  if (!found || !found->is_object()) return json::serialize(root);
  auto& result = found->get_object();
  result.erase("resultType");
  if (wants_cache_fields(method)) {
    result.erase("ttlMs");
    result.erase("cacheScope");
  }
  if (auto* meta = result.if_contains("_meta"); meta && meta->is_object()) {
    drop_hop_keys(meta->get_object());
    if (meta->get_object().empty()) result.erase("_meta");
  }
  if (method == "tools/call") {
    // Before 2026-07-28 structured content is an object.
    if (auto* content = result.if_contains("structuredContent"); content && !content->is_object()) {
      auto const words = json::serialize(*content);
      json::value wrapped = json::object{{"result", std::move(*content)}};
      result["structuredContent"] = std::move(wrapped);
      auto* texts = result.if_contains("content");
      if (!texts || !texts->is_array() || texts->get_array().empty())
        result["content"] = json::array{json::object{{"type", "text"}, {"text", words}}};
    }
  }
  return json::serialize(root);
}

std::string server_info(std::string_view known) {
  auto const value = value_of(known);
  if (auto const* info = member_at(value, {"serverInfo"})) return json::serialize(*info);
  if (auto const* info = member_at(value, {"_meta", "io.modelcontextprotocol/serverInfo"}))
    return json::serialize(*info);
  return {};
}

std::string initialize_result(std::string_view known, std::string_view revision, bool shared) {
  auto const value = value_of(known);
  json::object result;
  auto const* own = member_at(value, {"protocolVersion"});
  result["protocolVersion"] = view(is_legacy_revision(revision) ? revision : newest_legacy);
  // A session of the member's own holds to what was agreed with it.
  if (!shared && own) result["protocolVersion"] = *own;
  json::value capabilities = json::object();
  if (auto const* c = member_at(value, {"capabilities"}); c && c->is_object()) capabilities = *c;
  if (shared) capabilities.get_object().erase("tasks");
  capabilities.get_object().erase("extensions");
  result["capabilities"] = std::move(capabilities);
  auto info = value_of(server_info(known));
  if (!info.is_object()) info = json::object{{"name", "unknown"}, {"version", "0"}};
  result["serverInfo"] = std::move(info);
  if (auto const* text = member_at(value, {"instructions"})) result["instructions"] = *text;
  return json::serialize(result);
}

std::string discover_result(std::string_view known) {
  auto const value = value_of(known);
  json::object result{{"resultType", "complete"},
                      {"supportedVersions", json::array{view(mcp::stateless_revision)}}};
  json::value capabilities = json::object();
  if (auto const* c = member_at(value, {"capabilities"}); c && c->is_object()) capabilities = *c;
  capabilities.get_object().erase("tasks");
  result["capabilities"] = std::move(capabilities);
  if (auto const* text = member_at(value, {"instructions"})) result["instructions"] = *text;
  add_cache_fields(result);
  if (auto info = value_of(server_info(known)); info.is_object())
    result["_meta"] = json::object{{"io.modelcontextprotocol/serverInfo", std::move(info)}};
  return json::serialize(result);
}

std::string without_reserved_meta(std::string_view text) {
  auto message = value_of(text);
  if (!message.is_object()) return std::string(text);
  for (auto const* part : {"params", "result"}) {
    auto* holder = message.get_object().if_contains(part);
    if (!holder || !holder->is_object()) continue;
    auto* meta = holder->get_object().if_contains("_meta");
    if (meta && meta->is_object()) drop_hop_keys(meta->get_object());
  }
  return json::serialize(message);
}

std::string tagged_notification(std::string_view method, std::string_view uri,
                                std::string_view subscription) {
  json::object params;
  if (!uri.empty()) params["uri"] = view(uri);
  params["_meta"] =
      json::object{{"io.modelcontextprotocol/subscriptionId", value_of(subscription)}};
  return json::serialize(
      json::object{{"jsonrpc", "2.0"}, {"method", view(method)}, {"params", std::move(params)}});
}

}  // namespace thv::gateway
