// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/adapter.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv {

/// The runtimes that an engine works with, by name. `names()` is in order of preference: a workload
/// that names no runtime takes the first that answers and can run it. `get` makes a runtime when it
/// is first asked for; the pointer lives as long as the collection. errc::not_found for an unknown
/// name, with the known ones in the hint. Both are thread-safe.
template <class R>
concept runtime_collection = requires(R& r, R const& cr, std::string const& name) {
  { cr.names() } -> std::same_as<std::vector<std::string>>;
  { r.get(name) } -> std::same_as<result<plugin::runtime*>>;
};

/// Runtimes that an embedder passes directly, without a library to load. Fill it before use: `add`
/// is not thread-safe, the rest is.
class static_runtimes {
 public:
  /// Adds a runtime of a plain class (see plugin::runtime_class), made with `host` under
  /// `host.runtime_name`. Errors are those of T::create, and errc::already_exists.
  template <plugin::runtime_class T>
  result<void> add(plugin::host_context const& host) {
    auto made = plugin::make_runtime<T>(host);
    if (!made) return std::move(made).error();
    return add(host.runtime_name, *std::move(made));
  }

  /// Adds a runtime that exists already. errc::already_exists, errc::invalid_argument for none.
  result<void> add(std::string name, std::unique_ptr<plugin::runtime> runtime) {
    if (!runtime || name.empty())
      return fail(errc::invalid_argument, "a runtime needs a name and an object");
    if (find(name)) return fail(errc::already_exists, "runtime '" + name + "' was added before");
    entries_.push_back({std::move(name), std::move(runtime)});
    return {};
  }

  /// In the order added.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (auto const& entry : entries_) all.push_back(entry.name);
    return all;
  }

  [[nodiscard]] result<plugin::runtime*> get(std::string const& name) const {
    if (auto* found = find(name)) return found;
    std::string known;
    for (auto const& entry : entries_) known += (known.empty() ? "" : ", ") + entry.name;
    return fail(errc::not_found, "no runtime '" + name + "'", "known runtimes: " + known);
  }

 private:
  struct entry {
    std::string name;
    std::unique_ptr<plugin::runtime> object;
  };

  [[nodiscard]] plugin::runtime* find(std::string const& name) const {
    for (auto const& entry : entries_)
      if (entry.name == name) return entry.object.get();
    return nullptr;
  }

  std::vector<entry> entries_;
};

static_assert(runtime_collection<static_runtimes>);

}  // namespace thv
