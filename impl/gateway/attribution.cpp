// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <thv/gateway/attribution.hpp>

namespace thv::gateway {

namespace {

/// Beyond that many names, new ones share a number: a client may make names up.
constexpr std::size_t most_subjects = 4096;

}  // namespace

std::uint32_t attribution::subject(std::string_view method, std::string_view name) {
  char kind = 0;
  if (method == "tools/call")
    kind = 't';
  else if (method == "prompts/get")
    kind = 'p';
  else if (method == "resources/read")
    kind = 'r';
  else
    return 0;
  if (numbers_.size() >= most_subjects) name = {};
  char key[160];
  auto const size = std::min(name.size(), sizeof key - 1);
  key[0] = kind;
  std::copy_n(name.data(), size, key + 1);
  std::string_view const text(key, size + 1);
  if (auto const found = numbers_.find(text); found != numbers_.end()) return found->second;
  auto const number = static_cast<std::uint32_t>(known_.size());
  known_.push_back(knowledge::none);
  numbers_.emplace(text, number);
  return number;
}

bool attribution::may_speak(std::uint32_t subject) const {
  return known_[subject] != knowledge::silent;
}

bool attribution::was_heard(std::uint32_t subject) const {
  return known_[subject] == knowledge::speaks;
}

bool attribution::may_start(caller who, std::uint32_t subject) const {
  if (!may_speak(subject)) return true;
  return std::all_of(open_.begin(), open_.end(), [&](auto const& c) { return c.who == who; });
}

void attribution::start(call which, caller who, std::uint32_t subject) {
  if (may_speak(subject)) open_.push_back({which, who, subject, false});
}

bool attribution::end(call which) {
  auto const at =
      std::find_if(open_.begin(), open_.end(), [&](auto const& c) { return c.which == which; });
  if (at == open_.end()) return false;
  if (!at->spoke && known_[at->subject] == knowledge::none) known_[at->subject] = knowledge::silent;
  open_.erase(at);
  return true;
}

std::optional<attribution::call> attribution::owner() {
  if (open_.empty()) return std::nullopt;
  bool const one = std::all_of(open_.begin(), open_.end(),
                               [&](auto const& c) { return c.who == open_.front().who; });
  for (auto& c : open_) {
    c.spoke = true;
    // Of several calls it cannot be told which one spoke; of one it can.
    if (open_.size() == 1 || !one) known_[c.subject] = knowledge::speaks;
  }
  if (!one) return std::nullopt;
  return open_.back().which;
}

void attribution::spoke(call which, std::uint32_t subject) {
  for (auto& c : open_)
    if (c.which == which) c.spoke = true;
  heard(subject);
}

void attribution::heard(std::uint32_t subject) {
  if (subject != 0) known_[subject] = knowledge::speaks;
}

}  // namespace thv::gateway
