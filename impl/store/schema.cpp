// SPDX-License-Identifier: Apache-2.0
#include "schema.hpp"

#include <fmt/format.h>

#include <array>

namespace thv::store::detail {
namespace {

// "thv1": tells our databases from those of other programs (PRAGMA application_id).
constexpr std::int64_t application_id = 0x74687631;

// migrations[n] leads from schema version n to n + 1 (PRAGMA user_version). A released one is never
// changed: add the next.
constexpr std::array migrations = {
    R"sql(
CREATE TABLE facts (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE groups (
  name           TEXT PRIMARY KEY,
  title          TEXT NOT NULL,
  registry       TEXT NOT NULL,
  registry_group TEXT NOT NULL,
  created_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE operations (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  group_name     TEXT NOT NULL,
  kind           TEXT NOT NULL,
  pid            INTEGER NOT NULL,
  start_time     INTEGER NOT NULL,
  boot_id        TEXT NOT NULL,
  state          INTEGER NOT NULL,
  started_at     INTEGER NOT NULL,
  created_groups TEXT NOT NULL,
  removed_groups TEXT NOT NULL
) STRICT;
CREATE TABLE workloads (
  name                TEXT NOT NULL UNIQUE,
  group_name          TEXT NOT NULL REFERENCES groups (name),
  runtime             TEXT NOT NULL,
  instance            TEXT NOT NULL,
  phase               INTEGER NOT NULL,
  reserved_by         INTEGER NOT NULL,
  wanted_running      INTEGER NOT NULL,
  declared_by         TEXT NOT NULL,
  readiness           TEXT NOT NULL,
  session_key         TEXT NOT NULL,
  created_at          INTEGER NOT NULL,
  updated_at          INTEGER NOT NULL,
  config              TEXT NOT NULL,
  secret_fingerprints TEXT NOT NULL,
  tools               TEXT NOT NULL,
  initialize_result   TEXT NOT NULL
) STRICT;
CREATE INDEX workloads_by_group ON workloads (group_name, name);
CREATE INDEX workloads_by_operation ON workloads (reserved_by) WHERE reserved_by <> 0;
CREATE TABLE intents (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  operation INTEGER NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
  kind      INTEGER NOT NULL,
  workload  TEXT NOT NULL,
  runtime   TEXT NOT NULL,
  instance  TEXT NOT NULL,
  previous  TEXT NOT NULL,
  done      INTEGER NOT NULL
) STRICT;
CREATE INDEX intents_by_operation ON intents (operation, id);
)sql",
    R"sql(
CREATE TABLE catalogues (
  workload          TEXT PRIMARY KEY REFERENCES workloads (name) ON DELETE CASCADE,
  session_key       TEXT NOT NULL,
  revision          TEXT NOT NULL,
  initialize_result TEXT NOT NULL,
  lists             TEXT NOT NULL
) STRICT;
)sql",
};

constexpr auto newest = static_cast<std::int64_t>(migrations.size());

}  // namespace

result<schema_state> inspect_schema(database& db) {
  THV_TRY(auto const version, db.integer("PRAGMA user_version"));
  THV_TRY(auto const owner, db.integer("PRAGMA application_id"));
  if (version == 0 && owner == 0) {
    THV_TRY(auto const tables, db.integer("SELECT count(*) FROM sqlite_schema"));
    if (tables == 0) return schema_state::empty;
  }
  if (owner != application_id)
    return fail(errc::corrupt,
                fmt::format("{} is the database of another program", db.path().string()),
                "move it away, or choose another state folder");
  if (version > newest)
    return fail(errc::unsupported,
                fmt::format("{} was written by a newer thv-engine (schema version {}, this one "
                            "knows up to {})",
                            db.path().string(), version, newest),
                "upgrade this thv-engine, or choose another state folder");
  return version == newest ? schema_state::current : schema_state::older;
}

result<void> migrate(database& db, std::int64_t now, bool lost) {
  THV_TRY(auto version, db.integer("PRAGMA user_version"));
  for (; version < newest; ++version) {
    THV_CHECK(db.write(durability::power_loss, [&]() -> result<void> {
      THV_CHECK(db.execute(migrations[static_cast<std::size_t>(version)]));
      if (version == 0) {
        THV_CHECK(db.execute(fmt::format("PRAGMA application_id = {}", application_id).c_str()));
        THV_TRY(auto s, db.prepare("INSERT INTO groups VALUES ('default', '', '', '', ?)"));
        THV_CHECK(db.run(s.bind(now)));
        if (lost) THV_CHECK(write_fact(db, "needs_rebuild", "yes"));
      }
      return db.execute(fmt::format("PRAGMA user_version = {}", version + 1).c_str());
    }));
  }
  return {};
}

result<std::string> read_fact(database& db, std::string_view name) {
  THV_TRY(auto s, db.prepare("SELECT value FROM facts WHERE name = ?"));
  THV_TRY(auto const row, db.step(s.bind(name)));
  return row ? s.string(0) : std::string();
}

result<void> write_fact(database& db, std::string_view name, std::string_view value) {
  THV_TRY(auto s, db.prepare("INSERT OR REPLACE INTO facts VALUES (?, ?)"));
  return db.run(s.bind(name).bind(value));
}

}  // namespace thv::store::detail
