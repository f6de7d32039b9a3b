// SPDX-License-Identifier: Apache-2.0
// What members say: each message to whom it belongs, and to nobody else.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>
#include <thv/gateway/translate.hpp>
#include <thv/mcp/json_rpc.hpp>

#include "service.hpp"

namespace thv::gateway {

namespace json = boost::json;

namespace {

constexpr int most_rounds = 10;
constexpr std::size_t most_asked = 256;           // of a session's client
constexpr std::size_t most_questions = 64;        // of one call
constexpr std::size_t most_open = 256;            // of a member, whose owner is not known
constexpr std::uint32_t patience_for_owner = 30;  // seconds until a question must have one

std::string_view head_of(message const& in, std::string_view part) {
  return {in.text.data(), static_cast<std::size_t>(part.data() - in.text.data())};
}
std::string_view tail_of(message const& in, std::string_view part) {
  auto const* from = part.data() + part.size();
  return {from, static_cast<std::size_t>(in.text.data() + in.text.size() - from)};
}

/// The capability that a client must have declared to be asked this.
std::string_view needed_for(std::string_view method) {
  if (method == "sampling/createMessage") return "sampling";
  if (method == "elicitation/create") return "elicitation";
  if (method == "roots/list") return "roots";
  return {};
}

int status_of(std::int64_t code) {
  if (code == mcp::rpc_code::method_not_found) return 404;
  if (code == mcp::rpc_code::header_mismatch || code == mcp::rpc_code::missing_client_capability ||
      code == mcp::rpc_code::unsupported_protocol_version)
    return 400;
  return 200;
}

}  // namespace

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

// ---- requests of members ------------------------------------------------------------------------

/// A member that asks and does not read is not given endless answers: they are dropped.
bool service::takes_more(channel const& to) const {
  return to.way() && to.way()->queued() <= options.limits.member_queue;
}

void service::answer_member(channel& to, std::string_view raw_id, std::string_view body) {
  if (!takes_more(to)) return;
  std::string text = R"({"jsonrpc":"2.0","id":)";
  text.append(raw_id).append(",").append(body).append("}");
  outgoing o;
  o.text = text;
  o.kind = message_kind::response;
  to.way()->send(o);
}

void service::refuse_member(channel& from, std::string_view id, std::string_view why) {
  answer_member(from, id,
                fmt::format(R"("error":{{"code":-32603,"message":{}}})", quoted_json(why)));
}

void service::on_request_of(channel& from, std::uint64_t slot, message const& in) {
  if (in.method == "ping") return answer_member(from, in.id, R"("result":{})");
  if (from.stateless) {  // no such thing in that revision, and over HTTP no way to say so
    if (!from.of.declared.streams) return;
    return answer_member(from, in.id, R"("error":{"code":-32601,"message":"Method not found"})");
  }
  if (auto* s = from.of_session) {
    auto* p = slot != 0 ? from.find(slot) : nullptr;
    asked_client a;
    a.from = &from;
    a.member_id = in.id;
    return ask_session(*s, p, std::move(a), in);
  }
  if (auto* p = slot != 0 ? speaker(from, slot) : nullptr)
    return on_shared_request(from, *p, slot, in);
  if (from.of.questions.size() >= most_open)
    return refuse_member(from, in.id, "too many questions are open");
  open_question q;
  q.text = in.text;
  q.until = now_ + patience_for_owner;
  from.each([&](std::uint64_t number, pending& p) {
    // A call that is parked waits for its client, not for an answer to something new.
    bool const parked = p.stateless && p.cross && !p.cross->state.empty();
    if (!p.done && (p.owner || p.stateless) && p.deadline != 0 && !parked)
      q.candidates.push_back(number);
  });
  from.of.questions.push_back(std::move(q));
  settle_questions(from);
}

/// The call that is left when all are one caller's; 0 if there is none.
std::uint64_t service::only_caller(channel& from, std::vector<std::uint64_t> const& among,
                                   bool& several) {
  pending* only = nullptr;
  std::uint64_t last = 0;
  several = false;
  for (auto const slot : among) {
    auto* p = from.find(slot);
    if (!p) continue;
    if (only && (p->stateless || only->stateless || p->owner != only->owner)) several = true;
    only = p;
    last = slot;
  }
  return last;
}

void service::settle_questions(channel& from) {
  auto& m = from.of;
  auto all = std::exchange(m.questions, {});
  for (auto& q : all) {
    bool several = false;
    auto const slot = only_caller(from, q.candidates, several);
    if (several && q.until > now_) {
      m.questions.push_back(std::move(q));
      continue;
    }
    message in;
    if (from_questions_.scan(q.text, in) != message_fault::none) continue;
    if (slot != 0 && !several) {
      auto& p = *from.find(slot);
      m.voices.spoke(slot, p.subject);
      on_shared_request(from, p, slot, in);
    } else if (in.method == "roots/list") {
      answer_member(from, in.id, R"("result":{"roots":[]})");
    } else {
      refuse_member(from, in.id,
                    "no client can be asked: it cannot be told whose call this belongs to");
    }
  }
}

void service::on_shared_request(channel& from, pending& asked, std::uint64_t slot,
                                message const& in) {
  auto* const p = &asked;
  auto const needs = needed_for(in.method);
  if (p->stateless) {
    if (!p->cross || needs.empty() || !member_at(parsed(p->cross->capabilities), {needs})) {
      if (p->cross) p->cross->missing = needs;
      return answer_member(from, in.id, R"("error":{"code":-32601,"message":"Method not found"})");
    }
    if (p->cross->questions.size() >= most_questions)
      return refuse_member(from, in.id, "the client has too many questions open");
    auto const value = parsed(in.text);
    json::object ask{{"method", json::string_view(in.method.data(), in.method.size())}};
    auto const* params = member_at(value, {"params"});
    ask["params"] = params ? *params : json::value(json::object());
    question q;
    q.key = fmt::format("input_{}", ++p->cross->rounds);
    q.id = in.id;
    q.method = in.method;
    q.answer = json::serialize(ask);  // what is asked, until it is answered
    p->cross->questions.push_back(std::move(q));
    if (p->post) park(from, *p, slot);
    return;
  }
  auto& s = *p->owner;
  bool const can = needs == "sampling"      ? s.samples
                   : needs == "elicitation" ? s.elicits
                   : needs == "roots"       ? s.has_roots
                                            : false;
  if (!can) {
    if (in.method == "roots/list") return answer_member(from, in.id, R"("result":{"roots":[]})");
    return answer_member(from, in.id, R"("error":{"code":-32601,"message":"Method not found"})");
  }
  asked_client a;
  a.from = &from;
  a.member_id = in.id;
  ask_session(s, p, std::move(a), in);
}

void service::ask_session(session& s, pending* p, asked_client a, message const& in) {
  if (s.asked.size() >= most_asked)
    return refuse_member(*a.from, in.id, "the client has too many questions open");
  a.id = s.next_id++;
  auto const number = std::to_string(a.id);
  s.asked.push_back(std::move(a));
  if (p && (p->post || s.over_sse)) {
    p->deadline = after(options.limits.call_time);
    return related(*p, head_of(in, in.id), number, tail_of(in, in.id));
  }
  to_stream(s, head_of(in, in.id), number, tail_of(in, in.id));
}

/// Something that belongs to a request, before its answer.
void service::related(pending& p, std::string_view head, std::string_view middle,
                      std::string_view tail) {
  if (p.owner && p.owner->over_sse) {
    if (p.owner->stream) p.owner->stream->event(head, middle, tail);
    return;
  }
  if (p.post) {
    p.post->begin_events();
    return p.post->event(head, middle, tail);
  }
  if (p.owner) to_stream(*p.owner, head, middle, tail);
}

// ---- notifications of members -------------------------------------------------------------------

/// The call that a message of a shared session belongs to, where only the circumstances tell: all
/// calls in flight are one client's.
pending* service::speaker(channel& from, std::uint64_t& slot) {
  if (slot != 0) {
    auto* p = from.find(slot);
    return p && (p->owner || p->stateless) ? p : nullptr;
  }
  auto& voices = from.of.voices;
  if (voices.any_open()) {
    auto const owner = voices.owner();
    slot = owner.value_or(0);
    return owner ? from.find(slot) : nullptr;
  }
  pending* only = nullptr;
  bool several = false;
  from.each([&](std::uint64_t number, pending& p) {
    if (p.done || (!p.owner && !p.stateless) || p.deadline == 0) return;
    voices.heard(p.subject);
    if (only && (p.stateless || only->stateless || p.owner != only->owner)) several = true;
    only = &p;
    slot = number;
  });
  return several ? nullptr : only;
}

void service::on_notification_of(channel& from, std::uint64_t slot, message const& in) {
  auto& m = from.of;
  if (!in.subscription_id.empty()) {
    std::uint64_t number = 0;
    auto* p = from.find(in.subscription_id, number);
    if (!p) return;
    if (number == from.next_listening) {
      if (in.method == "notifications/subscriptions/acknowledged") changes_followed(from);
      return;
    }
    if (number != from.listening)
      return related(*p, head_of(in, in.subscription_id), p->id, tail_of(in, in.subscription_id));
    if (in.method == "notifications/subscriptions/acknowledged") return;
  } else if (in.method == "notifications/progress") {
    std::uint64_t number = 0;
    auto* p = in.progress_token.empty() ? nullptr : from.find(in.progress_token, number);
    if (!p || p->token.empty()) return;
    p->deadline = after(options.limits.call_time);
    return related(*p, head_of(in, in.progress_token), p->token, tail_of(in, in.progress_token));
  } else if (in.method == "notifications/cancelled") {
    return member_cancels(from, in);
  } else if (from.of_session) {
    auto* p = slot != 0 ? from.find(slot) : nullptr;
    if (p && p->post) return related(*p, in.text);
    return to_stream(*from.of_session, in.text);
  } else if (in.method == "notifications/message") {
    return log_of_member(from, slot, in);
  }
  changed(m, in);
}

/// The member does not wait for an answer any more.
void service::member_cancels(channel& from, message const& in) {
  for (auto* s : from.of.sessions) {
    auto const at = std::find_if(s->asked.begin(), s->asked.end(), [&](asked_client const& a) {
      return a.from == &from && a.member_id == in.request_id && !a.member_id.empty();
    });
    if (at == s->asked.end()) continue;
    auto const number = std::to_string(at->id);
    s->asked.erase(at);
    return to_stream(*s, head_of(in, in.request_id), number, tail_of(in, in.request_id));
  }
  from.each([&](std::uint64_t, pending& p) {
    if (p.cross)
      std::erase_if(p.cross->questions, [&](question const& q) { return q.id == in.request_id; });
  });
}

void service::log_of_member(channel& from, std::uint64_t slot, message const& in) {
  auto& m = from.of;
  int const level = level_of(in.level);
  bool const idle = m.client_calls == 0;
  auto const wants = [&](session const& s) {
    // Who asked for nothing hears what a server says by itself, but not what others asked for.
    if (s.log_level >= 0) return level >= s.log_level;
    return m.log_level < 0 || level >= level_of("info");
  };
  auto number = slot;
  if (auto* p = speaker(from, number)) {
    if (p->stateless) {
      bool const heard = p->cross ? p->cross->log_level >= 0 && level >= p->cross->log_level : true;
      if (heard && p->post) related(*p, in.text);
      return;
    }
    if (wants(*p->owner)) related(*p, in.text);
    return;
  }
  if (!idle) return;  // whose it is cannot be told: nobody gets another's
  for (auto* s : m.sessions)
    if (!s->own && wants(*s)) to_stream(*s, in.text);
}

/// Something changed at the member: told to all who want to hear it.
void service::changed(served_member& m, message const& in) {
  bool const tools = in.method == "notifications/tools/list_changed";
  bool const prompts = in.method == "notifications/prompts/list_changed";
  bool const resources = in.method == "notifications/resources/list_changed";
  bool const updated = in.method == "notifications/resources/updated";
  if (tools || prompts || resources) m.refresh_lists = true;
  if (!tools && !prompts && !resources && !updated) return;
  std::string const method(in.method);
  std::string const uri(in.uri);
  auto const text = in.reserved_meta ? without_reserved_meta(in.text) : std::string(in.text);
  for (auto* s : m.sessions) {
    if (s->own) continue;
    if (updated &&
        std::find(s->subscriptions.begin(), s->subscriptions.end(), uri) == s->subscriptions.end())
      continue;
    to_stream(*s, text);
  }
  for (auto const& l : m.listeners) {
    bool const wanted =
        updated ? std::find(l.uris.begin(), l.uris.end(), uri) != l.uris.end()
                : (tools && l.tools) || (prompts && l.prompts) || (resources && l.resources);
    if (wanted) l.to->event(tagged_notification(method, uri, l.id));
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
