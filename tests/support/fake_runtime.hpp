// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <thv/mcp/probe.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::testing {

/// A runtime in memory, for what real ones cannot be brought to do on command: failing in one verb
/// for one workload. Keeps a log of the calls that change something ("deploy a", "remove a#1").
class fake_runtime : public plugin::runtime {
 public:
  /// Makes `verb` fail for `workload` from now on.
  void fail_on(std::string const& verb, std::string const& workload, errc code = errc::engine) {
    std::lock_guard lock(mutex_);
    failures_[verb + " " + workload] = code;
  }
  void heal() {
    std::lock_guard lock(mutex_);
    failures_.clear();
  }

  bool gives_secret_files = false;

  std::vector<std::string> calls() const {
    std::lock_guard lock(mutex_);
    return calls_;
  }
  /// Names of what runs, sorted.
  std::vector<std::string> running() const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (auto const& [id, one] : instances_)
      if (one.state == workload_state::running) names.push_back(id);
    return names;
  }
  std::size_t count() const {
    std::lock_guard lock(mutex_);
    return instances_.size();
  }
  plugin::workload_spec spec_of(std::string const& workload) const {
    std::lock_guard lock(mutex_);
    auto const found = specs_.find(workload);
    return found == specs_.end() ? plugin::workload_spec{} : found->second;
  }
  /// Something behind the engine's back.
  void put(plugin::instance one) {
    std::lock_guard lock(mutex_);
    instances_[one.id] = std::move(one);
  }
  void erase(std::string const& id) {
    std::lock_guard lock(mutex_);
    instances_.erase(id);
  }

  std::uint64_t capabilities() const noexcept override {
    return plugin::can_attach | plugin::can_logs;
  }
  result<plugin::fingerprint> identify(plugin::call const&) noexcept override {
    plugin::fingerprint who{"fake", "1", {source_kind::image, source_kind::npm}};
    who.secret_files = gives_secret_files;
    return who;
  }
  result<void> prepare(plugin::call const&, plugin::workload_spec const& spec) noexcept override {
    std::lock_guard lock(mutex_);
    return check("prepare", spec.name);
  }
  result<plugin::instance> deploy(plugin::call const&,
                                  plugin::workload_spec const& spec) noexcept override {
    std::lock_guard lock(mutex_);
    calls_.push_back("deploy " + spec.name);
    THV_CHECK(check("deploy", spec.name));
    if (!spec.replaces.empty())
      if (auto old = instances_.find(spec.replaces); old != instances_.end())
        old->second.state = workload_state::stopped;
    plugin::instance one;
    one.id = fmt::format("{}#{}", spec.name, ++last_);
    one.workload = spec.name;
    one.group = spec.group;
    one.store = spec.store;
    one.config_hash = spec.config_hash;
    one.state = workload_state::running;
    one.session_key = fmt::format("{}@{}", one.id, ++last_start_);
    specs_[spec.name] = spec;
    return instances_[one.id] = one;
  }
  result<plugin::instance> start(plugin::call const&, std::string const& id) noexcept override {
    std::lock_guard lock(mutex_);
    calls_.push_back("start " + id);
    THV_TRY(auto* one, find(id));
    THV_CHECK(check("start", one->workload));
    if (one->state != workload_state::running)
      one->session_key = fmt::format("{}@{}", id, ++last_start_);
    one->state = workload_state::running;
    return *one;
  }
  result<void> stop(plugin::call const&, std::string const& id) noexcept override {
    std::lock_guard lock(mutex_);
    calls_.push_back("stop " + id);
    auto one = find(id);
    if (!one) return {};
    THV_CHECK(check("stop", (*one)->workload));
    (*one)->state = workload_state::stopped;
    return {};
  }
  result<void> remove(plugin::call const&, std::string const& id) noexcept override {
    std::lock_guard lock(mutex_);
    calls_.push_back("remove " + id);
    auto one = find(id);
    if (!one) return {};
    THV_CHECK(check("remove", (*one)->workload));
    instances_.erase(id);
    return {};
  }
  result<plugin::instance> inspect(plugin::call const&, std::string const& id) noexcept override {
    std::lock_guard lock(mutex_);
    THV_TRY(auto* one, find(id));
    return *one;
  }
  result<std::vector<plugin::instance>> list(plugin::call const&) noexcept override {
    std::lock_guard lock(mutex_);
    THV_CHECK(check("list", ""));
    std::vector<plugin::instance> all;
    for (auto const& [id, one] : instances_) all.push_back(one);
    return all;
  }
  result<void> logs(plugin::call const&, std::string const& id, plugin::log_options const&,
                    std::function<bool(std::string_view)> const& sink) noexcept override {
    sink(fmt::format("last words of {}\n", id));
    std::lock_guard lock(mutex_);
    if (auto one = find(id))
      for (auto const& [key, value] : specs_[(*one)->workload].environment)
        sink(key + "=" + value + "\n");
    if (auto one = find(id))
      for (auto const& [key, value] : specs_[(*one)->workload].secret_files)
        sink("read " + value + "\n");
    return {};
  }
  result<void> watch(plugin::call const&,
                     std::function<bool(plugin::event const&)> const&) noexcept override {
    return fail(errc::unsupported, "no watch");
  }
  result<plugin::stream> attach(plugin::call const&, std::string const&) noexcept override {
    return fail(errc::unsupported, "no attach");
  }
  result<plugin::endpoint> where(plugin::call const&, std::string const&) noexcept override {
    return fail(errc::unsupported, "no endpoint");
  }
  void* query(char const*) noexcept override { return nullptr; }

  /// Stands in for the MCP exchange: fails where `fail_on("probe", …)` says so.
  result<mcp::probe_result> probe(plugin::instance const& one, bool initialised) {
    std::lock_guard lock(mutex_);
    calls_.push_back((initialised ? "list-tools " : "initialize ") + one.workload);
    THV_CHECK(check("probe", one.workload));
    mcp::probe_result answer;
    answer.initialize_result = initialised ? "" : "{}";
    answer.tools = {"echo", "ping"};
    return answer;
  }

 private:
  result<void> check(std::string const& verb, std::string const& workload) const {
    auto const found = failures_.find(verb + " " + workload);
    if (found == failures_.end()) return {};
    auto e = fail(found->second, verb + " failed as told");
    e.engine_message = "words of the engine";
    return e;
  }
  result<plugin::instance*> find(std::string const& id) {
    auto const found = instances_.find(id);
    if (found == instances_.end()) return fail(errc::not_found, "no instance " + id);
    return &found->second;
  }

  mutable std::mutex mutex_;
  std::map<std::string, plugin::instance> instances_;
  std::map<std::string, plugin::workload_spec> specs_;
  std::map<std::string, errc> failures_;
  std::vector<std::string> calls_;
  int last_ = 0;
  int last_start_ = 0;
};

}  // namespace thv::testing
