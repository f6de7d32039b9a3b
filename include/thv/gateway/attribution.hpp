// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thv::gateway {

/// Whose is a message that names no call? On a stream that several clients share, a member's log
/// messages, and before 2026-07-28 its requests (sampling, elicitation, roots), say nothing of the
/// call that they belong to. So calls of different clients that may speak are kept apart: one
/// client's at a time. What may speak is learned: whatever was not yet seen to end in silence.
/// Pure bookkeeping, no clock, no input or output.
class attribution {
 public:
  /// A session, or a request of a client without one. Never 0.
  using caller = std::uint64_t;
  using call = std::uint64_t;

  /// What is asked for, as a number; 0 for requests that run none of the member's own code.
  [[nodiscard]] std::uint32_t subject(std::string_view method, std::string_view name);

  /// May a call of this subject begin now? If not, it waits for `end`.
  [[nodiscard]] bool may_start(caller who, std::uint32_t subject) const;
  /// It was heard, or its silence is not known yet.
  [[nodiscard]] bool may_speak(std::uint32_t subject) const;
  [[nodiscard]] bool was_heard(std::uint32_t subject) const;

  void start(call which, caller who, std::uint32_t subject);
  /// True if another may start now.
  bool end(call which);

  /// The call that a message belongs to; nullopt if that cannot be told. Calls that were thought
  /// silent are not looked at (see `heard`).
  [[nodiscard]] std::optional<call> owner();
  /// This call spoke: it is known from elsewhere.
  void spoke(call which, std::uint32_t subject);
  /// A call of this subject spoke, though it was thought silent.
  void heard(std::uint32_t subject);
  [[nodiscard]] bool any_open() const { return !open_.empty(); }

 private:
  enum class knowledge : std::uint8_t { none, silent, speaks };

  struct open_call {
    call which;
    caller who;
    std::uint32_t subject;
    bool spoke;
  };

  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::vector<knowledge> known_{knowledge::silent};
  std::vector<open_call> open_;  ///< those that may speak
};

}  // namespace thv::gateway
