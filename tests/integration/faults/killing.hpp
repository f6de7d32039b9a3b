// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>
#include <thv/plugin/runtime.hpp>
#include <thv/store/sqlite_store.hpp>

/// A store and a runtime that do what the real ones behind them do, and kill this process with
/// SIGKILL at one place: before or after the n-th call that changes something.
namespace thv::testing {

/// Counts the places and kills at the chosen one; 0 never kills.
class executioner {
 public:
  explicit executioner(int place) : place_(place) {}

  void pass() {
    if (++passed_ == place_) ::kill(::getpid(), SIGKILL);
  }

  template <class F>
  auto around(F&& f) {
    pass();
    auto done = f();
    pass();
    return done;
  }

 private:
  int place_;
  int passed_ = 0;
};

class killing_store {
 public:
  killing_store(store::sqlite_store store, executioner& death)
      : store_(std::move(store)), death_(death) {}

  std::string id() const { return store_.id(); }
  std::string keyed_hash(std::string_view text) const { return store_.keyed_hash(text); }
  auto groups() { return store_.groups(); }
  auto group(std::string const& name) { return store_.group(name); }
  auto workloads() { return store_.workloads(); }
  auto workloads_of(std::string const& group) { return store_.workloads_of(group); }
  auto workload(std::string const& name) { return store_.workload(name); }
  auto intents(std::int64_t id) { return store_.intents(id); }
  auto open_operations() { return store_.open_operations(); }
  auto lock_group(plugin::call const& c, std::string const& g) { return store_.lock_group(c, g); }

  auto create_group(store::group_record const& group) {
    return death_.around([&] { return store_.create_group(group); });
  }
  auto apply(store::change_set const& changes) {
    return death_.around([&] { return store_.apply(changes); });
  }
  auto put_session(store::workload_record const& w) {
    return death_.around([&] { return store_.put_session(w); });
  }
  auto catalogues() { return store_.catalogues(); }
  auto put_catalogue(std::string const& name, store::catalogue_record const& said) {
    return death_.around([&] { return store_.put_catalogue(name, said); });
  }
  auto move_workload(std::string const& n, std::string const& from, std::string const& to) {
    return death_.around([&] { return store_.move_workload(n, from, to); });
  }
  auto begin(store::operation_record const& o, std::vector<store::workload_record> const& reserve,
             std::vector<store::intent_record> const& intents) {
    return death_.around([&] { return store_.begin(o, reserve, intents); });
  }
  auto update_intent(store::intent_record const& intent) {
    return death_.around([&] { return store_.update_intent(intent); });
  }
  auto commit(std::int64_t id, store::change_set const& changes) {
    return death_.around([&] { return store_.commit(id, changes); });
  }
  auto end(std::int64_t id, store::change_set const& changes) {
    return death_.around([&] { return store_.end(id, changes); });
  }

 private:
  store::sqlite_store store_;
  executioner& death_;
};

static_assert(store::state_store<killing_store>);

class killing_runtime final : public plugin::runtime {
 public:
  killing_runtime(std::unique_ptr<plugin::runtime> real, executioner& death)
      : real_(std::move(real)), death_(death) {}

  std::uint64_t capabilities() const noexcept override { return real_->capabilities(); }
  result<plugin::fingerprint> identify(plugin::call const& c) noexcept override {
    return real_->identify(c);
  }
  result<void> prepare(plugin::call const& c, plugin::workload_spec const& s) noexcept override {
    return real_->prepare(c, s);
  }
  result<plugin::instance> deploy(plugin::call const& c,
                                  plugin::workload_spec const& s) noexcept override {
    return death_.around([&] { return real_->deploy(c, s); });
  }
  result<plugin::instance> start(plugin::call const& c, std::string const& id) noexcept override {
    return death_.around([&] { return real_->start(c, id); });
  }
  result<void> stop(plugin::call const& c, std::string const& id) noexcept override {
    return death_.around([&] { return real_->stop(c, id); });
  }
  result<void> remove(plugin::call const& c, std::string const& id) noexcept override {
    return death_.around([&] { return real_->remove(c, id); });
  }
  result<plugin::instance> inspect(plugin::call const& c, std::string const& id) noexcept override {
    return real_->inspect(c, id);
  }
  result<std::vector<plugin::instance>> list(plugin::call const& c) noexcept override {
    return real_->list(c);
  }
  result<void> logs(plugin::call const& c, std::string const& id, plugin::log_options const& o,
                    std::function<bool(std::string_view)> const& sink) noexcept override {
    return real_->logs(c, id, o, sink);
  }
  result<void> watch(plugin::call const& c,
                     std::function<bool(plugin::event const&)> const& sink) noexcept override {
    return real_->watch(c, sink);
  }
  result<plugin::stream> attach(plugin::call const& c, std::string const& id) noexcept override {
    return death_.around([&] { return real_->attach(c, id); });
  }
  result<plugin::endpoint> where(plugin::call const& c, std::string const& id) noexcept override {
    return real_->where(c, id);
  }
  void* query(char const* id) noexcept override { return real_->query(id); }

 private:
  std::unique_ptr<plugin::runtime> real_;
  executioner& death_;
};

}  // namespace thv::testing
