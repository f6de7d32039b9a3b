// SPDX-License-Identifier: Apache-2.0
#include "channel.hpp"

#include <charconv>
#include <random>
#include <utility>

#include "service.hpp"

namespace thv::gateway {

channel::channel(service& by, served_member& to, bool is_stateless, session* whose)
    : owner(by), of(to), of_session(whose), stateless(is_stateless) {
  // Fresh ids, so that answers to whoever spoke to the member before are told apart.
  next_generation_ = std::random_device()() & 0x3FFFFFFFu;
}

channel::~channel() = default;

std::uint64_t channel::add(pending p) {
  std::size_t index = slots_.size();
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    slots_.emplace_back();
  }
  next_generation_ = (next_generation_ + 1) & 0x7FFFFFFFu;
  if (next_generation_ == 0) next_generation_ = 1;
  p.generation = next_generation_;
  p.used = true;
  slots_[index] = std::move(p);
  ++in_flight_;
  return number(index);
}

pending* channel::find(std::uint64_t slot) {
  auto const index = slot & 0xFFFF;
  if (index >= slots_.size()) return nullptr;
  auto& p = slots_[index];
  return p.used && number(index) == slot ? &p : nullptr;
}

pending* channel::find(std::string_view raw, std::uint64_t& slot) {
  // Some members answer a number with a string of it.
  if (raw.size() > 2 && raw.front() == '"') raw = raw.substr(1, raw.size() - 2);
  auto const [end, bad] = std::from_chars(raw.data(), raw.data() + raw.size(), slot);
  if (bad != std::errc() || end != raw.data() + raw.size()) return nullptr;
  return find(slot);
}

pending channel::take(std::uint64_t slot) {
  auto& p = slots_[slot & 0xFFFF];
  pending taken = std::move(p);
  p = pending{};
  p.generation = taken.generation;
  free_.push_back(static_cast<std::uint16_t>(slot & 0xFFFF));
  --in_flight_;
  return taken;
}

bool channel::on_message(std::string_view text, std::uint64_t slot) {
  return owner.on_member_message(*this, text, slot);
}
void channel::on_failed(std::uint64_t slot, int status, std::string_view why) {
  owner.on_call_failed(*this, slot, status, why);
}
void channel::on_renewed() {
  owner.on_session_renewed(*this);
}
void channel::on_ended(std::string_view why) {
  owner.on_channel_ended(*this, why);
}

}  // namespace thv::gateway
