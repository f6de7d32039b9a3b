// SPDX-License-Identifier: Apache-2.0
// Those who wait for a member: requests until it is ready, and commands that have it proved.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "service.hpp"

namespace thv::gateway {

void service::wake_waiting(served_member& m) {
  auto all = std::exchange(m.waiting, {});
  m.waiting_bytes = 0;
  for (auto& one : all) {
    if (one.from->closed()) continue;
    one.from->waiting = false;
    serve_again(m, one);
  }
}

void service::fail_waiting(served_member& m, std::string_view why) {
  auto all = std::exchange(m.waiting, {});
  m.waiting_bytes = 0;
  for (auto& one : all) {
    if (one.from->closed()) continue;
    one.from->waiting = false;
    message in;
    auto const fault = from_client_.scan(one.body, in);
    ++m.errors;
    answer_error(*one.from, fault == message_fault::none ? in.id : std::string_view(), 200, -32000,
                 fmt::format("the server '{}' cannot be reached: {}", m.declared.name, why));
  }
}

void service::settle_provers(served_member& m, result<catalogue> with) {
  for (auto& one : std::exchange(m.provers, {})) one(with);
}

void service::prove(std::string const& name, std::function<void(result<catalogue>)> done,
                    bool read) {
  auto const found = members_.find(name);
  if (found == members_.end() && !read && !stopping_) {
    // It may be new: asked once more when the members are read.
    after_reading_.push_back(
        [this, name, done = std::move(done)]() mutable { prove(name, std::move(done), true); });
    return refresh();
  }
  if (found == members_.end())
    return done(fail(errc::not_found, fmt::format("the gateway has no server '{}'", name)));
  auto& m = *found->second;
  if (m.phase != member_phase::ready) {
    m.provers.push_back([this, name, done = std::move(done)](result<catalogue> got) mutable {
      if (!got) return done(std::move(got));
      asio::post(io,
                 [this, name, done = std::move(done)]() mutable { prove(name, std::move(done)); });
    });
    return open(m);
  }
  auto finish = [&m, done](message const* in, std::string_view why) {
    // An answer of any kind shows that it reads and writes.
    if (in) return done(m.known);
    done(fail(errc::unavailable, fmt::format("'{}': {}", m.declared.name, why)));
  };
  if (m.declared.streams || (m.shared && m.stateless_waiting.empty())) {
    if (!m.shared) return finish(nullptr, "it is starting");
    ask(*m.shared, "tools/list", "{}", std::move(finish));
    return;
  }
  if (m.stateless()) {
    ask(modern_channel(m), "tools/list", "{}", std::move(finish));
    return;
  }
  // Over HTTP in a session of our own.
  m.stateless_waiting.push_back(
      [this, &m, finish = std::move(finish)](std::string_view why) mutable {
        if (!why.empty() || !m.shared) return finish(nullptr, why.empty() ? "it is starting" : why);
        ask(*m.shared, "tools/list", "{}", std::move(finish));
      });
  if (m.stateless_waiting.size() == 1) open_session(m);
}

void service::release(std::string const& name) {
  auto const found = members_.find(name);
  if (found == members_.end()) return;
  auto& m = *found->second;
  m.greeting.reset();
  if (m.phase != member_phase::opening) m.phase = member_phase::untried;
  constexpr std::string_view why = "it is being changed";
  if (m.modern) drop_channel(*m.modern, why);
  if (m.shared) drop_channel(*m.shared, why);
  drop_own_channels(m, why);
  m.pool.reset();
  m.speaks_modern.reset();
}

void service::sleep(served_member& m) {
  log(log_line::level::info, m.declared.name, "idle: put to sleep");
  release(m.declared.name);
  m.phase = member_phase::sleeping;
  on_worker(
      [this, name = m.declared.name] {
        plugin::call c;
        c.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        c.stop = stop_.get_token();
        return backend_.sleep(c, name);
      },
      [this, &m](result<void> slept) {
        if (!slept && !m.gone)
          log(log_line::level::warning, m.declared.name, to_string(slept.error()));
      });
}

}  // namespace thv::gateway
