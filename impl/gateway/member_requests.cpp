// SPDX-License-Identifier: Apache-2.0
// What members ask: of clients, each question of the one whose call it belongs to.
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

constexpr std::size_t most_open = 256;            // of a member, whose owner is not known
constexpr std::uint32_t patience_for_owner = 30;  // seconds until a question must have one

}  // namespace

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

}  // namespace thv::gateway
