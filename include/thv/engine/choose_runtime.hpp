// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <thv/plugin/collection.hpp>

namespace thv {

/// Asks runtimes who they are, each once, and finds the one for a workload. Thread-safe.
template <runtime_collection Runtimes>
class runtime_chooser {
 public:
  runtime_chooser(Runtimes& runtimes, std::string default_runtime)
      : runtimes_(runtimes), default_(std::move(default_runtime)) {}

  /// What a runtime answers about itself; failures are kept as well.
  result<plugin::fingerprint> identify(std::string const& name) {
    {
      std::lock_guard lock(mutex_);
      if (auto const known = known_.find(name); known != known_.end()) return known->second;
    }
    plugin::call const c{std::chrono::steady_clock::now() + std::chrono::seconds(3), {}, {}};
    auto runtime = runtimes_.get(name);
    auto answer =
        runtime ? (*runtime)->identify(c) : result<plugin::fingerprint>(std::move(runtime).error());
    std::lock_guard lock(mutex_);
    return known_.emplace(name, std::move(answer)).first->second;
  }

  /// The runtime for a workload that can be had in the forms `offered` (more than one for registry
  /// entries with several packages): `wanted`, else the default one, else the first that answers
  /// and can run one of them. URLs always go to `remote`. Errors: errc::unsupported naming the
  /// runtimes that can, errc::unavailable with every reason.
  result<std::string> choose(std::string const& workload, std::vector<source_kind> const& offered,
                             std::string wanted) {
    if (offered.size() == 1 && offered.front() == source_kind::url) return std::string("remote");
    if (wanted.empty()) wanted = default_;
    if (!wanted.empty()) return check(workload, offered, wanted);
    std::string reasons;
    for (auto const& name : runtimes_.names()) {
      auto const who = identify(name);
      if (!who)
        reasons +=
            fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", name, to_string(who.error()));
      else if (can_run(*who, offered))
        return name;
    }
    auto failure =
        fail(errc::unavailable,
             fmt::format("no runtime answers that can run '{}', {}", workload, forms(offered)),
             "'thv-engine runtime list' shows the runtimes and why they do not answer");
    if (!reasons.empty()) failure.message += " (" + reasons + ")";
    return failure;
  }

 private:
  static bool can_run(plugin::fingerprint const& who, std::vector<source_kind> const& offered) {
    return std::any_of(offered.begin(), offered.end(), [&](source_kind kind) {
      return std::find(who.runs.begin(), who.runs.end(), kind) != who.runs.end();
    });
  }

  static std::string forms(std::vector<source_kind> const& offered) {
    std::string text;
    for (auto kind : offered)
      text += fmt::format("{}{} {}", text.empty() ? "" : " or ",
                          kind == source_kind::image || kind == source_kind::npm ? "an" : "a",
                          kind == source_kind::image ? "OCI image" : to_string(kind));
    return text;
  }

  result<std::string> check(std::string const& workload, std::vector<source_kind> const& offered,
                            std::string const& name) {
    auto const who = identify(name);
    if (!who) return who.error();
    if (can_run(*who, offered)) return name;
    std::vector<std::string> able;
    for (auto const& other : runtimes_.names())
      if (auto const answer = identify(other); answer && can_run(*answer, offered))
        able.push_back(other);
    auto const image = std::find(offered.begin(), offered.end(), source_kind::image);
    return fail(
        errc::unsupported,
        fmt::format("'{}' is {}, which runtime '{}' cannot run", workload, forms(offered), name),
        !able.empty() ? fmt::format("runtimes that can: {}", fmt::join(able, ", "))
                      : fmt::format("no runtime that answers can run it{}",
                                    image != offered.end() ? "; docker and podman could"
                                                           : "; see 'thv-engine runtime list'"));
  }

  Runtimes& runtimes_;
  std::string default_;
  std::mutex mutex_;
  std::map<std::string, result<plugin::fingerprint>> known_;
};

}  // namespace thv
