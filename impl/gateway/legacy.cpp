// SPDX-License-Identifier: Apache-2.0
// Clients with sessions: Streamable HTTP of revisions 2025-03-26 to 2025-11-25, and what HTTP+SSE
// of 2024-11-05 shares with it.
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

constexpr std::size_t most_undelivered = 32;
constexpr std::size_t most_undelivered_bytes = 1u << 20;

std::string text_of(json::value const* v) {
  return v ? json::serialize(*v) : std::string();
}

}  // namespace

session& service::make_session(served_member& m) {
  if (sessions_.size() >= options.limits.sessions) {
    auto const idlest =
        std::min_element(sessions_.begin(), sessions_.end(), [](auto const& a, auto const& b) {
          auto const busy = [](session const& s) { return s.in_flight > 0 || s.stream; };
          return std::pair(busy(*a.second), a.second->last_used) <
                 std::pair(busy(*b.second), b.second->last_used);
        });
    end_session(*idlest->second);
  }
  auto made = std::make_unique<session>();
  auto& s = *made;
  s.id = random_id();
  s.of = &m;
  s.last_used = now_;
  m.sessions.insert(&s);
  sessions_.emplace(s.id, std::move(made));
  return s;
}

session* service::session_of(served_member const& m, std::string_view id) const {
  auto const found = sessions_.find(id);
  return found != sessions_.end() && found->second->of == &m ? found->second.get() : nullptr;
}

void service::end_session(session& s) {
  auto& m = *s.of;
  for (auto* over : {m.shared.get(), m.modern.get(), s.own.get()}) {
    if (!over) continue;
    std::vector<std::uint64_t> slots;
    over->each([&](std::uint64_t slot, pending& p) {
      if (p.owner == &s) slots.push_back(slot);
    });
    for (auto const slot : slots) {
      auto& p = *over->find(slot);
      auto const id = p.id;
      auto const post = p.post ? p.post->shared_from_this() : nullptr;
      if (post) post->call_channel = nullptr;
      p.post = nullptr;
      cancel_at_member(*over, slot);
      if (post && !post->closed()) answer_error(*post, id, 404, -32001, "Session not found");
    }
  }
  for (auto const& a : s.asked)
    if (!a.member_id.empty()) refuse_member(*a.from, a.member_id, "the client has left");
  auto const subscriptions = std::exchange(s.subscriptions, {});
  if (s.initialize_params.empty())  // it shared the member's session: it was counted there
    for (auto const& uri : subscriptions) subscribe(m, uri, -1);
  if (s.own && s.own->way()) s.own->way()->end();
  if (s.stream) {
    s.stream->stream_of = nullptr;
    s.stream->end_events();
  }
  m.sessions.erase(&s);
  auto const found = sessions_.find(s.id);
  auto held = std::shared_ptr<session>(std::move(found->second));
  sessions_.erase(found);
  asio::post(io, [held] {});  // its channel may be the one that speaks
  if (!m.gone) set_level(m);
}

void service::legacy_message(served_member& m, connection& c, http_request& r, message const& in) {
  if (r.has_revision && !is_legacy_revision(r.revision))
    return answer_error(c, in.kind == message_kind::request ? in.id : std::string_view(), 400,
                        -32000,
                        fmt::format("Bad Request: Unsupported protocol version: {} (supported "
                                    "versions: 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05)",
                                    mcp::quoted(r.revision, 40)));
  if (in.kind == message_kind::request && in.method == "initialize")
    return legacy_initialize(m, c, in, nullptr);
  if (r.session.empty())
    return answer_error(c, in.kind == message_kind::request ? in.id : std::string_view(), 400,
                        -32000,
                        "Bad Request: Mcp-Session-Id header is required; call initialize first");
  auto* const found = session_of(m, r.session);
  if (!found)
    return answer_error(c, in.kind == message_kind::request ? in.id : std::string_view(), 404,
                        -32001, "Session not found");
  auto& s = *found;
  s.last_used = now_;
  switch (in.kind) {
    case message_kind::request:
      return legacy_request(s, c, in);
    case message_kind::notification:
      legacy_notification(s, in);
      break;
    case message_kind::response:
    case message_kind::error_response:
      legacy_response(s, in);
      break;
  }
  if (!c.closed()) c.reply(202, {}, {});
}

void service::legacy_initialize(served_member& m, connection& c, message const& in,
                                session* over_sse) {
  auto const value = parsed(in.text);
  auto const* wanted = member_at(value, {"params", "protocolVersion"});
  if (!wanted || !wanted->is_string())
    return answer_error(c, in.id, 400, mcp::rpc_code::invalid_params,
                        "initialize needs params.protocolVersion");
  auto& s = over_sse ? *over_sse : make_session(m);
  s.client_info = text_of(member_at(value, {"params", "clientInfo"}));
  s.capabilities = text_of(member_at(value, {"params", "capabilities"}));
  s.samples = member_at(value, {"params", "capabilities", "sampling"}) != nullptr;
  s.elicits = member_at(value, {"params", "capabilities", "elicitation"}) != nullptr;
  s.has_roots = member_at(value, {"params", "capabilities", "roots"}) != nullptr;
  std::string const revision(std::string_view(wanted->get_string()));
  if (!m.declared.streams && !m.stateless()) {
    s.initialize_params = text_of(member_at(value, {"params"}));
    auto* own = channel_of(s);
    if (!own) {
      answer_error(c, in.id, 200, -32000, "the server cannot be reached");
      if (!over_sse) end_session(s);
      return;
    }
    pending p;
    p.greets = true;
    p.owner = &s;
    return send_call(*own, std::move(p), c, in, in.text);
  }
  s.revision = is_legacy_revision(revision) ? revision : std::string(newest_legacy);
  auto const result = initialize_result(m.known.initialize_result, revision, true);
  reply_result(s, c, in.id, result, fmt::format("Mcp-Session-Id: {}\r\n", s.id));
  set_level(m);
  if (m.stateless()) follow_changes(m);
}

channel* service::channel_of(session& s) {
  auto& m = *s.of;
  if (m.declared.streams) return m.shared.get();
  if (!m.pool) return nullptr;
  if (m.stateless()) return &modern_channel(m);
  if (!s.own) {
    s.own = std::make_unique<channel>(*this, m, false, &s);
    s.own->attach(m.pool->make_link(*s.own, m.declared.transport, false));
    if (!s.revision.empty()) {
      s.own->way()->agree(s.revision);
      s.own->way()->renew(fmt::format(
          R"({{"jsonrpc":"2.0","id":"thv-engine-greeting","method":"initialize","params":{}}})",
          s.initialize_params));
      if (s.stream) s.own->way()->open_stream();
    }
  }
  return s.own.get();
}

/// A member over HTTP lost a session, and has it again: what it had set is set once more.
void service::on_session_renewed(channel& over) {
  auto const quiet = [](message const*, std::string_view) {};
  std::vector<std::string> uris;
  int level = -1;
  if (over.of_session) {
    uris = over.of_session->subscriptions;
    level = over.of_session->log_level;
  } else {
    for (auto const& [uri, count] : over.of.subscribed) uris.push_back(uri);
  }
  for (auto const& uri : uris)
    ask(over, "resources/subscribe", fmt::format(R"({{"uri":{}}})", quoted_json(uri)), quiet);
  if (level >= 0)
    ask(over, "logging/setLevel", fmt::format(R"({{"level":"{}"}})", level_name(level)), quiet);
}

void service::legacy_request(session& s, connection& c, message const& in) {
  if (legacy_own_answer(s, c, in)) return;
  auto* to = channel_of(s);
  if (!to || !to->way())
    return answer_error(c, in.id, 200, -32000,
                        fmt::format("the server '{}' cannot be reached: {}", s.of->declared.name,
                                    s.of->why.empty() ? "it is starting" : s.of->why));
  if (hold_back(*to, reinterpret_cast<attribution::caller>(&s), c, in)) return;
  if (to->stateless) return legacy_cross(s, c, in, *to);
  if (s.own) {  // kept for a session that has to be opened anew
    std::string uri(in.uri);
    if (in.method == "logging/setLevel") s.log_level = static_cast<std::int8_t>(level_of(in.level));
    if (in.method == "resources/subscribe" && s.subscriptions.size() < 1024)
      s.subscriptions.push_back(std::move(uri));
    else if (in.method == "resources/unsubscribe")
      std::erase(s.subscriptions, uri);
  }
  pending p;
  p.owner = &s;
  send_call(*to, std::move(p), c, in, in.text);
}

/// What the gateway answers itself, since clients share the member's session.
bool service::legacy_own_answer(session& s, connection& c, message const& in) {
  auto& m = *s.of;
  if (in.method == "initialize") {
    answer_error(c, in.id, 400, mcp::rpc_code::invalid_request,
                 "the session is initialized already");
    return true;
  }
  bool const shared = !s.own && (m.declared.streams || m.stateless());
  if (!shared) return false;
  if (in.method == "ping" && m.stateless()) {
    reply_result(s, c, in.id, "{}");
    return true;
  }
  if (in.method == "logging/setLevel") {
    auto const level = level_of(in.level);
    if (level < 0) {
      answer_error(c, in.id, 200, mcp::rpc_code::invalid_params, "unknown logging level");
      return true;
    }
    s.log_level = static_cast<std::int8_t>(level);
    set_level(m);
    reply_result(s, c, in.id, "{}");
    return true;
  }
  bool const adds = in.method == "resources/subscribe";
  if (adds || in.method == "resources/unsubscribe") {
    std::string uri(in.uri);
    auto const at = std::find(s.subscriptions.begin(), s.subscriptions.end(), uri);
    bool const had = at != s.subscriptions.end();
    if (adds && !had) {
      if (s.subscriptions.size() >= 1024) {
        answer_error(c, in.id, 200, mcp::rpc_code::invalid_params, "too many subscriptions");
        return true;
      }
      s.subscriptions.push_back(uri);
      if (m.stateless() && m.phase == member_phase::ready) {
        // Told when the member has acknowledged it: what changes after that is heard.
        m.subscribing_next.push_back(
            [this, held = c.shared_from_this(), session_id = s.id, id = std::string(in.id)] {
              auto const found = sessions_.find(session_id);
              if (held->closed()) return;
              if (found == sessions_.end()) return held->close();
              reply_result(*found->second, *held, id, "{}");
            });
        subscribe(m, uri, 1);
        follow_changes(m);
        return true;
      }
      subscribe(m, uri, 1);
    } else if (!adds && had) {
      s.subscriptions.erase(at);
      subscribe(m, uri, -1);
    }
    reply_result(s, c, in.id, "{}");
    return true;
  }
  if (m.phase == member_phase::ready) return false;
  // It sleeps, or is about to wake: what is known of it serves.
  if (in.method == "ping") {
    reply_result(s, c, in.id, "{}");
    return true;
  }
  auto const list = m.known.lists.find(std::string(in.method));
  if (list == m.known.lists.end()) return false;
  reply_result(s, c, in.id, list->second);
  return true;
}

void service::legacy_cross(session& s, connection& c, message const& in, channel& to) {
  pending p;
  p.owner = &s;
  p.cross = std::make_unique<crossing>();
  p.cross->method = in.method;
  p.cross->request = in.text;
  p.id = in.id;
  p.token = in.progress_token;
  send_crossing(to, std::move(p), &c, routing_name(in));
}

void service::legacy_notification(session& s, message const& in) {
  auto& m = *s.of;
  auto* to = s.own ? s.own.get() : m.declared.streams ? m.shared.get() : m.modern.get();
  if (!to || !to->way()) return;
  if (in.method == "notifications/cancelled") {
    std::uint64_t found = 0;
    to->each([&](std::uint64_t slot, pending& p) {
      if (p.owner == &s && p.id == in.request_id && !p.greets) found = slot;
    });
    if (found == 0) return cancel_held(s, in);
    auto* p = to->find(found);
    if (p->post) {
      // The client does not wait for it any more; the request still has to end.
      p->post->call_channel = nullptr;
      if (p->post->streaming())
        p->post->end_events();
      else
        p->post->reply(202, {}, {});
      p->post = nullptr;
    }
    return cancel_at_member(*to, found, in.text, in.request_id);
  }
  // Progress is of what the member asked of this client.
  bool const of_asked = in.method == "notifications/progress" && !to->stateless && !s.asked.empty();
  if ((s.own || of_asked) && takes_more(*to)) {
    outgoing o;
    o.text = in.text;
    o.kind = message_kind::notification;
    if (!in.reserved_meta) {
      to->way()->send(o);
    } else {
      auto const clean = without_reserved_meta(in.text);
      o.text = clean;
      to->way()->send(o);
    }
    if (s.own && in.method == "notifications/initialized") {
      if (s.stream) s.own->way()->open_stream();
    }
  }
  // `initialized`, and a change of one client's roots, mean nothing to a session that is shared.
}

/// A call is taken back that has not begun.
void service::cancel_held(session& s, message const& in) {
  auto& m = *s.of;
  for (auto i = m.held.begin(); i != m.held.end(); ++i) {
    message one;
    if (i->request.session != s.id && i->from->answers_to != s.id) continue;
    if (from_questions_.scan(i->body, one) != message_fault::none || one.id != in.request_id)
      continue;
    auto const from = i->from;
    m.held_bytes -= std::min(m.held_bytes, i->body.size());
    m.held.erase(i);
    from->waiting = false;
    return from->reply(202, {}, {});
  }
}

void service::legacy_response(session& s, message const& in) {
  std::string_view raw = in.id;
  auto const at = std::find_if(s.asked.begin(), s.asked.end(),
                               [&](asked_client const& a) { return std::to_string(a.id) == raw; });
  if (at == s.asked.end()) return;
  auto const a = std::move(*at);
  s.asked.erase(at);
  if (!a.member_id.empty()) {
    if (!takes_more(*a.from)) return;
    outgoing o;
    auto const clean = in.reserved_meta ? without_reserved_meta(in.text) : std::string();
    message again = in;
    if (!clean.empty() && from_client_.scan(clean, again) != message_fault::none) return;
    o.text = again.text;
    o.first = {again.id, a.member_id};
    o.kind = message_kind::response;
    a.from->way()->send(o);
    return;
  }
  auto* p = a.from->find(a.slot);
  if (!p || !p->cross) return;
  auto const value = parsed(in.text);
  for (auto& q : p->cross->questions) {
    if (q.id != raw) continue;
    auto const* result = member_at(value, {"result"});
    if (!result && q.method != "elicitation/create") {
      auto const* words = member_at(value, {"error", "message"});
      return fail_call(*a.from, a.slot,
                       fmt::format("the client refused what the server asked of it: {}",
                                   words && words->is_string()
                                       ? mcp::quoted(std::string_view(words->get_string()))
                                       : std::string("no reason given")));
    }
    q.answer = result ? json::serialize(*result) : R"({"action":"cancel"})";
  }
  continue_round(*a.from, a.slot);
}

void service::reply_to(session& s, connection& c, std::string_view head, std::string_view id,
                       std::string_view tail, std::string_view fields) {
  if (!s.over_sse) return c.reply_json(head, id, tail, fields);
  if (s.stream) s.stream->event(head, id, tail);
  if (c.busy()) c.reply(202, {}, {});
}

void service::reply_result(session& s, connection& c, std::string_view id, std::string_view result,
                           std::string_view fields) {
  std::string text = R"({"jsonrpc":"2.0","id":)";
  text.append(id).append(R"(,"result":)").append(result).append("}");
  reply_to(s, c, text, {}, {}, s.over_sse ? std::string_view() : fields);
}

void service::to_stream(session& s, std::string_view head, std::string_view middle,
                        std::string_view tail) {
  if (s.stream) return s.stream->event(head, middle, tail);
  std::string text(head);
  text.append(middle).append(tail);
  s.undelivered_bytes += text.size();
  s.undelivered.push_back(std::move(text));
  while (s.undelivered.size() > most_undelivered || s.undelivered_bytes > most_undelivered_bytes) {
    auto const oldest = std::move(s.undelivered.front());
    s.undelivered.erase(s.undelivered.begin());
    s.undelivered_bytes -= oldest.size();
    message lost;
    if (from_questions_.scan(oldest, lost) != message_fault::none) continue;
    if (lost.kind != message_kind::request) continue;
    auto const at = std::find_if(s.asked.begin(), s.asked.end(), [&](asked_client const& a) {
      return std::to_string(a.id) == lost.id && !a.member_id.empty();
    });
    if (at == s.asked.end()) continue;
    auto const a = std::move(*at);
    s.asked.erase(at);
    refuse_member(*a.from, a.member_id, "the client has no stream open to be asked on");
  }
}

/// Counts who follows a resource, and tells the member of the first and the last.
void service::subscribe(served_member& m, std::string const& uri, int by) {
  if (by < 0 && !m.subscribed.contains(uri)) return;
  auto& count = m.subscribed[uri];
  bool const first = by > 0 && count == 0;
  count += static_cast<std::size_t>(by);
  bool const last = count == 0;
  if (last) m.subscribed.erase(uri);
  if ((!first && !last) || m.gone || m.phase != member_phase::ready) return;
  if (m.stateless()) {
    m.follow_again = true;
    return follow_changes(m);
  }
  if (!m.shared || !m.shared->way()) return;
  ask(*m.shared, first ? "resources/subscribe" : "resources/unsubscribe",
      fmt::format(R"({{"uri":{}}})", quoted_json(uri)), [](message const*, std::string_view) {});
}

/// The member is told the lowest level that a client wants to hear.
void service::set_level(served_member& m) {
  if (!m.shared || m.shared->stateless || m.phase != member_phase::ready) return;
  int lowest = m.stateless_level;
  for (auto const* s : m.sessions)
    if (s->log_level >= 0 && (lowest < 0 || s->log_level < lowest)) lowest = s->log_level;
  if (lowest < 0 || lowest == m.log_level) return;
  m.log_level = lowest;
  ask(*m.shared, "logging/setLevel", fmt::format(R"({{"level":"{}"}})", level_name(lowest)),
      [](message const*, std::string_view) {});
}

/// A stateless member tells of changes only on a subscription: the gateway's own, for all sessions.
/// A new one takes the place of the old when it is acknowledged, so that nothing is missed.
void service::follow_changes(served_member& m) {
  auto* over = m.declared.streams ? m.shared.get() : m.pool ? &modern_channel(m) : nullptr;
  if (!over || !over->way() || !over->stateless) {
    for (auto& one : std::exchange(m.subscribing_next, {})) one();
    return;
  }
  if (over->next_listening != 0) return;  // once more when that one is acknowledged
  if (m.sessions.empty()) {
    if (auto const before = std::exchange(over->listening, 0); over->find(before))
      cancel_at_member(*over, before);
    return;
  }
  m.follow_again = false;
  for (auto& one : std::exchange(m.subscribing_next, {})) m.subscribing.push_back(std::move(one));
  json::array uris;
  for (auto const& [uri, count] : m.subscribed) uris.emplace_back(uri);
  json::object wanted{
      {"toolsListChanged", true}, {"promptsListChanged", true}, {"resourcesListChanged", true}};
  if (!uris.empty()) wanted["resourceSubscriptions"] = std::move(uris);
  over->next_listening = ask(*over, "subscriptions/listen",
                             json::serialize(json::object{{"notifications", std::move(wanted)}}),
                             [this, over](message const*, std::string_view) {
                               // It ended, or was refused: whoever waits for it has waited enough.
                               if (over->next_listening != 0) return changes_followed(*over);
                               if (over->listening != 0 && !over->find(over->listening))
                                 over->of.follow_again = true;
                             });
  if (auto* p = over->find(over->next_listening)) p->deadline = 0;  // it lasts
}

void service::changes_followed(channel& over) {
  auto& m = over.of;
  auto const before = std::exchange(over.listening, std::exchange(over.next_listening, 0));
  if (over.find(before)) cancel_at_member(over, before);
  for (auto& one : std::exchange(m.subscribing, {})) one();
  if (m.follow_again || !m.subscribing_next.empty()) follow_changes(m);
}

}  // namespace thv::gateway
