// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <thv/gateway/message.hpp>

namespace thv::gateway {

/// A message to a member: a text with up to two parts replaced, and what a transport has to know.
struct outgoing {
  std::string_view text;
  replacement first{};
  replacement second{};
  message_kind kind = message_kind::request;
  std::string_view method{};
  std::string_view name{};        ///< of the tool, prompt or resource that is asked for
  std::string_view parameters{};  ///< Mcp-Param-* header lines, each with its end
  std::uint64_t slot = 0;         ///< the id of a request
  bool alone = true;              ///< nothing else is in flight: waiting would gain nothing
};

/// Who hears from a link. Texts live until the call returns, and hold no line ends outside of
/// white space between tokens.
class link_events {
 public:
  virtual ~link_events() = default;
  /// A message of the member. `slot`: the request on whose own stream it came, else 0. True: it
  /// was an answer, and somebody had waited for it.
  virtual bool on_message(std::string_view text, std::uint64_t slot) = 0;
  /// The transport failed a request. `status`: of HTTP, else 0.
  virtual void on_failed(std::uint64_t slot, int status, std::string_view why) = 0;
  /// The member had lost the session; it was opened anew, with nothing of what the old one had set.
  virtual void on_renewed() = 0;
  /// Nothing more will come. The link may be destroyed once the call has returned.
  virtual void on_ended(std::string_view why) = 0;
};

/// A way to talk to a member, whatever the transport. Not thread-safe; calls its events only from
/// the loop, never from within a call of its own.
class link {
 public:
  link() = default;
  link(link const&) = delete;
  link& operator=(link const&) = delete;
  virtual ~link() = default;

  virtual void send(outgoing const& message) = 0;
  /// Nobody waits for the request any more: closes its own stream, where it has one.
  virtual void abandon(std::uint64_t slot) = 0;
  /// Opens a stream for what belongs to no request, where that takes one.
  virtual void open_stream() = 0;
  /// Ends the session, where there is one.
  virtual void end() = 0;
  /// The revision agreed on, which HTTP repeats with each request.
  virtual void agree(std::string_view revision) = 0;
  /// Says this `initialize` before anything else: the session that it opened once is gone.
  virtual void renew(std::string_view initialize) = 0;
  /// Bytes that the member has not taken yet.
  [[nodiscard]] virtual std::size_t queued() const = 0;
};

}  // namespace thv::gateway
