// SPDX-License-Identifier: Apache-2.0
// Calls between eras: what a member answers, and the rounds in which it asks for more.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>
#include <thv/gateway/translate.hpp>
#include <thv/mcp/json_rpc.hpp>

#include "member_message.hpp"
#include "service.hpp"

namespace thv::gateway {

namespace json = boost::json;

namespace {

constexpr int most_rounds = 10;

}  // namespace

void service::answer_crossing(channel& from, std::uint64_t slot, message const& in) {
  auto& placed = *from.find(slot);
  if (placed.stateless) {
    if (!placed.post) {  // parked: kept for when the client comes back
      placed.cross->outcome = in.text;
      return;
    }
    auto p = from.take(slot);
    bool const failed = in.kind == message_kind::error_response;
    finish(from, slot, p, failed);
    if (!p.cross->missing.empty() && !p.post->streaming()) {
      auto const value = parsed(in.text);
      auto const* problem = member_at(value, {"result", "isError"});
      if (failed || (problem && problem->is_bool() && problem->get_bool()))
        return answer_error(
            *p.post, p.id, 400, mcp::rpc_code::missing_client_capability,
            fmt::format("the server needs '{}' of its client", p.cross->missing),
            fmt::format(R"({{"requiredCapabilities":{{"{}":{{}}}}}})", p.cross->missing));
    }
    auto const text = stateless_answer(in.text, p.id, p.cross->method,
                                       server_info(from.of.known.initialize_result));
    if (failed && !p.post->streaming()) {
      auto const value = parsed(in.text);
      auto const* code = member_at(value, {"error", "code"});
      auto const status = status_of(code && code->is_int64() ? code->get_int64() : 0);
      if (status != 200) return p.post->reply(status, "application/json", text);
    }
    return p.post->reply_json(text, {}, {});
  }
  if (in.result_type == "input_required") return next_round(from, slot, in);
  auto p = from.take(slot);
  finish(from, slot, p, in.kind == message_kind::error_response);
  forget_asked(from, slot);
  auto const text = legacy_answer(in.text, p.id, p.cross->method);
  if (p.owner->over_sse) {
    if (p.owner->stream) p.owner->stream->event(text);
  } else if (p.post) {
    p.post->reply_json(text, {}, {});
  }
}

/// A stateless member wants input: the session's client is asked for each part.
void service::next_round(channel& from, std::uint64_t slot, message const& in) {
  auto& p = *from.find(slot);
  auto& x = *p.cross;
  if (++x.rounds > most_rounds) return fail_call(from, slot, "it asks for input without end");
  auto const value = parsed(in.text);
  x.questions.clear();
  x.state.clear();
  if (auto const* state = member_at(value, {"result", "requestState"}); state && state->is_string())
    x.state = std::string_view(state->get_string());
  auto const* wanted = member_at(value, {"result", "inputRequests"});
  auto& s = *p.owner;
  std::vector<std::string> texts;
  if (wanted && wanted->is_object()) {
    auto const declared = parsed(s.capabilities);
    for (auto const& one : wanted->get_object()) {
      auto const* method = member_at(one.value(), {"method"});
      auto const* params = member_at(one.value(), {"params"});
      if (!method || !method->is_string() || x.questions.size() >= most_questions ||
          s.asked.size() >= most_asked)
        return fail_call(from, slot, "it asks for input in a way that is not understood");
      std::string_view const name(method->get_string());
      auto const needs = needed_for(name);
      if (needs.empty() || !member_at(declared, {needs}))
        return fail_call(from, slot,
                         fmt::format("it needs '{}' of its client, which this one does not offer",
                                     needs.empty() ? name : needs));
      question q;
      q.key = std::string_view(one.key());
      q.method = name;
      auto const id = s.next_id++;
      q.id = std::to_string(id);
      s.asked.push_back({id, &from, {}, slot});
      json::object ask{{"jsonrpc", "2.0"}, {"id", id}, {"method", *method}};
      if (params) ask["params"] = *params;
      texts.push_back(json::serialize(ask));
      x.questions.push_back(std::move(q));
    }
  }
  if (texts.empty()) return continue_round(from, slot);
  for (auto const& text : texts)
    if (auto* still = from.find(slot)) related(*still, text);
}

/// When the client has answered everything, the call is made once more with the answers.
void service::continue_round(channel& from, std::uint64_t slot) {
  auto* placed = from.find(slot);
  if (!placed || !placed->cross) return;
  json::object responses;
  for (auto const& q : placed->cross->questions) {
    if (q.answer.empty()) return;
    responses[q.key] = parsed(q.answer);
  }
  auto p = from.take(slot);
  if (p.subject != 0 && from.of.voices.end(slot)) let_go_held(from.of);
  if (p.owner && p.owner->in_flight > 0) --p.owner->in_flight;
  if (from.of.client_calls > 0) --from.of.client_calls;
  auto* const c = p.post;
  if (c) c->call_channel = nullptr;  // until it is placed again
  p.cross->questions.clear();
  auto const state = std::exchange(p.cross->state, {});
  auto const responses_text = json::serialize(responses);
  // The same once more, under a new id.
  send_crossing(from, std::move(p), c, {}, &responses_text, state);
}

}  // namespace thv::gateway
