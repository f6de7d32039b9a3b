// SPDX-License-Identifier: Apache-2.0
#include "mcp_client.hpp"

#include <optional>
#include <set>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include <thv/mcp/json_rpc.hpp>
#include <thv/mcp/readiness.hpp>
#include <thv/version.hpp>

namespace thv::cli {

namespace json = boost::json;

mcp_client::~mcp_client() {
  if (headers_.contains("Mcp-Session-Id")) end_session(to_, headers_);
}

result<void> mcp_client::initialize(plugin::call const& c) {
  json::object params{{"protocolVersion", mcp::session_revision},
                      {"capabilities", json::object()},
                      {"clientInfo", {{"name", "thv-engine"}, {"version", version()}}}};
  THV_TRY(auto const result, request(c, "initialize", std::move(params)));
  if (auto const* agreed = result.if_contains("protocolVersion"); agreed && agreed->is_string())
    headers_["MCP-Protocol-Version"] = std::string(agreed->get_string());
  if (auto const* found = result.if_contains("capabilities"); found && found->is_object())
    capabilities_ = found->get_object();
  THV_TRY(auto const answer,
          post_message(c, to_, headers_, mcp::notification_text("notifications/initialized"),
                       [](std::string_view) { return true; }));
  if (answer.status / 100 != 2) return refused_by_gateway(answer);
  return {};
}

result<json::object> mcp_client::request(plugin::call const& c, std::string_view method,
                                         json::object params) {
  auto const id = ++last_id_;
  json::value body;
  if (!params.empty()) body = std::move(params);
  std::optional<mcp::rpc_message> found;
  result<void> readable;
  THV_TRY(auto const answer,
          post_message(c, to_, headers_, mcp::request_text(id, method, std::move(body)),
                       [&](std::string_view text) {
                         auto messages = mcp::parse_messages(text);
                         if (!messages) readable = std::move(messages).error();
                         if (!readable) return false;
                         for (auto& m : *messages)
                           if (m.id == id && m.method.empty()) found = std::move(m);
                         return !found;
                       }));
  if (answer.status / 100 != 2) return refused_by_gateway(answer);
  if (!readable) return std::move(readable).error();
  if (!found) return fail(errc::engine, fmt::format("there was no answer to {}", method));
  if (auto const session = answer.headers.find("mcp-session-id"); session != answer.headers.end())
    headers_["Mcp-Session-Id"] = session->second;
  if (found->is == mcp::rpc_message::kind::error_response) {
    auto e = fail(errc::engine, fmt::format("{} was refused (code {})", method, found->error.code));
    e.engine_message = mcp::quoted(found->error.message, 2000);
    return e;
  }
  if (!found->result.is_object())
    return fail(errc::engine, fmt::format("the result of {} is no object", method));
  return std::move(found->result.get_object());
}

result<json::array> mcp_client::list(plugin::call const& c, std::string const& method,
                                     std::string const& items) {
  json::array all;
  std::set<std::string> cursors;
  for (json::object params;;) {
    THV_TRY(auto const page, request(c, method, params));
    auto const* entries = page.if_contains(items);
    if (entries == nullptr || !entries->is_array())
      return fail(errc::engine, fmt::format("the result of {} has no '{}'", method, items));
    for (auto const& entry : entries->get_array()) all.push_back(entry);
    auto const* next = page.if_contains("nextCursor");
    if (next == nullptr || !next->is_string() || next->get_string().empty()) return all;
    if (!cursors.insert(std::string(next->get_string())).second)
      return fail(errc::engine, fmt::format("the pages of {} never end", method));
    params["cursor"] = next->get_string();
  }
}

}  // namespace thv::cli
