// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <thv/mcp/json_rpc.hpp>

namespace thv::mcp {

namespace json = boost::json;

namespace {

error malformed(std::string why) {
  return fail(errc::engine, "no JSON-RPC message: " + why);
}

rpc_error read_error(json::object const& object) {
  rpc_error error;
  if (auto const* code = object.if_contains("code")) {
    if (code->is_int64()) error.code = code->get_int64();
    // Not every server writes 1 as an integer; what is beyond every code stays 0.
    if (code->is_double() && std::abs(code->get_double()) < 1e15)
      error.code = static_cast<std::int64_t>(code->get_double());
  }
  if (auto const* text = object.if_contains("message"); text && text->is_string())
    error.message = text->get_string();
  if (auto const* data = object.if_contains("data")) error.data = *data;
  return error;
}

bool usable_id(json::value const& id) {
  return id.is_string() || id.is_int64() || id.is_uint64() || id.is_double();
}

result<rpc_message> read_call(json::object const& object, json::value const& method,
                              rpc_message message) {
  if (!method.is_string()) return malformed("its method is no string");
  message.method = method.get_string();
  if (auto const* params = object.if_contains("params")) message.params = *params;
  message.is = usable_id(message.id) ? rpc_message::kind::request : rpc_message::kind::notification;
  return message;
}

result<rpc_message> read_message(json::value const& value) {
  auto const* object = value.if_object();
  if (!object) return malformed("it is no object");
  auto const* version = object->if_contains("jsonrpc");
  if (!version || *version != "2.0") return malformed("it has no jsonrpc \"2.0\"");
  rpc_message message;
  if (auto const* id = object->if_contains("id")) message.id = *id;
  if (auto const* method = object->if_contains("method"))
    return read_call(*object, *method, std::move(message));
  if (auto const* problem = object->if_contains("error")) {
    if (!problem->is_object()) return malformed("its error is no object");
    message.is = rpc_message::kind::error_response;
    message.error = read_error(problem->get_object());
    return message;
  }
  auto const* outcome = object->if_contains("result");
  if (!outcome) return malformed("it has neither method, result nor error");
  if (!usable_id(message.id)) return malformed("its result has no id");
  message.is = rpc_message::kind::response;
  message.result = *outcome;
  return message;
}

std::string text_of(json::object message) {
  message["jsonrpc"] = "2.0";
  return json::serialize(message);
}

}  // namespace

result<std::vector<rpc_message>> parse_messages(std::string_view text) {
  json::parse_options options;
  options.max_depth = 256;
  json::error_code problem;
  auto const value = json::parse({text.data(), text.size()}, problem, {}, options);
  if (problem) return malformed(problem.message());
  std::vector<rpc_message> messages;
  if (auto const* batch = value.if_array()) {
    if (batch->empty()) return malformed("it is an empty batch");
    for (auto const& item : *batch) {
      THV_TRY(auto message, read_message(item));
      messages.push_back(std::move(message));
    }
    return messages;
  }
  THV_TRY(auto message, read_message(value));
  messages.push_back(std::move(message));
  return messages;
}

std::string request_text(std::int64_t id, std::string_view method, json::value params) {
  json::object message{{"id", id}, {"method", json::string_view(method.data(), method.size())}};
  if (!params.is_null()) message["params"] = std::move(params);
  return text_of(std::move(message));
}

std::string notification_text(std::string_view method) {
  return text_of({{"method", json::string_view(method.data(), method.size())}});
}

std::string response_text(json::value const& id, json::object outcome) {
  return text_of({{"id", id}, {"result", std::move(outcome)}});
}

std::string error_text(json::value const& id, std::int64_t code, std::string_view message) {
  json::object problem{{"code", code},
                       {"message", json::string_view(message.data(), message.size())}};
  return text_of({{"id", id}, {"error", std::move(problem)}});
}

std::string quoted(std::string_view text, std::size_t limit) {
  bool const cut = text.size() > limit;
  if (cut) {
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
    text = text.substr(0, limit);
  }
  std::string quote(text);
  for (auto& c : quote)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return cut ? quote + "…" : quote;
}

}  // namespace thv::mcp
