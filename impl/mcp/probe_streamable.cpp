// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

#include <thv/mcp/sse.hpp>

#include "probe_common.hpp"
#include "probe_http.hpp"

namespace thv::mcp::detail {

namespace {

using clock = std::chrono::steady_clock;

/// Every message is a POST; its answer is JSON, a stream of events, or nothing.
class streamable_prober {
 public:
  streamable_prober(plugin::call const& c, http_target const& target) : call_(c), target_(target) {}

  result<probe_result> run() {
    apply(conversation_.start());
    auto outcome = converse();
    end_session();
    if (!outcome) return conversation_.explained(std::move(outcome).error());
    return outcome;
  }

 private:
  result<probe_result> converse() {
    while (!queue_.empty()) {
      auto const message = std::move(queue_.front());
      queue_.pop_front();
      THV_CHECK(post(message));
    }
    if (outcome_) return *std::move(outcome_);
    return fail(errc::engine, "the server's answer holds no answer to the request");
  }

  void apply(readiness_step step) {
    for (auto& message : step.send) queue_.push_back(std::move(message));
    if (step.outcome) outcome_ = std::move(step.outcome);
  }

  /// The request that was sent is answered: there is more to send, or the end is reached.
  [[nodiscard]] bool answered() const { return outcome_ || !queue_.empty(); }

  result<void> post(outgoing_message const& message) {
    sse_parser events;
    std::string body;
    THV_TRY(auto const answer, exchange(request_for(message), events, body));
    if (answer.status / 100 != 2) return on_refusal(answer, message);
    if (!message.wants_answer || answered()) return {};
    if (has_type(answer, "application/json")) {
      apply(conversation_.take(body));
      return {};
    }
    if (!has_type(answer, "text/event-stream"))
      return wrong_type(answer, "JSON or an event stream");
    return resume(events);
  }

  net::request request_for(outgoing_message const& message) const {
    auto request = target_.post(message);
    if (!session_.empty() && !message.stateless) request.headers["Mcp-Session-Id"] = session_;
    return request;
  }

  /// One exchange; events are fed as they come, JSON is collected in `body`.
  result<net::response> exchange(net::request const& request, sse_parser& events,
                                 std::string& body) {
    bool streaming = false;
    result<void> outcome;
    THV_TRY(auto answer, net::stream(
                             call_, target_.where, request,
                             [&](net::response const& head) {
                               streaming = has_type(head, "text/event-stream");
                               if (!request.headers.contains("Mcp-Method")) keep_session(head);
                               return true;
                             },
                             [&](std::string_view bytes) {
                               outcome = streaming ? feed(events, bytes) : collect(body, bytes);
                               return outcome && !(streaming && answered());
                             }));
    if (!outcome) return std::move(outcome).error();
    return answer;
  }

  static result<void> collect(std::string& body, std::string_view bytes) {
    if (body.size() + bytes.size() > message_limit)
      return fail(errc::engine, "the server's answer is larger than 16 MiB");
    body += bytes;
    return {};
  }

  result<void> feed(sse_parser& events, std::string_view bytes) {
    result<void> outcome;
    THV_CHECK(events.feed(bytes, [&](sse_event const& event) {
      auto step = conversation_.take(event.data);
      outcome = reply(step);
      apply(std::move(step));
      return outcome && !answered();
    }));
    return outcome;
  }

  /// Answers the server's own requests at once: it may wait for them before it goes on. What is
  /// left in `step` can wait until the stream's end.
  result<void> reply(readiness_step& step) {
    auto const ours = std::stable_partition(
        step.send.begin(), step.send.end(),
        [](outgoing_message const& message) { return !message.method.empty(); });
    for (auto i = ours; i != step.send.end(); ++i) {
      sse_parser events;
      std::string body;
      THV_TRY(auto const answer, exchange(request_for(*i), events, body));
      if (answer.status / 100 != 2) return refused(answer, "our reply to its request");
    }
    step.send.erase(ours, step.send.end());
    return {};
  }

  /// A server may end the stream before it has answered, to be asked again (2025-11-25, "Polling").
  result<void> resume(sse_parser& events) {
    while (!answered() && !events.last_event_id().empty()) {
      auto const before = events.last_event_id();
      THV_CHECK(pause(events.retry().value_or(std::chrono::milliseconds(1000))));
      auto request = target_.get("text/event-stream");
      request.headers["Last-Event-ID"] = before;
      if (!session_.empty()) request.headers["Mcp-Session-Id"] = session_;
      std::string body;
      THV_TRY(auto const answer, exchange(request, events, body));
      if (answer.status / 100 != 2) return refused(answer, "the request to resume its stream");
      if (!has_type(answer, "text/event-stream")) return wrong_type(answer, "an event stream");
    }
    return {};
  }

  result<void> pause(std::chrono::milliseconds time) const {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    auto const until = std::min(clock::now() + time, call_.deadline);
    wake.wait_until(lock, call_.stop, until, [] { return false; });
    if (call_.stop.stop_requested()) return fail(errc::cancelled, "cancelled");
    if (until == call_.deadline) return fail(errc::timeout, "the time is over");
    return {};
  }

  result<void> on_refusal(net::response const& answer, outgoing_message const& message) {
    auto e = refused(answer, message.method.empty() ? "our reply" : message.method);
    if (e.code == errc::unauthenticated || !message.wants_answer) return e;
    readiness_step step;
    if (!conversation_.take_refusal(answer.body, step)) return e;
    if (step.outcome && !*step.outcome && step.outcome->error().hint.empty())
      step.outcome->error().hint = e.hint;
    apply(std::move(step));
    return {};
  }

  /// Only of the revisions that have sessions: those whose requests bear no `Mcp-Method`.
  void keep_session(net::response const& head) {
    auto const id = head.headers.find("mcp-session-id");
    if (session_.empty() && head.status / 100 == 2 && id != head.headers.end())
      session_ = id->second;
  }

  /// Best effort, also after a failure; a server need not allow it.
  void end_session() {
    if (session_.empty()) return;
    plugin::call c;
    c.deadline = clock::now() + std::chrono::seconds(1);
    auto request = target_.get("application/json, text/event-stream");
    request.method = "DELETE";
    request.headers["Mcp-Session-Id"] = session_;
    (void)net::exchange(c, target_.where, request, 1u << 20);
  }

  plugin::call const& call_;
  http_target const& target_;
  conversation conversation_{{fresh_id()}};
  std::deque<outgoing_message> queue_;
  std::optional<result<probe_result>> outcome_;
  std::string session_;
};

}  // namespace

result<probe_result> probe_streamable(plugin::call const& c, http_target const& target) {
  return streamable_prober(c, target).run();
}

}  // namespace thv::mcp::detail
