// SPDX-License-Identifier: Apache-2.0
#include "service.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "trim.hpp"

namespace thv::gateway {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 8> levels{"debug", "info",     "notice", "warning",
                                                 "error", "critical", "alert",  "emergency"};
constexpr std::uint32_t settled_after = 4;      // seconds after the start
constexpr std::uint32_t quiet_after = 30;       // seconds without a call
constexpr std::uint32_t keep_alive_every = 15;  // seconds between comments on a quiet stream

}  // namespace

int level_of(std::string_view name) {
  auto const at = std::find(levels.begin(), levels.end(), name);
  return at == levels.end() ? -1 : static_cast<int>(at - levels.begin());
}

std::string_view level_name(int level) {
  return levels[static_cast<std::size_t>(std::clamp(level, 0, 7))];
}

std::string random_id() {
  static constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<unsigned char, 22> bytes{};
  // The kernel's own generator: OpenSSL's costs 2 MiB of memory the first time.
  if (::getentropy(bytes.data(), bytes.size()) != 0) {
    std::random_device source;
    for (auto& b : bytes) b = static_cast<unsigned char>(source());
  }
  std::string id;
  for (auto const b : bytes) id += digits[b & 63];
  return id;
}

std::string quoted_json(std::string_view text) {
  return json::serialize(json::string_view(text.data(), text.size()));
}

service::service(backend& members, server_options wanted)
    : options(std::move(wanted)),
      backend_(members),
      memory_(options.limits.header, options.limits.body),
      timer_(io) {
  // Elsewhere than on loopback the machine has names of its own, and the token guards.
  bool const loopback =
      options.host == "localhost" || options.host.starts_with("127.") || options.host == "::1";
  open_to_all_hosts_ = !loopback && !options.token.empty();
}

service::~service() = default;

void service::begin() {
  refresh();
  schedule_sweep();
}

void service::shut_down() {
  if (stopping_) return;
  stopping_ = true;
  stop_.request_stop();
  timer_.cancel();
  for (auto& [name, m] : members_) {
    fail_waiting(*m, "the gateway ends");
    settle_provers(*m, fail(errc::cancelled, "the gateway ends"));
    if (m->shared) drop_channel(*m->shared, "the gateway ends");
    if (m->modern) drop_channel(*m->modern, "the gateway ends");
    for (auto* s : m->sessions)
      if (s->own && s->own->way()) s->own->way()->end();
    drop_own_channels(*m, "the gateway ends");
  }
  for (auto const& c :
       std::vector<std::shared_ptr<connection>>(connections_.begin(), connections_.end()))
    if (!c->is_control() || !c->busy()) c->close();
  end_soon(20);
}

/// Ends the loop when no worker is out any more, and what was said has had a moment to be read.
void service::end_soon(int patience) {
  timer_.expires_after(std::chrono::milliseconds(10));
  timer_.async_wait([this, patience](boost::system::error_code) {
    bool const busy = workers_ > 0 || !connections_.empty();
    if (busy && patience > 0) return end_soon(patience - 1);
    if (workers_ > 0) return end_soon(0);  // they end soon after the stop that they were given
    io.stop();
  });
}

void service::log(log_line::level level, std::string_view member, std::string message) const {
  if (!options.log) return;
  for (auto& c : message)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  options.log({level, std::string(member), std::move(message)});
}

void service::add_connection(client_socket socket, bool control) {
  if (connections_.size() >= options.limits.connections && !control) {
    // The one that has been quiet for longest makes room.
    std::shared_ptr<connection> idlest;
    for (auto const& c : connections_)
      if (!c->busy() && !c->streaming() && (!idlest || c->last_used() < idlest->last_used()))
        idlest = c;
    if (!idlest) return;  // closed with the socket
    idlest->close();
  }
  auto c = std::make_shared<connection>(std::move(socket), *this, memory_,
                                        options.limits.client_queue, control);
  c->touch(now_);
  connections_.insert(c);
  c->start();
}

void service::on_left(connection& c) {
  if (c.waiting) {
    for (auto& entry : members_) {
      auto& m = *entry.second;
      std::erase_if(m.held, [&](waiting_request const& w) {
        if (w.from.get() != &c) return false;
        m.held_bytes -= std::min(m.held_bytes, w.body.size());
        return true;
      });
      std::erase_if(m.waiting, [&](waiting_request const& w) {
        if (w.from.get() != &c) return false;
        m.waiting_bytes -= std::min(m.waiting_bytes, w.body.size());
        return true;
      });
    }
    c.waiting = false;
  }
  if (auto* at = std::exchange(c.call_channel, nullptr)) {
    if (auto* p = at->find(c.call_slot); p && p->post == &c) {
      p->post = nullptr;
      // Leaving cancels in the stateless era, and does not before (MCP 2025-11-25, "Transports").
      if (p->stateless) cancel_at_member(*at, c.call_slot);
    }
  }
  if (auto* s = std::exchange(c.stream_of, nullptr)) {
    s->stream = nullptr;
    s->last_used = now_;
    if (s->over_sse) end_session(*s);
  }
  if (c.listening_to) end_listener(*c.listening_to, c.listen, false);
}

void service::on_closed(connection& c) {
  on_left(c);
  connections_.erase(c.shared_from_this());
}

// ---- what time brings ---------------------------------------------------------------------------

void service::schedule_sweep() {
  timer_.expires_after(std::chrono::seconds(1));
  timer_.async_wait([this](boost::system::error_code ec) {
    if (ec || stopping_) return;
    memory_.now = ++now_;
    sweep();
    schedule_sweep();
  });
}

void service::sweep() {
  auto const& limits = options.limits;
  if (options.trim_memory && (now_ == settled_after || now_ == last_call_ + quiet_after))
    trim_memory();
  for (auto& [name, one] : members_) {
    auto& m = *one;
    std::vector<std::shared_ptr<connection>> late;
    std::map<connection*, std::string> ids;
    std::erase_if(m.waiting, [&](waiting_request const& w) {
      if (w.until > now_) return false;
      late.push_back(w.from);
      if (message in; from_client_.scan(w.body, in) == message_fault::none)
        ids[w.from.get()] = in.id;
      m.waiting_bytes -= std::min(m.waiting_bytes, w.body.size());
      return true;
    });
    for (auto const& c : late)
      if (!c->closed()) {
        c->waiting = false;
        answer_error(*c, ids[c.get()], 200, -32000,
                     fmt::format("the server '{}' takes too long to start", name));
      }
    for (auto held = std::exchange(m.held, {}); !held.empty(); held.pop_front()) {
      auto& w = held.front();
      if (w.until > now_) {
        m.held.push_back(std::move(w));
        continue;
      }
      m.held_bytes -= std::min(m.held_bytes, w.body.size());
      if (w.must_wait) {
        message in;
        w.from->waiting = false;
        if (from_client_.scan(w.body, in) == message_fault::none)
          answer_error(*w.from, in.id, 200, -32000,
                       fmt::format("the server '{}' is in a conversation with another client, and "
                                   "cannot tell the two apart: try again later",
                                   name));
        continue;
      }
      w.from->waited = true;
      serve_again(m, w);
      w.from->waited = false;
    }
    std::vector<channel*> all{m.shared.get(), m.modern.get()};
    for (auto* s : m.sessions) all.push_back(s->own.get());
    for (auto* over : all) {
      if (!over || over->in_flight() == 0) continue;
      std::vector<std::uint64_t> slots;
      over->each([&](std::uint64_t slot, pending& p) {
        if (p.deadline != 0 && p.deadline <= now_) slots.push_back(slot);
      });
      for (auto const slot : slots) time_out(*over, slot);
    }
    if (m.phase == member_phase::greeting && m.retry_at <= now_) {
      m.greeting.reset();
      if (m.shared) drop_channel(*m.shared, "it does not answer");
      become_down(m, "it does not answer");
    }
    if (m.phase == member_phase::down && m.retry_at <= now_ && m.declared.wanted_running &&
        !m.declared.on_demand)
      open(m);
    bool const busy = !m.waiting.empty() || !m.held.empty() || m.client_calls > 0;
    if (m.declared.on_demand && m.declared.idle_timeout.count() > 0 &&
        m.phase == member_phase::ready && !busy &&
        now_ - m.last_used >= whole_seconds(m.declared.idle_timeout))
      sleep(m);
    if (m.follow_again && m.phase == member_phase::ready) follow_changes(m);
    if (!m.questions.empty() && m.shared) settle_questions(*m.shared);
    if (std::exchange(m.refresh_lists, false) && m.phase == member_phase::ready)
      ask_lists(m, [] {});
  }
  if (trim_at_ == now_) ::malloc_trim(0);
  std::vector<session*> over;
  for (auto& [id, s] : sessions_)
    if (!s->stream && s->in_flight == 0 &&
        now_ - s->last_used >= whole_seconds(limits.session_time))
      over.push_back(s.get());
  for (auto* s : over) end_session(*s);
  // Memory of many sessions goes back to the system once they are gone.
  if (sessions_before_ > sessions_.size() + 1000 || (sessions_.empty() && sessions_before_ > 100)) {
    if (sessions_.empty()) decltype(sessions_)().swap(sessions_);
    trim_at_ = now_ + 1;  // what is still in use within the loop is free by then
    sessions_before_ = sessions_.size();
  }
  sessions_before_ = std::max(sessions_before_, sessions_.size());
  std::vector<std::shared_ptr<connection>> idle;
  for (auto const& c : connections_) {
    if (c->streaming()) {
      if (now_ % keep_alive_every == 0 && c->queued() == 0) c->raw_events(": keepalive\n\n");
      continue;
    }
    if (c->busy()) continue;
    auto const allowed = c->closing()                   ? 2
                         : c->receiving() || c->fresh() ? whole_seconds(limits.header_time)
                                                        : whole_seconds(limits.idle_connection);
    bool const resting = !c->closing() && !c->receiving() && !c->fresh();
    if (now_ - c->last_used() > allowed && !(resting && c->has_more())) idle.push_back(c);
  }
  for (auto const& c : idle) c->close();
}

/// A call has run out of time: its client is told, and the member too.
void service::time_out(channel& at, std::uint64_t slot) {
  auto* p = at.find(slot);
  if (!p) return;
  if (p->owner && p->owner->over_sse && !p->done) return fail_call(at, slot, "its time is over");
  if (p->done || !p->post || (p->cross && !p->cross->state.empty() && p->stateless)) {
    if (p->cross && !p->cross->state.empty()) {
      for (auto const& q : p->cross->questions)
        refuse_member(at, q.id, "the client did not come back with an answer");
    }
    auto done = std::move(p->done);
    cancel_at_member(at, slot);
    if (done) done(nullptr, "it does not answer");
    return;
  }
  auto* const c = std::exchange(p->post, nullptr);
  c->call_channel = nullptr;
  auto const id = p->id;
  bool const greets = p->greets;
  auto* const owner = p->owner;
  auto const text = fmt::format("the server '{}' did not answer in {} s", at.of.declared.name,
                                options.limits.call_time.count() / 1000);
  cancel_at_member(at, slot);
  answer_error(*c, id, 200, -32001, text);
  if (greets && owner) end_session(*owner);
}

gateway::status service::snapshot() const {
  gateway::status s;
  s.port = port;
  s.connections = connections_.size();
  s.sessions = sessions_.size();
  for (auto const& [name, m] : members_) {
    member_status one;
    one.name = name;
    switch (m->phase) {
      case member_phase::untried:
        one.state = "not tried";
        break;
      case member_phase::opening:
      case member_phase::greeting:
        one.state = "starting";
        break;
      case member_phase::ready:
        one.state = "ready";
        break;
      case member_phase::down:
        one.state = "down";
        break;
      case member_phase::sleeping:
        one.state = "sleeping";
        break;
    }
    one.message = m->why;
    one.revision = m->known.revision;
    one.sessions = m->sessions.size();
    one.in_flight =
        (m->shared ? m->shared->in_flight() : 0) + (m->modern ? m->modern->in_flight() : 0);
    for (auto const* owner : m->sessions)
      if (owner->own) one.in_flight += owner->own->in_flight();
    one.calls = m->calls;
    one.errors = m->errors;
    s.members.push_back(std::move(one));
  }
  return s;
}

}  // namespace thv::gateway
