// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <thv/plugin/runtime.hpp>

/// A runtime that writes down what it is asked to run and runs nothing: the smallest class that the
/// engine accepts. Put your engine behind these members. They may throw, are called from several
/// threads at once, and must return soon after `c.deadline` or when `c.stop` is requested.
/// `prepare`, `logs`, `watch`, `attach` and `where` are optional: the engine sees which exist.
class notebook_runtime {
 public:
  /// Reads the keys of `[runtimes.NAME]` in the configuration; unknown ones are an error.
  static thv::result<std::unique_ptr<notebook_runtime>> create(
      thv::plugin::host_context const& host) {
    auto made = std::make_unique<notebook_runtime>();
    for (auto const& [key, value] : host.settings) {
      if (key != "owner")
        return thv::fail(thv::errc::invalid_argument, "unknown setting '" + key + "'",
                         "known settings: owner");
      made->owner_ = value;
    }
    return made;
  }

  /// Is the engine there? A real one asks it, and answers errc::unavailable when it is not.
  thv::result<thv::plugin::fingerprint> identify(thv::plugin::call const&) {
    thv::plugin::fingerprint f;
    f.engine = owner_ + "'s notebook";
    f.version = "1";
    f.runs = {thv::source_kind::image};
    return f;
  }

  /// Makes and starts an instance; on error nothing may be left of it.
  thv::result<thv::plugin::instance> deploy(thv::plugin::call const&,
                                            thv::plugin::workload_spec const& spec) {
    std::lock_guard const lock(mutex_);
    for (auto const& [id, other] : pages_)
      if (other.workload == spec.name && id != spec.replaces)
        return thv::fail(thv::errc::conflict, "page '" + spec.name + "' is taken");
    if (auto const previous = pages_.find(spec.replaces); previous != pages_.end())
      previous->second.state = thv::workload_state::stopped;
    thv::plugin::instance page;
    page.id = "page-" + std::to_string(++last_);
    page.workload = spec.name;
    page.group = spec.group;
    page.store = spec.store;
    page.config_hash = spec.config_hash;
    page.session_key = page.id;
    page.transport = spec.transport;
    page.package = spec.source.text;
    page.labels = spec.labels;
    page.state = thv::workload_state::running;
    return pages_[page.id] = page;
  }

  thv::result<thv::plugin::instance> start(thv::plugin::call const&, std::string const& id) {
    return set_state(id, thv::workload_state::running);
  }

  /// Unknown ids succeed, so that a repeated command does.
  thv::result<void> stop(thv::plugin::call const&, std::string const& id) {
    (void)set_state(id, thv::workload_state::stopped);
    return {};
  }

  thv::result<void> remove(thv::plugin::call const&, std::string const& id) {
    std::lock_guard const lock(mutex_);
    pages_.erase(id);
    return {};
  }

  thv::result<thv::plugin::instance> inspect(thv::plugin::call const&, std::string const& id) {
    std::lock_guard const lock(mutex_);
    auto const page = pages_.find(id);
    if (page == pages_.end()) return no_page(id);
    return page->second;
  }

  thv::result<std::vector<thv::plugin::instance>> list(thv::plugin::call const&) {
    std::lock_guard const lock(mutex_);
    std::vector<thv::plugin::instance> all;
    for (auto const& [id, page] : pages_) all.push_back(page);
    return all;
  }

 private:
  static thv::error no_page(std::string const& id) {
    return thv::fail(thv::errc::not_found, "the notebook has no '" + id + "'");
  }

  thv::result<thv::plugin::instance> set_state(std::string const& id, thv::workload_state state) {
    std::lock_guard const lock(mutex_);
    auto const page = pages_.find(id);
    if (page == pages_.end()) return no_page(id);
    page->second.state = state;
    return page->second;
  }

  std::string owner_ = "nobody";
  std::mutex mutex_;
  std::map<std::string, thv::plugin::instance> pages_;
  int last_ = 0;
};
