// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <thv/gateway/message.hpp>

#include "link.hpp"

namespace thv::gateway {

class connection;
struct session;
struct served_member;
class service;

/// A question of a member's that a stateless client answers when it calls again, or one of a
/// stateless member's that a session's client was asked.
struct question {
  std::string key;
  std::string id;      ///< raw: the member's, or ours towards the client
  std::string method;  ///< `elicitation/create`, ...
  std::string answer;  ///< JSON of the result, once it is there
};

/// What a call needs beyond the splicing of ids, when its client and its member are of different
/// eras.
struct crossing {
  std::string method;
  std::string request;       ///< the client's message, for another round
  std::string capabilities;  ///< JSON: what the client declared
  int log_level = -1;        ///< what the client wants to hear; -1: nothing
  int rounds = 0;
  std::string state;  ///< requestState: ours while the call is parked, or the member's own
  std::vector<question> questions;
  std::string missing;  ///< a capability that the member needed and the client has not
  std::string outcome;  ///< the member's answer, when it came while the call was parked
};

/// A request in flight at a member.
struct pending {
  std::uint32_t generation = 0;
  bool used = false;
  bool stateless = false;      ///< of a client of the stateless era
  bool greets = false;         ///< a client's `initialize` with a member over HTTP
  std::string id;              ///< the client's, raw
  std::string token;           ///< the client's progress token, raw; empty: it wants none
  connection* post = nullptr;  ///< that waits; null: gone, or answered on the session's stream
  session* owner = nullptr;
  std::uint32_t deadline = 0;  ///< seconds of the service's clock
  std::uint32_t subject = 0;   ///< what is asked for (attribution.hpp); 0: nothing that speaks
  std::chrono::steady_clock::time_point since;
  std::unique_ptr<crossing> cross;
  /// Of a request of the gateway's own: gets the answer, or null and why there is none.
  std::function<void(message const*, std::string_view)> done;
};

/// A conversation with a member over a link, shared by clients or one session's own: knows which
/// request is whose.
class channel final : public link_events {
 public:
  channel(service& owner, served_member& of, bool stateless, session* of_session);
  ~channel() override;

  void attach(std::unique_ptr<link> way) { link_ = std::move(way); }
  [[nodiscard]] link* way() const { return link_.get(); }

  /// Takes a place for a request; its number is the id towards the member.
  std::uint64_t add(pending p);
  [[nodiscard]] pending* find(std::uint64_t slot);
  /// By the raw id of an answer, or a raw token.
  [[nodiscard]] pending* find(std::string_view raw, std::uint64_t& slot);
  /// Frees the place.
  pending take(std::uint64_t slot);
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
  template <class F>
  void each(F f) {
    for (std::size_t i = 0; i < slots_.size(); ++i)
      if (slots_[i].used) f(number(i), slots_[i]);
  }

  bool on_message(std::string_view text, std::uint64_t slot) override;
  void on_failed(std::uint64_t slot, int status, std::string_view why) override;
  void on_renewed() override;
  void on_ended(std::string_view why) override;

  service& owner;
  served_member& of;
  session* const of_session;         ///< null: shared
  bool stateless;                    ///< it speaks 2026-07-28
  std::uint64_t next_listening = 0;  ///< one that takes its place once it is acknowledged
  std::uint64_t listening = 0;       ///< slot of our own `subscriptions/listen`

 private:
  [[nodiscard]] std::uint64_t number(std::size_t index) const {
    return std::uint64_t{slots_[index].generation} << 16 | index;
  }

  std::unique_ptr<link> link_;
  std::vector<pending> slots_;
  std::vector<std::uint16_t> free_;
  std::size_t in_flight_ = 0;
  std::uint32_t next_generation_;
};

}  // namespace thv::gateway
