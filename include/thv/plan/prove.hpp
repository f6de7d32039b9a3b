// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <thv/plan/services.hpp>

namespace thv::plan {

/// A workload that answered.
struct proof {
  plugin::instance instance;  ///< as it was when it answered
  mcp::probe_result answer;
  std::string readiness;  ///< "ready" or "unauthenticated"
};

namespace detail {

/// Why an instance will never answer, or nullopt while it still may.
inline std::optional<error> end_of(plugin::instance const& seen) {
  bool const ended = seen.state == workload_state::stopped || seen.state == workload_state::error ||
                     seen.state == workload_state::removing;
  if (!ended) return std::nullopt;
  auto text = seen.exit_code ? fmt::format("ended with exit status {}", *seen.exit_code)
                             : std::string("ended");
  auto failure = fail(errc::exited, text + " before it was ready");
  failure.engine_message = seen.message;
  return failure;
}

/// Sleeps, or returns false when the token is triggered.
inline bool sleep_for(std::stop_token const& stop, std::chrono::milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any waker;
  std::unique_lock lock(mutex);
  return !waker.wait_for(lock, stop, time, [&] { return stop.stop_requested(); }) &&
         !stop.stop_requested();
}

/// Looks at an instance on a thread of its own, and stops the exchange with it when it ends: a
/// member on FIFOs gives no end of file.
class exit_watch {
 public:
  exit_watch(plugin::runtime& runtime, std::string id, std::stop_token outer)
      : forward_(outer, [this] { inner_.request_stop(); }),
        thread_([this, &runtime, id = std::move(id)](std::stop_token own) {
          look(runtime, id, own);
        }) {}

  [[nodiscard]] std::stop_token token() const { return inner_.get_token(); }

  /// Ends the watch and says what it saw.
  [[nodiscard]] std::optional<error> finish() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    return seen_;
  }

 private:
  void look(plugin::runtime& runtime, std::string const& id, std::stop_token own) {
    for (auto pause = std::chrono::milliseconds(50); sleep_for(own, pause);
         pause = std::min(pause * 3 / 2, std::chrono::milliseconds(400))) {
      plugin::call c{std::chrono::steady_clock::now() + std::chrono::seconds(5), own, {}};
      auto const now = runtime.inspect(c, id);
      if (now)
        seen_ = end_of(*now);
      else if (now.error().code == errc::not_found)
        seen_ = fail(errc::exited, "was removed before it was ready");
      if (!seen_) continue;
      inner_.request_stop();
      return;
    }
  }

  std::stop_source inner_;
  std::stop_callback<std::function<void()>> forward_;
  std::optional<error> seen_;
  std::jthread thread_;
};

/// Errors of an exchange that a server which is still starting may give. A server that runs
/// elsewhere is not starting: what it answers counts.
inline bool may_pass(error const& e, bool remote) {
  if (e.code == errc::unavailable) return true;
  return !remote && (e.code == errc::engine || e.code == errc::conflict || e.code == errc::exited ||
                     e.code == errc::timeout);
}

/// The longest time for one of several attempts.
inline constexpr std::chrono::seconds attempt_time{30};
/// How long a remote server that cannot be reached is tried.
inline constexpr std::chrono::seconds remote_patience{10};

}  // namespace detail

/// Waits until the instance answers a real MCP exchange, `c.deadline` passes, or it ends. A stdio
/// workload is asked once (its session is made once for each start); an HTTP one again and again
/// until it listens. `initialised`: its session exists already.
/// Errors: errc::exited with the exit status, errc::timeout with the last answer, errc::cancelled.
[[nodiscard]] inline result<proof> prove_ready(services const& world, plugin::runtime& runtime,
                                               plugin::instance const& started,
                                               run_config const& config, plugin::call const& c,
                                               bool initialised) {
  detail::exit_watch watch(runtime, started.id, c.stop);
  bool const remote = config.origin().kind == source_kind::url;
  bool const repeats = config.transport != transport::stdio;
  auto const begun = std::chrono::steady_clock::now();
  auto const give_up = remote ? std::min(c.deadline, begun + detail::remote_patience) : c.deadline;
  plugin::call inner{c.deadline, watch.token(), c.progress};
  result<mcp::probe_result> answer = fail(errc::timeout, "was not asked");
  for (auto pause = std::chrono::milliseconds(20);;
       pause = std::min(pause * 3 / 2, std::chrono::milliseconds(250))) {
    auto const now = std::chrono::steady_clock::now();
    if (repeats) inner.deadline = std::min(c.deadline, now + detail::attempt_time);
    answer = world.probe(inner, runtime, started, config, initialised);
    bool const again = !answer && repeats && detail::may_pass(answer.error(), remote) &&
                       std::chrono::steady_clock::now() + pause < give_up;
    if (!again || !detail::sleep_for(inner.stop, pause)) break;
  }
  auto const ended = watch.finish();
  bool const locked = !answer && answer.error().code == errc::unauthenticated;
  if (!answer && !locked) {
    if (c.stop.stop_requested()) return fail(errc::cancelled, "interrupted");
    if (ended) return *ended;
    plugin::call last{std::chrono::steady_clock::now() + std::chrono::seconds(5), {}, {}};
    if (auto now = runtime.inspect(last, started.id))
      if (auto why = detail::end_of(*now)) return *why;
    return std::move(answer).error();
  }
  plugin::call last{std::chrono::steady_clock::now() + std::chrono::seconds(10), {}, {}};
  auto now = runtime.inspect(last, started.id);
  if (!now) return std::move(now).error();
  if (auto why = detail::end_of(*now)) return *why;
  return proof{*std::move(now), locked ? mcp::probe_result{} : *std::move(answer),
               locked ? "unauthenticated" : "ready"};
}

}  // namespace thv::plan
