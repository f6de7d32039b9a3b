// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <string>

#include <boost/json.hpp>

/// A small MCP server with one tool, for the examples to run: JSON-RPC, one message a line.
namespace echo_server {

namespace json = boost::json;

inline json::value result_of(std::string const& method, json::object const& params) {
  if (method == "initialize")
    return {{"protocolVersion", params.at("protocolVersion")},
            {"capabilities", {{"tools", json::object()}}},
            {"serverInfo", {{"name", "echo"}, {"version", "1.0.0"}}}};
  if (method == "tools/list")
    return {
        {"tools",
         json::array{{{"name", "echo"},
                      {"description", "Says what it is told"},
                      {"inputSchema",
                       {{"type", "object"}, {"properties", {{"text", {{"type", "string"}}}}}}}}}}};
  if (method == "tools/call")
    return {
        {"content", json::array{{{"type", "text"}, {"text", params.at("arguments").at("text")}}}}};
  if (method == "ping") return json::object();
  return nullptr;
}

/// The answer to one message, or nothing to a notification.
inline std::string answer(std::string const& line) {
  auto const message = json::parse(line).as_object();
  auto const* const id = message.if_contains("id");
  if (!id) return {};
  std::string const method(message.at("method").as_string());
  auto const* const params = message.if_contains("params");
  auto result = result_of(method, params ? params->as_object() : json::object());
  json::object reply{{"jsonrpc", "2.0"}, {"id", *id}};
  if (result.is_null())
    reply["error"] = {{"code", -32601}, {"message", "method not found"}};
  else
    reply["result"] = std::move(result);
  return json::serialize(reply) + "\n";
}

/// Serves until the other side is gone.
inline void serve(int read_fd, int write_fd) {
  std::string input;
  char piece[4096];
  for (ssize_t n = 0; (n = ::read(read_fd, piece, sizeof piece)) > 0;) {
    input.append(piece, static_cast<std::size_t>(n));
    for (std::size_t end = 0; (end = input.find('\n')) != std::string::npos;) {
      auto const line = input.substr(0, end);
      input.erase(0, end + 1);
      auto const reply = line.empty() ? std::string() : answer(line);
      for (std::size_t sent = 0; sent < reply.size();) {
        auto const written = ::write(write_fd, reply.data() + sent, reply.size() - sent);
        if (written <= 0) return;
        sent += static_cast<std::size_t>(written);
      }
    }
  }
}

}  // namespace echo_server
