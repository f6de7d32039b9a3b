// SPDX-License-Identifier: Apache-2.0
// How members come and go: opened on a worker, greeted once for each start, let go of.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <thv/gateway/translate.hpp>
#include <thv/mcp/json_rpc.hpp>
#include <thv/net/open.hpp>
#include <thv/version.hpp>

#include "service.hpp"
#include "stdio_link.hpp"

namespace thv::gateway {

namespace {

constexpr std::uint32_t longest_wait = 30;  // seconds between two tries of a member that is down

}  // namespace

std::string own_info() {
  return fmt::format(R"({{"name":"thv-engine","version":{}}})", quoted_json(version()));
}

void service::refresh() {
  if (stopping_) return;
  if (reading_members_) {
    read_again_ = true;
    return;
  }
  reading_members_ = true;
  on_worker([this] { return backend_.members(); },
            [this](result<std::vector<member>> all) {
              reading_members_ = false;
              if (all)
                take_members(*std::move(all));
              else
                log(log_line::level::error, {},
                    "cannot read the members: " + to_string(all.error()));
              for (auto& one : std::exchange(after_reading_, {})) one();
              for (auto& w : std::exchange(unknown_, {}))
                if (!w.from->closed()) {
                  w.request.body = w.body;
                  on_request(*w.from, w.request);
                  w.from->asked_again = false;
                }
              if (std::exchange(read_again_, false)) refresh();
            });
}

void service::take_members(std::vector<member> all) {
  std::set<std::string, std::less<>> names;
  for (auto& one : all) {
    names.insert(one.name);
    auto& slot = members_[one.name];
    if (!slot) slot = std::make_unique<served_member>();
    auto& m = *slot;
    bool const fresh = m.declared.name.empty();
    bool const replaced = !fresh && !m.session_key.empty() && !one.known.session_key.empty() &&
                          one.known.session_key != m.session_key &&
                          one.known.session_key != m.declared.known.session_key;
    // Under the same name there may be something else by now.
    bool const other =
        !fresh && (one.streams != m.declared.streams || one.transport != m.declared.transport);
    if (fresh || m.phase != member_phase::ready || replaced || other) m.known = one.known;
    m.declared = std::move(one);
    bool const opening = m.phase == member_phase::opening || m.phase == member_phase::greeting;
    if (!m.declared.wanted_running && !m.declared.on_demand) {
      if (m.phase == member_phase::opening) continue;
      release(m.declared.name);
      become_down(m, "it is stopped");
      continue;
    }
    if (opening) continue;
    if (m.declared.on_demand && (fresh || m.phase == member_phase::down)) {
      m.phase = member_phase::sleeping;
      continue;
    }
    if (replaced || other) {
      log(log_line::level::info, m.declared.name, "it was started anew");
      release(m.declared.name);
    }
    if (m.phase != member_phase::ready && m.phase != member_phase::sleeping) open(m);
  }
  for (auto i = members_.begin(); i != members_.end();) {
    if (names.contains(i->first)) {
      ++i;
      continue;
    }
    drop_member(*i->second);
    graveyard_.push_back(std::move(i->second));  // a worker may still speak of it
    i = members_.erase(i);
  }
}

void service::drop_member(served_member& m) {
  m.gone = true;
  fail_waiting(m, "it was removed");
  for (auto& one : std::exchange(m.held, {}))
    if (!one.from->closed()) one.from->close();
  m.held_bytes = 0;
  settle_provers(m, fail(errc::not_found, fmt::format("'{}' was removed", m.declared.name)));
  while (!m.sessions.empty()) end_session(**m.sessions.begin());
  while (!m.listeners.empty()) end_listener(m, m.listeners.back().number, true);
  if (m.shared) drop_channel(*m.shared, "it was removed");
  if (m.modern) drop_channel(*m.modern, "it was removed");
}

void service::open(served_member& m) {
  if (stopping_ || m.gone || m.phase == member_phase::opening || m.phase == member_phase::greeting)
    return;
  m.phase = member_phase::opening;
  auto const name = m.declared.name;
  auto const patience = options.limits.start_time;
  on_worker(
      [this, name, patience] {
        plugin::call c;
        c.deadline = std::chrono::steady_clock::now() + patience;
        c.stop = stop_.get_token();
        return backend_.open(c, name);
      },
      [this, &m](result<attachment> way) { opened(m, std::move(way)); });
}

void service::opened(served_member& m, result<attachment> way) {
  if (m.gone || stopping_) return;  // the descriptors close with their owner below
  if (!way) {
    if (way.error().code == errc::conflict && m.attempts < 50) {
      // A command proves it ready and will be done soon.
      ++m.attempts;
      m.phase = member_phase::untried;
      auto timer = std::make_shared<asio::steady_timer>(io, std::chrono::milliseconds(100));
      timer->async_wait([this, &m, timer](boost::system::error_code ec) {
        if (!ec && !m.gone && m.phase == member_phase::untried) open(m);
      });
      return;
    }
    auto const& e = way.error();
    return become_down(m, e.hint.empty() ? to_string(e) : to_string(e) + " (" + e.hint + ")");
  }
  m.attempts = 0;
  if (!m.session_key.empty() && m.session_key != way->session_key) ++m.restarts;
  m.session_key = way->session_key;
  if (way->known.session_key == m.session_key && !way->known.initialize_result.empty() &&
      m.known.session_key != m.session_key)
    m.known = std::move(way->known);
  bool const known = m.known.session_key == m.session_key && !m.known.initialize_result.empty();
  if (way->stream) {
    m.shared = std::make_unique<channel>(*this, m, known && m.stateless(), nullptr);
    m.shared->attach(make_stdio_link(io, *std::move(way->stream), *m.shared, options.limits.message,
                                     member_bytes_));
    if (known) return become_ready(m);
    return greet(m);
  }
  m.endpoint = std::move(way->endpoint);
  m.pool = std::make_shared<upstream_pool>(
      io, *m.endpoint, options.limits.message, member_bytes_,
      [this](net::address const& where, std::function<void(result<int>)> then) {
        on_worker(
            [where, token = stop_.get_token()] {
              plugin::call c;
              c.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
              c.stop = token;
              return net::open(c, where);
            },
            std::move(then));
      });
  if (!m.pool->usable()) return become_down(m, to_string(m.pool->usable().error()));
  if (!m.known.initialize_result.empty()) {
    m.known.session_key = m.session_key;
    return become_ready(m);
  }
  m.shared = std::make_unique<channel>(*this, m, false, nullptr);
  m.shared->attach(m.pool->make_link(*m.shared, m.declared.transport, false));
  greet(m);
}

void service::greet(served_member& m) {
  m.phase = member_phase::greeting;
  mcp::readiness_options how;
  how.first_id = static_cast<std::int64_t>(
      std::chrono::steady_clock::now().time_since_epoch().count() & 0x3FFFFFFFFFFF);
  how.ignore_unaddressed_errors = m.declared.streams;
  m.greeting = std::make_unique<mcp::readiness_exchange>(how);
  m.retry_at = after(options.limits.start_time);
  greeted(m, m.greeting->start());
}

void service::greeted(served_member& m, mcp::readiness_step step) {
  for (auto const& out : step.send) {
    if (out.stateless && !m.declared.streams && !m.shared->stateless) {
      m.shared->stateless = true;
      m.shared->attach(m.pool->make_link(*m.shared, m.declared.transport, true));
    }
    outgoing o;
    o.text = out.text;
    o.kind = out.wants_answer ? message_kind::request : message_kind::notification;
    o.method = out.method;
    o.slot = out.wants_answer ? ++m.greeting_slot : 0;
    if (!out.protocol_version.empty()) m.shared->way()->agree(out.protocol_version);
    m.shared->way()->send(o);
  }
  if (!step.outcome) return;
  m.greeting.reset();
  auto& outcome = *step.outcome;
  if (!outcome) {
    auto const why = to_string(outcome.error());
    drop_channel(*m.shared, why);
    return become_down(m, why);
  }
  m.known = {};
  m.known.session_key = m.session_key;
  m.known.revision = outcome->protocol_version;
  m.known.initialize_result = outcome->initialize_result;
  if (m.declared.streams) {
    m.shared->stateless = m.stateless();
  } else {
    m.shared->way()->end();
    drop_channel(*m.shared, "it was only asked who it is");
  }
  keep(m);
  become_ready(m);
}

void service::become_ready(served_member& m) {
  m.phase = member_phase::ready;
  m.why.clear();
  m.last_used = now_;
  m.log_level = -1;
  log(log_line::level::info, m.declared.name,
      fmt::format("ready, revision {}", m.known.revision.empty() ? "unknown" : m.known.revision));
  settle_provers(m, m.known);
  after_restart(m);
  wake_waiting(m);
  if ((m.declared.streams || m.stateless()) && m.known.lists.empty()) ask_lists(m, [] {});
}

void service::after_restart(served_member& m) {
  if (m.shared && !m.shared->stateless) {
    set_level(m);
    for (auto const& [uri, count] : m.subscribed)
      ask(*m.shared, "resources/subscribe", fmt::format(R"({{"uri":{}}})", quoted_json(uri)),
          [](message const*, std::string_view) {});
  }
  if (m.stateless() && !m.sessions.empty()) follow_changes(m);
  if (m.restarts == 0) return;
  for (auto* s : m.sessions)
    if (!s->own)
      for (auto const* what : {"tools", "prompts", "resources"})
        to_stream(*s, fmt::format(R"({{"jsonrpc":"2.0","method":"notifications/{}/list_changed"}})",
                                  what));
}

void service::become_down(served_member& m, std::string why) {
  if (m.phase != member_phase::down || m.why != why)
    log(log_line::level::warning, m.declared.name, why);
  m.phase = member_phase::down;
  m.why = std::move(why);
  m.attempts = std::min<std::uint32_t>(m.attempts + 1, 60);
  m.retry_at =
      now_ + std::min<std::uint32_t>(1u << std::min<std::uint32_t>(m.attempts, 5), longest_wait);
  settle_provers(m, fail(errc::unavailable, fmt::format("'{}': {}", m.declared.name, m.why)));
  fail_waiting(m, m.why);
}

void service::drop_channel(channel& from, std::string_view why) {
  auto& m = from.of;
  auto* const held_by = from.of_session && from.of_session->own.get() == &from
                            ? &from.of_session->own
                        : m.shared.get() == &from ? &m.shared
                        : m.modern.get() == &from ? &m.modern
                                                  : nullptr;
  if (!held_by) return;  // it is being dropped already
  // Out of reach first: what follows may open another in its place.
  auto const held = std::shared_ptr<channel>(std::move(*held_by));
  if (held_by == &m.shared) m.questions.clear();
  std::vector<std::uint64_t> slots;
  from.each([&](std::uint64_t slot, pending&) { slots.push_back(slot); });
  for (auto const slot : slots) fail_call(from, slot, why);
  for (auto* s : m.sessions)
    std::erase_if(s->asked, [&](auto const& a) { return a.from == &from; });
  from.next_listening = from.listening = 0;
  if (!from.of_session)
    for (auto* list : {&m.subscribing, &m.subscribing_next})
      for (auto& one : std::exchange(*list, {})) one();
  // Whoever called may still be within it.
  asio::post(io, [held] {});
}

/// Failing a call may end its session.
void service::drop_own_channels(served_member& m, std::string_view why) {
  for (auto* s : std::vector<session*>(m.sessions.begin(), m.sessions.end()))
    if (m.sessions.contains(s) && s->own) drop_channel(*s->own, why);
}

void service::on_channel_ended(channel& from, std::string_view why) {
  auto& m = from.of;
  auto const text = std::string(why);
  bool const stood_for_member = m.shared.get() == &from && !from.of_session;
  drop_channel(from, text);  // a session asks for its own again when its client speaks again
  if (!stood_for_member || m.gone || stopping_) return;
  if (std::exchange(m.greeting, nullptr)) return become_down(m, text);
  if (!m.declared.streams) return;
  log(log_line::level::warning, m.declared.name, text);
  m.phase = m.declared.on_demand ? member_phase::sleeping : member_phase::untried;
  if (!m.declared.on_demand) open(m);
}

}  // namespace thv::gateway
