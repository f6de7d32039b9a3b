// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include <thv/mcp/sse.hpp>

#include "probe_common.hpp"
#include "probe_http.hpp"

namespace thv::mcp::detail {

namespace {

/// One GET stays open and carries every message of the server; ours are POSTed to the address that
/// its first event names.
class sse_prober {
 public:
  sse_prober(plugin::call const& c, http_target const& target) : call_(c), target_(target) {}

  result<probe_result> run() {
    result<void> head;
    result<void> body;
    auto answer = net::stream(
        call_, target_.where, target_.get("text/event-stream"),
        [&](net::response const& seen) {
          if (seen.status / 100 == 2 && !has_type(seen, "text/event-stream"))
            head = wrong_type(seen, "an event stream");
          return head.has_value();
        },
        [&](std::string_view bytes) {
          body = events_.feed(bytes, [&](sse_event const& event) {
            failure_ = take(event);
            return failure_ && !outcome_;
          });
          return body && failure_ && !outcome_;
        });
    for (auto* outcome : {&head, &body, &failure_})
      if (!*outcome) return conversation_.explained(std::move(*outcome).error());
    if (outcome_) return *std::move(outcome_);
    if (!answer) return conversation_.explained(std::move(answer).error());
    if (answer->status / 100 != 2) return refused(*answer, "the GET that opens its stream");
    return conversation_.explained(
        fail(errc::unavailable, "the server ended its event stream too early"));
  }

 private:
  result<void> take(sse_event const& event) {
    if (event.type == "endpoint") {
      if (messages_) return {};
      THV_TRY(messages_, target_.resolve(event.data));
      return apply(conversation_.start());
    }
    if (event.type != "message" || !messages_) return {};
    return apply(conversation_.take(event.data));
  }

  result<void> apply(readiness_step step) {
    for (auto const& message : step.send) THV_CHECK(post(message));
    if (step.outcome) outcome_ = std::move(step.outcome);
    return {};
  }

  result<void> post(outgoing_message const& message) const {
    THV_TRY(auto const answer,
            net::exchange(call_, messages_->where, messages_->post(message), message_limit));
    if (answer.status / 100 == 2) return {};
    return refused(answer, message.method.empty() ? "our reply" : message.method);
  }

  plugin::call const& call_;
  http_target const& target_;
  conversation conversation_{{fresh_id()}};
  sse_parser events_;
  std::optional<http_target> messages_;
  std::optional<result<probe_result>> outcome_;
  result<void> failure_;
};

}  // namespace

result<probe_result> probe_sse(plugin::call const& c, http_target const& target) {
  return sse_prober(c, target).run();
}

}  // namespace thv::mcp::detail
