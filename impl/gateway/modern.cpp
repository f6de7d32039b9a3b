// SPDX-License-Identifier: Apache-2.0
// Clients of the stateless revision 2026-07-28: every request stands for itself.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>
#include <thv/gateway/header_value.hpp>
#include <thv/gateway/translate.hpp>
#include <thv/mcp/json_rpc.hpp>

#include "service.hpp"

namespace thv::gateway {

namespace json = boost::json;

namespace {

/// What that revision took away.
constexpr std::array<std::string_view, 5> removed{"initialize", "ping", "logging/setLevel",
                                                  "resources/subscribe", "resources/unsubscribe"};
/// What a call may be parked for: it comes back with answers.
constexpr std::array<std::string_view, 3> may_ask{"tools/call", "prompts/get", "resources/read"};

/// A client without a session: like no other.
constexpr attribution::caller stranger = std::uint64_t{1} << 62;

template <class List>
bool contains(List const& list, std::string_view what) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

std::string header_mismatch(std::string_view field) {
  return fmt::format("Bad Request: the header {} is missing or differs from the body", field);
}

}  // namespace

/// Checks what each request has to bear (MCP 2026-07-28, "Transports", "Standard MCP Request
/// Headers"), in the order that clients rely on.
bool service::modern_envelope(connection& c, http_request const& r, message const& in) {
  auto const refuse = [&](std::int64_t code, std::string_view text, std::string_view data = {}) {
    answer_error(c, in.id, 400, code, text, data);
    return false;
  };
  bool const request = in.kind == message_kind::request;
  if (request && (in.revision.empty() || !in.has_capabilities))
    return refuse(mcp::rpc_code::invalid_params,
                  "params._meta needs io.modelcontextprotocol/protocolVersion and "
                  "io.modelcontextprotocol/clientCapabilities");
  if (r.has_revision && !in.revision.empty() && r.revision != in.revision)
    return refuse(mcp::rpc_code::header_mismatch, header_mismatch("MCP-Protocol-Version"));
  if (r.has_mcp_method && r.mcp_method != in.method)
    return refuse(mcp::rpc_code::header_mismatch, header_mismatch("Mcp-Method"));
  if (!request) return true;
  if (in.revision != mcp::stateless_revision)
    return refuse(mcp::rpc_code::unsupported_protocol_version, "Unsupported protocol version",
                  fmt::format(R"({{"supported":["{}"],"requested":{}}})", mcp::stateless_revision,
                              quoted_json(mcp::quoted(in.revision, 40))));
  if (!r.has_revision)
    return refuse(mcp::rpc_code::header_mismatch, header_mismatch("MCP-Protocol-Version"));
  if (!r.has_mcp_method)
    return refuse(mcp::rpc_code::header_mismatch, header_mismatch("Mcp-Method"));
  if (auto const name = routing_name(in); name.data()) {
    auto const said = decode_header_value(r.mcp_name);
    if (!r.has_mcp_name || !said || *said != name)
      return refuse(mcp::rpc_code::header_mismatch, header_mismatch("Mcp-Name"));
  }
  return true;
}

void service::modern_message(served_member& m, connection& c, http_request& r, message const& in) {
  if (!modern_envelope(c, r, in)) return;
  if (in.kind != message_kind::request) return c.reply(202, {}, {});
  if (contains(removed, in.method))
    return answer_error(c, in.id, 404, mcp::rpc_code::method_not_found,
                        fmt::format("Method not found: {}", in.method));
  if (m.phase != member_phase::ready) {  // it sleeps: what is known of it serves
    std::string result;
    if (in.method == "server/discover") {
      result = discover_result(m.known.initialize_result);
    } else if (auto const list = m.known.lists.find(std::string(in.method));
               list != m.known.lists.end()) {
      auto const text = fmt::format(R"({{"jsonrpc":"2.0","id":0,"result":{}}})", list->second);
      return c.reply_json(
          stateless_answer(text, in.id, in.method, server_info(m.known.initialize_result)), {}, {});
    }
    if (!result.empty())
      return c.reply_json(fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":)", in.id), result,
                          "}");
  }
  bool const asking = !m.stateless_waiting.empty();
  if (!m.declared.streams && (!m.speaks_modern || (!*m.speaks_modern && (!m.shared || asking)))) {
    // The first of its kind: the request waits until it is known how to ask.
    need_modern(m, [this, &m, held = c.shared_from_this(), copy = r,
                    body = std::string(in.text)](std::string_view why) mutable {
      if (held->closed()) return;
      message again;
      copy.body = body;
      if (from_client_.scan(body, again) != message_fault::none) return held->close();
      if (!why.empty())
        return answer_error(
            *held, again.id, 200, -32000,
            fmt::format("the server '{}' cannot be reached: {}", m.declared.name, why));
      current_ = &copy;
      modern_message(m, *held, copy, again);
      current_ = nullptr;
    });
    return;
  }
  auto* to = m.declared.streams || !*m.speaks_modern ? m.shared.get() : &modern_channel(m);
  if (!to || !to->way())
    return answer_error(c, in.id, 200, -32000,
                        fmt::format("the server '{}' cannot be reached: {}", m.declared.name,
                                    m.why.empty() ? "it is starting" : m.why));
  if ((m.declared.streams || !to->stateless) && in.method == "tools/call") {
    // Over HTTP the member compares them itself.
    if (auto const wrong = wrong_parameter(m.known, in.text, r.parameters); !wrong.empty())
      return answer_error(c, in.id, 400, mcp::rpc_code::header_mismatch,
                          header_mismatch("Mcp-Param-" + wrong));
  }
  if (hold_back(*to, stranger, c, in)) return;
  if (!to->stateless) {
    if (in.method == "subscriptions/listen") return modern_listen(m, c, in);
    if (in.method == "server/discover")
      return c.reply_json(fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":)", in.id),
                          discover_result(m.known.initialize_result), "}");
    return modern_cross(m, c, in, *to);
  }
  pending p;
  p.stateless = true;
  bool const lasts = in.method == "subscriptions/listen";
  send_call(*to, std::move(p), c, in, in.text, r.parameters);
  if (lasts && c.call_channel == to)
    if (auto* placed = to->find(c.call_slot)) placed->deadline = 0;
}

void service::modern_cross(served_member& m, connection& c, message const& in, channel& to) {
  if (modern_resume(m, c, in)) return;
  auto const value = parsed(in.text);
  auto const said = [&](std::string_view key) {
    return member_at(value, {"params", "_meta", key});
  };
  pending p;
  p.stateless = true;
  p.cross = std::make_unique<crossing>();
  p.cross->method = in.method;
  p.cross->request = in.text;
  if (auto const* caps = said("io.modelcontextprotocol/clientCapabilities"))
    p.cross->capabilities = json::serialize(*caps);
  if (auto const* level = said("io.modelcontextprotocol/logLevel")) {
    p.cross->log_level = level->is_string() ? level_of(std::string_view(level->get_string())) : -1;
    if (p.cross->log_level < 0)
      return answer_error(c, in.id, 200, mcp::rpc_code::invalid_params, "unknown logging level");
  }
  p.id = in.id;
  p.token = in.progress_token;
  send_crossing(to, std::move(p), &c, routing_name(in));
}

// ---- calls that wait for their client's answers -------------------------------------------------

namespace {

/// Two messages ask for the same: their `params` are equal, but for what a retry adds.
bool same_call(std::string_view a, std::string_view b) {
  auto const bare = [](std::string_view text) {
    auto value = parsed(text);
    auto* root = value.if_object();
    auto* params = root ? root->if_contains("params") : nullptr;
    if (!params || !params->is_object()) return json::value();
    auto result = params->get_object();
    for (auto const* key : {"inputResponses", "requestState", "_meta"}) result.erase(key);
    json::object call{{"params", std::move(result)}};
    if (auto const* method = root->if_contains("method")) call["method"] = *method;
    return json::value(std::move(call));
  };
  return bare(a) == bare(b);
}

}  // namespace

/// The client comes back with answers: they go to the member, and the call waits on. False: the
/// request is a new one.
bool service::modern_resume(served_member& m, connection& c, message const& in) {
  if (!contains(may_ask, in.method)) return false;
  auto const value = parsed(in.text);
  auto const* state = member_at(value, {"params", "requestState"});
  auto const* responses = member_at(value, {"params", "inputResponses"});
  if (responses && !responses->is_object()) {
    answer_error(c, in.id, 200, mcp::rpc_code::invalid_params, "inputResponses must be an object");
    return true;
  }
  if (!state) return false;
  auto const bad = [&] {
    answer_error(c, in.id, 200, mcp::rpc_code::invalid_params,
                 "requestState is not of a call that waits: it is over, or was tampered with");
    return true;
  };
  if (!state->is_string()) return bad();
  auto const found = parked_.find(std::string(std::string_view(state->get_string())));
  if (found == parked_.end()) return bad();
  auto [at, slot] = found->second;
  auto* p = at->find(slot);
  if (&at->of != &m || !p || !p->cross || !same_call(p->cross->request, in.text)) return bad();
  parked_.erase(found);
  p->cross->state.clear();
  p->id = in.id;
  p->token = in.progress_token;
  p->post = &c;
  p->deadline = after(options.limits.call_time);
  c.call_channel = at;
  c.call_slot = slot;
  if (p->subject != 0) m.voices.start(slot, slot | std::uint64_t{1} << 63, p->subject);
  if (!p->cross->outcome.empty()) {
    auto const text = std::exchange(p->cross->outcome, {});
    message answer;
    if (from_member_.scan(text, answer) == message_fault::none) on_answer(*at, slot, answer);
    return true;
  }
  auto questions = std::exchange(p->cross->questions, {});
  for (auto& q : questions) {
    auto const* answer = responses ? member_at(*responses, {q.key}) : nullptr;
    if (answer && answer->is_object()) {
      answer_member(*at, q.id, fmt::format(R"("result":{})", json::serialize(*answer)));
    } else {
      p->cross->questions.push_back(std::move(q));
    }
  }
  if (!p->cross->questions.empty()) park(*at, *p, slot);
  return true;
}

/// Tells the stateless client what its member asks for, and keeps the call for when it comes back.
void service::park(channel& from, pending& p, std::uint64_t slot) {
  auto& x = *p.cross;
  // While it waits for us, the member says nothing more of this call: others may have their turn.
  if (p.subject != 0 && from.of.voices.end(slot)) let_go_held(from.of);
  x.state = random_id();
  parked_[x.state] = {&from, slot};
  p.deadline = after(options.limits.call_time);
  json::object requests;
  for (auto const& q : x.questions) requests[q.key] = parsed(q.answer);
  json::object result{{"resultType", "input_required"},
                      {"inputRequests", std::move(requests)},
                      {"requestState", x.state}};
  auto* const to = std::exchange(p.post, nullptr);
  to->call_channel = nullptr;
  to->reply_json(fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":)", p.id),
                 json::serialize(result), "}");
}

// ---- subscriptions
// --------------------------------------------------------------------------------

void service::modern_listen(served_member& m, connection& c, message const& in) {
  auto const value = parsed(in.text);
  auto const* wanted = member_at(value, {"params", "notifications"});
  if (!wanted || !wanted->is_object())
    return answer_error(c, in.id, 200, mcp::rpc_code::invalid_params,
                        "subscriptions/listen needs params.notifications");
  auto const known = parsed(m.known.initialize_result);
  auto const offered = [&](std::string_view kind, std::string_view what) {
    auto const* flag = member_at(known, {"capabilities", kind, what});
    return flag && flag->is_bool() && flag->get_bool();
  };
  auto const asked = [&](std::string_view key) {
    auto const* flag = member_at(*wanted, {key});
    return flag && flag->is_bool() && flag->get_bool();
  };
  listener l;
  l.number = next_listener_++;
  l.to = &c;
  l.id = in.id;
  l.tools = asked("toolsListChanged") && offered("tools", "listChanged");
  l.prompts = asked("promptsListChanged") && offered("prompts", "listChanged");
  l.resources = asked("resourcesListChanged") && offered("resources", "listChanged");
  json::object honoured;
  if (l.tools) honoured["toolsListChanged"] = true;
  if (l.prompts) honoured["promptsListChanged"] = true;
  if (l.resources) honoured["resourcesListChanged"] = true;
  auto const* uris = member_at(*wanted, {"resourceSubscriptions"});
  if (uris && uris->is_array() && offered("resources", "subscribe")) {
    for (auto const& uri : uris->get_array())
      if (uri.is_string() && l.uris.size() < 1024)
        l.uris.emplace_back(std::string_view(uri.get_string()));
    json::array taken;
    for (auto const& uri : l.uris) taken.emplace_back(uri);
    honoured["resourceSubscriptions"] = std::move(taken);
  }
  for (auto const& uri : l.uris) subscribe(m, uri, 1);
  c.listen = l.number;
  c.begin_events();
  json::object params{
      {"_meta", json::object{{"io.modelcontextprotocol/subscriptionId", parsed(in.id)}}},
      {"notifications", std::move(honoured)}};
  c.event(json::serialize(json::object{{"jsonrpc", "2.0"},
                                       {"method", "notifications/subscriptions/acknowledged"},
                                       {"params", std::move(params)}}));
  c.listening_to = &m;
  m.listeners.push_back(std::move(l));
}

void service::end_listener(served_member& m, std::uint64_t number, bool tell) {
  auto const at = std::find_if(m.listeners.begin(), m.listeners.end(),
                               [&](auto const& l) { return l.number == number; });
  if (at == m.listeners.end()) return;
  auto const l = std::move(*at);
  m.listeners.erase(at);
  l.to->listen = 0;
  l.to->listening_to = nullptr;
  if (tell) {
    l.to->event(
        fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{{"resultType":"complete","_meta":)"
                    R"({{"io.modelcontextprotocol/subscriptionId":{}}}}}}})",
                    l.id, l.id));
    l.to->end_events();
  }
  for (auto const& uri : l.uris) subscribe(m, uri, -1);
}

}  // namespace thv::gateway
