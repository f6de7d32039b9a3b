// SPDX-License-Identifier: Apache-2.0
// What members say: each message to whom it belongs, and to nobody else.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <thv/gateway/translate.hpp>
#include <thv/mcp/json_rpc.hpp>

#include "member_message.hpp"
#include "service.hpp"

namespace thv::gateway {

bool service::on_member_message(channel& from, std::string_view text, std::uint64_t slot) {
  auto& m = from.of;
  if (m.greeting && m.shared.get() == &from) {
    auto const all = mcp::parse_messages(text);
    if (!all) return false;  // not a message: something that a server prints as it starts
    for (auto const& one : *all) {
      if (!m.greeting) break;
      greeted(m, m.greeting->feed(one));
    }
    return true;
  }
  message in;
  auto const fault = from_member_.scan(text, in);
  if (fault != message_fault::none) {
    bool const large = fault == message_fault::range;
    if (!large) log(log_line::level::debug, m.declared.name, "it wrote a line that is no message");
    // Whoever waits for it waits no longer, where it says what it was to answer.
    std::uint64_t asked = 0;
    bool const names_call = in.method.empty() && !in.id.empty() && from.find(in.id, asked);
    if (!names_call) asked = slot;
    if (asked != 0)
      fail_call(
          from, asked,
          large ? "it sent a number larger than any double" : "its answer is no JSON-RPC message");
    return false;
  }
  std::uint64_t number = 0;
  switch (in.kind) {
    case message_kind::response:
    case message_kind::error_response:
      if (!from.find(in.id, number)) {
        // An error without an id, over HTTP, is about the request that it answers.
        if (!in.id.empty() || slot == 0 || !from.find(slot)) return false;
        number = slot;
      }
      on_answer(from, number, in);
      return true;
    case message_kind::request:
      on_request_of(from, slot, in);
      return false;
    case message_kind::notification:
      on_notification_of(from, slot, in);
      return false;
  }
  return false;
}

// ---- answers ----------------------------------------------------------------------------------

void service::finish(channel& from, std::uint64_t slot, pending& p, bool failed) {
  auto& m = from.of;
  if (p.subject != 0 && m.voices.end(slot)) let_go_held(m);
  if (!m.questions.empty() && &from == m.shared.get())
    asio::post(io, [this, &m] {
      if (!m.gone && m.shared) settle_questions(*m.shared);
    });
  if (p.owner && p.owner->in_flight > 0) --p.owner->in_flight;
  if (p.post) p.post->call_channel = nullptr;
  if (p.done) return;
  if (m.client_calls > 0) --m.client_calls;
  ++m.calls;
  if (failed) ++m.errors;
  m.last_used = last_call_ = now_;
  auto const took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - p.since).count();
  m.latency_sum += took;
  std::size_t i = 0;
  for (double bound = 0.0001; i + 1 < m.latency.size() && took > bound; ++i) bound *= 4;
  ++m.latency[i];
}

void service::on_answer(channel& from, std::uint64_t slot, message const& in) {
  auto& placed = *from.find(slot);
  if (placed.cross) return answer_crossing(from, slot, in);
  auto p = from.take(slot);
  finish(from, slot, p, in.kind == message_kind::error_response);
  if (p.done) return p.done(&in, {});
  std::string clean;
  message again = in;
  if (in.reserved_meta && !p.stateless) {
    clean = without_reserved_meta(in.text);
    if (from_member_.scan(clean, again) != message_fault::none) {
      // The last digit of a number at the edge of what a double holds was rounded up.
      clean = fmt::format(R"({{"jsonrpc":"2.0","id":{},"error":{{"code":-32000,"message":)"
                          R"("the server's answer cannot be written again"}}}})",
                          slot);
      (void)from_member_.scan(clean, again);
    }
  }
  if (p.stateless && !again.subscription_id.empty() && !again.id.empty() && p.post) {
    std::string text;
    append_with(text, again.text, {again.id, p.id}, {again.subscription_id, p.id});
    return p.post->reply_json(text, {}, {});
  }
  auto const id = again.id.empty() ? std::string_view("null") : again.id;
  auto const head = again.id.empty() ? again.text : head_of(again, id);
  auto const tail = again.id.empty() ? std::string_view() : tail_of(again, id);
  std::string_view const own = again.id.empty() ? std::string_view() : std::string_view(p.id);
  if (p.greets) return initialized(from, p, again, head, own, tail);
  if (p.stateless && in.kind == message_kind::error_response && p.post && !p.post->streaming()) {
    auto const value = parsed(again.text);
    auto const* code = member_at(value, {"error", "code"});
    auto const status = status_of(code && code->is_int64() ? code->get_int64() : 0);
    if (status != 200) {
      std::string body(head);
      body.append(own).append(tail);
      return p.post->reply(status, "application/json", body);
    }
  }
  if (p.owner && p.owner->over_sse) {
    if (p.owner->stream) p.owner->stream->event(head, own, tail);
    return;
  }
  if (p.post) p.post->reply_json(head, own, tail);
}

/// A member over HTTP answered a client's `initialize`.
void service::initialized(channel& from, pending& p, message const& in, std::string_view head,
                          std::string_view id, std::string_view tail) {
  auto& s = *p.owner;
  if (in.kind == message_kind::error_response) {
    if (p.post) p.post->reply_json(head, id, tail);
    auto const code = parsed(in.text);
    auto const* number = member_at(code, {"error", "code"});
    if (number && number->is_int64() &&
        number->get_int64() == mcp::rpc_code::unsupported_protocol_version)
      from.of.known = {};  // it has changed its era: found out when it is opened again
    if (!s.over_sse) end_session(s);
    return;
  }
  auto const value = parsed(in.text);
  if (auto const* revision = member_at(value, {"result", "protocolVersion"});
      revision && revision->is_string())
    s.revision = std::string_view(revision->get_string());
  if (from.way()) from.way()->agree(s.revision);
  if (s.over_sse) {
    if (s.stream) s.stream->event(head, id, tail);
  } else if (p.post) {
    p.post->reply_json(head, id, tail, fmt::format("Mcp-Session-Id: {}\r\n", s.id));
  } else {
    end_session(s);
  }
}

// ---- failures -----------------------------------------------------------------------------------

void service::on_call_failed(channel& from, std::uint64_t slot, int status, std::string_view why) {
  auto& m = from.of;
  if (m.greeting && m.shared.get() == &from) {
    if (slot != m.greeting_slot) return;
    auto const text = std::string(why);
    m.greeting.reset();
    drop_channel(from, text);
    return become_down(m, text);
  }
  fail_call(from, slot, why, status);
}

void service::fail_call(channel& from, std::uint64_t slot, std::string_view why, int status) {
  if (!from.find(slot)) return;
  auto const reason = std::string(why);
  auto p = from.take(slot);
  finish(from, slot, p, true);
  if (p.cross && !p.cross->state.empty()) parked_.erase(p.cross->state);
  if (p.cross) forget_asked(from, slot);
  if (p.done) return p.done(nullptr, reason);
  auto const text =
      fmt::format("the server '{}' did not answer: {}", from.of.declared.name, reason);
  bool const unauthenticated = status == 401 || status == 403;
  if (p.owner && p.owner->over_sse) {
    if (p.owner->stream)
      p.owner->stream->event(fmt::format(R"({{"jsonrpc":"2.0","id":{},"error":{{"code":-32000,)"
                                         R"("message":{}}}}})",
                                         p.id, quoted_json(text)));
  } else if (p.post) {
    answer_error(*p.post, p.id, 200, -32000,
                 unauthenticated ? text + "; check the headers that it is run with" : text);
  }
  if (p.greets && p.owner && !p.owner->over_sse) end_session(*p.owner);
}

}  // namespace thv::gateway
