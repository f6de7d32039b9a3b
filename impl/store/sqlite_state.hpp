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
  /// Held while the files are made, migrated or set aside. No group's lock has such a name.
  [[nodiscard]] std::filesystem::path open_lock() const { return locks() / ".open"; }
};

/// Milliseconds since 1970 by the system's clock.
std::int64_t system_time();

struct sqlite_store::state {
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
    return db.write(d, body);
  }

  [[nodiscard]] result<void> writable() const;
};

}  // namespace thv::store
