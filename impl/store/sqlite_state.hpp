// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include <thv/store/sqlite_store.hpp>

#include "database.hpp"
#include "identity.hpp"

namespace thv::store {

/// The files of a store in its folder.
struct store_paths {
  std::filesystem::path directory;

  [[nodiscard]] std::filesystem::path database() const { return directory / "state.db"; }
  [[nodiscard]] std::filesystem::path identity() const { return directory / "identity"; }
  [[nodiscard]] std::filesystem::path locks() const { return directory / "locks"; }
  /// There after somebody met damage: the next one that opens to write checks the whole database.
  [[nodiscard]] std::filesystem::path damage_mark() const { return directory / "state.db.damaged"; }
  /// Held while the files are made, migrated or set aside. No group's lock has such a name.
  [[nodiscard]] std::filesystem::path open_lock() const { return locks() / ".open"; }
};

/// Milliseconds since 1970 by the system's clock.
std::int64_t system_time();

class sqlite_store::state {
 public:
  state(sqlite_options o, store_paths p, detail::identity i, detail::database d, bool rebuild)
      : options(std::move(o)),
        paths(std::move(p)),
        who(std::move(i)),
        db(std::move(d)),
        needs_rebuild(rebuild) {}

  sqlite_options options;
  store_paths paths;
  detail::identity who;
  detail::database db;
  bool needs_rebuild = false;
  std::mutex mutex{};

  [[nodiscard]] std::int64_t now() const;

  /// One transaction under the mutex; refused for a store that only reads.
  template <class F>
  auto change(detail::durability d, F const& body) -> decltype(body()) {
    THV_CHECK(writable());
    std::lock_guard const lock(mutex);
    return noting_damage(db.write(d, body));
  }

  template <class F>
  auto read(F const& body) -> decltype(body(db)) {
    std::lock_guard const lock(mutex);
    return noting_damage(body(db));
  }

  [[nodiscard]] result<void> writable() const;

 private:
  template <class T>
  result<T> noting_damage(result<T> outcome) const {
    if (!outcome && outcome.error().code == errc::corrupt) note_damage();
    return outcome;
  }

  void note_damage() const;
};

}  // namespace thv::store
