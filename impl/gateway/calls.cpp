// SPDX-License-Identifier: Apache-2.0
// How a client's request goes to its member, and how it is taken back.
#include <utility>

#include <fmt/format.h>
#include <thv/gateway/translate.hpp>
#include <thv/mcp/json_rpc.hpp>

#include "service.hpp"

namespace thv::gateway {

namespace {

constexpr std::uint32_t patience_unknown =
    2;  // seconds, while it is not known whether a call speaks
constexpr std::uint32_t patience_heard = 50;  // where it does
constexpr std::size_t most_held_bytes = 64u << 20;

attribution::caller caller_of(session const* owner, std::uint64_t slot) {
  // A client without a session is a stranger with each request.
  return owner ? reinterpret_cast<attribution::caller>(owner) : (slot | std::uint64_t{1} << 63);
}

}  // namespace

/// Nothing but the circumstances tells whose a message on this channel is.
bool service::shares_stream(channel const& c) const {
  return !c.of_session && &c == c.of.shared.get() &&
         (c.of.declared.streams || c.of.declared.transport == transport::sse);
}

bool service::hold_back(channel& to, attribution::caller who, connection& c, message const& in) {
  if (!shares_stream(to)) return false;
  auto& m = to.of;
  auto const subject = m.voices.subject(in.method, routing_name(in));
  if (subject == 0 || c.waited || m.voices.may_start(who, subject)) return false;
  if (m.held.size() >= options.limits.calls_per_member || m.held_bytes > most_held_bytes)
    return false;
  waiting_request w;
  w.from = c.shared_from_this();
  w.request = *current_;
  w.body = in.text;
  w.until = now_ + (m.voices.was_heard(subject) ? patience_heard : patience_unknown);
  w.must_wait = m.voices.was_heard(subject);
  m.held_bytes += w.body.size();
  m.held.push_back(std::move(w));
  c.waiting = true;
  return true;
}

/// A call has ended: those that waited for it have their turn, in the order in which they came.
void service::let_go_held(served_member& m) {
  if (m.held.empty() || m.releasing) return;
  m.releasing = true;
  asio::post(io, [this, &m] {
    m.releasing = false;
    auto all = std::exchange(m.held, {});
    m.held_bytes = 0;
    while (!all.empty()) {
      auto w = std::move(all.front());
      all.pop_front();
      if (!w.from->closed()) serve_again(m, w);
      if (m.held.empty()) continue;
      // It has to wait on, and so have those behind it.
      for (auto& later : all) {
        m.held_bytes += later.body.size();
        m.held.push_back(std::move(later));
      }
      return;
    }
  });
}

void service::serve_again(served_member& m, waiting_request& w) {
  w.from->waiting = false;
  w.request.body = w.body;
  current_ = &w.request;
  auto const before = m.held.size();
  auto const until = w.until;
  if (!w.from->answers_to.empty())
    serve_sse_message(m, *w.from, w.request);
  else
    serve_post(m, *w.from, w.request);
  if (m.held.size() > before) m.held.back().until = until;
  current_ = nullptr;
}

/// More cannot wait for the member, whatever the channel.
bool service::busy(channel const& to) const {
  auto const most = options.limits.calls_per_member;
  return to.in_flight() >= most || to.of.client_calls >= most || !takes_more(to);
}

void service::send_call(channel& to, pending p, connection& c, message const& in,
                        std::string_view text, std::string_view parameters) {
  auto& m = to.of;
  if (busy(to)) {
    ++m.errors;
    if (p.greets && p.owner) end_session(*p.owner);
    return answer_error(
        c, in.id, 200, -32000,
        fmt::format("the server '{}' is busy: too many calls wait for it", m.declared.name));
  }
  p.id = in.id;
  p.token = in.progress_token;
  p.since = std::chrono::steady_clock::now();
  p.deadline = after(options.limits.call_time);
  bool const on_stream = p.owner && p.owner->over_sse;
  if (!on_stream) p.post = &c;
  if (p.owner) ++p.owner->in_flight;
  ++m.client_calls;
  bool const stateless = p.stateless;
  bool const shares = shares_stream(to);
  if (shares) p.subject = m.voices.subject(in.method, routing_name(in));
  auto const subject = p.subject;
  auto* const owner = p.owner;
  auto const slot = to.add(std::move(p));
  if (subject != 0) m.voices.start(slot, caller_of(owner, slot), subject);
  auto const number = fmt::format_int(slot);
  std::string_view const id(number.data(), number.size());
  if (!on_stream) {
    c.call_channel = &to;
    c.call_slot = slot;
  }
  outgoing o;
  o.method = in.method;
  o.name = routing_name(in);
  o.parameters = parameters;
  o.slot = slot;
  o.alone = to.in_flight() == 1;
  std::string clean;
  if (in.reserved_meta && !stateless) {
    // What only the other era knows would be taken at its word by a member.
    clean = gateway::legacy_request(text, id, in.progress_token.empty() ? std::string_view() : id);
    o.text = clean;
  } else {
    o.text = text;
    o.first = {in.id, id};
    if (in.progress_token.data()) o.second = {in.progress_token, id};
  }
  to.way()->send(o);
  if (on_stream && c.busy()) c.reply(202, {}, {});
}

/// A call between eras: written anew for the member. With `responses`, another round of it.
void service::send_crossing(channel& to, pending p, connection* c, std::string_view name,
                            std::string const* responses, std::string_view state) {
  auto& m = to.of;
  if (!to.way() || busy(to)) {
    ++m.errors;
    auto const why = fmt::format("the server '{}' is busy or gone", m.declared.name);
    if (c)
      answer_error(*c, p.id, 200, -32000, why);
    else if (p.owner && p.owner->over_sse && p.owner->stream)
      p.owner->stream->event(
          fmt::format(R"({{"jsonrpc":"2.0","id":{},"error":{{"code":-32000,"message":{}}}}})", p.id,
                      quoted_json(why)));
    return;
  }
  bool const first = responses == nullptr;
  if (first) p.since = std::chrono::steady_clock::now();
  p.deadline = after(options.limits.call_time);
  bool const on_stream = p.owner && p.owner->over_sse;
  p.post = on_stream ? nullptr : c;
  if (p.owner) ++p.owner->in_flight;
  ++m.client_calls;
  auto* const owner = p.owner;
  auto const method = p.cross->method;
  auto const request = p.cross->request;
  bool const wants_progress = !p.token.empty();
  std::string said(name);
  if (said.empty()) {
    message again;
    if (from_member_.scan(request, again) == message_fault::none) said = routing_name(again);
  }
  if (shares_stream(to)) p.subject = m.voices.subject(method, said);
  auto const subject = p.subject;
  if (p.stateless && !to.stateless && p.cross->log_level >= 0 &&
      (m.stateless_level < 0 || p.cross->log_level < m.stateless_level)) {
    m.stateless_level = p.cross->log_level;
    set_level(m);
  }
  auto const slot = to.add(std::move(p));
  if (subject != 0) m.voices.start(slot, caller_of(owner, slot), subject);
  auto const id = std::to_string(slot);
  if (!on_stream && c) {
    c->call_channel = &to;
    c->call_slot = slot;
  }
  std::string const token = wants_progress ? id : std::string();
  std::string text;
  if (to.stateless) {
    envelope from;
    if (owner) {
      from.info = owner->client_info;
      from.capabilities = owner->capabilities;
      if (owner->log_level >= 0) from.log_level = level_name(owner->log_level);
    }
    text = responses ? stateless_retry(request, id, token, from, *responses, state)
                     : stateless_request(request, id, token, from);
  } else {
    text = gateway::legacy_request(request, id, token);
  }
  outgoing o;
  o.text = text;
  o.method = method;
  o.slot = slot;
  o.alone = to.in_flight() == 1;
  o.name = said;
  auto const parameters = to.stateless && method == "tools/call" && !m.declared.streams
                              ? parameter_headers(m.known, request)
                              : std::string();
  o.parameters = parameters;
  to.way()->send(o);
  if (on_stream && c && c->busy()) c->reply(202, {}, {});
}

/// Nobody waits for a call any more: the member is told, and its answer will find nobody.
/// `text`: the client's own cancellation, which names the call as `id_in_text`.
void service::cancel_at_member(channel& at, std::uint64_t slot, std::string_view text,
                               std::string_view id_in_text) {
  auto* placed = at.find(slot);
  if (!placed) return;
  auto p = at.take(slot);
  if (!p.done) finish(at, slot, p, true);
  if (p.cross && !p.cross->state.empty()) parked_.erase(p.cross->state);
  if (!at.way()) return;
  bool const over_http = !at.of.declared.streams;
  if (!at.stateless || !over_http) {
    auto const id = std::to_string(slot);
    auto const own = fmt::format(
        R"({{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{}}}}})",
        id);
    outgoing o;
    o.kind = message_kind::notification;
    o.method = "notifications/cancelled";
    o.text = own;
    if (!text.empty() && !at.stateless) {
      o.text = text;
      o.first = {id_in_text, id};
    }
    at.way()->send(o);
  }
  at.way()->abandon(slot);
  forget_asked(at, slot);
}

/// What the member asked of a client for this call is not asked any more.
void service::forget_asked(channel& at, std::uint64_t slot) {
  for (auto* s : at.of.sessions)
    std::erase_if(s->asked, [&](asked_client const& a) {
      return a.from == &at && a.slot == slot && slot != 0;
    });
}

}  // namespace thv::gateway
