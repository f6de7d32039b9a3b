// SPDX-License-Identifier: Apache-2.0
// What members tell: progress, logs, changes and cancellations, each to whom it concerns.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <thv/gateway/translate.hpp>

#include "member_message.hpp"
#include "service.hpp"

namespace thv::gateway {

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

}  // namespace thv::gateway
