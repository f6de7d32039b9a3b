// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <system_error>
#include <thv/store/sqlite_store.hpp>

#include "file.hpp"
#include "rows.hpp"
#include "schema.hpp"
#include "sqlite_state.hpp"

namespace thv::store {
namespace {

using detail::access;
using detail::database;
using detail::identity;
using detail::schema_state;
namespace fs = std::filesystem;

// What the options say.
struct request {
  store_paths paths;
  std::int64_t now = 0;
  std::chrono::milliseconds busy_timeout{};

  [[nodiscard]] result<database> open(access how) const {
    return database::open(paths.database(), how, busy_timeout);
  }
};

// An open database with an up-to-date schema, and whose it is.
struct opened {
  database db;
  identity who;
  bool needs_rebuild = false;
};

// Makes database and identity where they are missing, and migrates. The database comes first: an
// identity without one then always means that it was lost.
class preparation {
 public:
  explicit preparation(request const& r) : request_(r), paths_(r.paths) {}

  result<opened> run() {
    THV_CHECK(detail::make_private_directory(paths_.directory));
    THV_CHECK(detail::make_private_directory(paths_.locks()));
    THV_TRY(auto const lock, detail::lock_file(paths_.open_lock()));
    THV_TRY(auto who, detail::read_identity(paths_.identity()));
    THV_CHECK(create_file());
    THV_TRY(auto db, request_.open(access::read_write));
    THV_CHECK(bring_up_to_date(db, who));
    if (!who) {
      THV_TRY(auto id, detail::read_fact(db, "store_id"));
      who = detail::make_identity(std::move(id));
      THV_CHECK(detail::write_identity(paths_.identity(), *who));
      THV_CHECK(own(db, *who));
    }
    THV_TRY(auto const rebuild, detail::read_fact(db, "needs_rebuild"));
    return opened{std::move(db), std::move(*who), !rebuild.empty()};
  }

 private:
  // SQLite would make it with the mode that the umask leaves.
  result<void> create_file() {
    detail::descriptor const fd(
        ::open(paths_.database().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return detail::file_error("cannot open", paths_.database(), errno);
    return {};
  }

  result<void> bring_up_to_date(database& db, std::optional<identity> const& who) {
    THV_TRY(auto const schema, detail::inspect_schema(db));
    if (schema == schema_state::current) return {};
    THV_CHECK(db.execute("PRAGMA journal_mode=WAL"));
    THV_CHECK(detail::migrate(db, request_.now, schema == schema_state::empty && who.has_value()));
    if (who) return own(db, *who);
    return {};
  }

  result<void> own(database& db, identity const& who) {
    return db.write(detail::durability::power_loss,
                    [&] { return detail::write_fact(db, "store_id", who.id); });
  }

  request const& request_;
  store_paths const& paths_;
};

// The common case: everything is there. nullopt: something is missing or must be migrated.
result<std::optional<opened>> open_existing(request const& r, access how) {
  auto const& paths = r.paths;
  THV_TRY(auto who, detail::read_identity(paths.identity()));
  if (!who) return std::optional<opened>();
  auto db = r.open(how);
  if (!db) {
    if (db.error().code == errc::not_found) return std::optional<opened>();
    return std::move(db).error();
  }
  THV_TRY(auto const schema, detail::inspect_schema(*db));
  if (schema != schema_state::current) return std::optional<opened>();
  THV_TRY(auto const owner, detail::read_fact(*db, "store_id"));
  if (!owner.empty() && owner != who->id)
    return fail(errc::conflict,
                fmt::format("{} belongs to the store {}, but {} says {}", paths.database().string(),
                            owner, paths.identity().string(), who->id),
                "restore the file of the two that was exchanged");
  THV_TRY(auto const rebuild, detail::read_fact(*db, "needs_rebuild"));
  return std::optional(opened{std::move(*db), std::move(*who), !rebuild.empty()});
}

// What stands in for a database that is not there, for who only reads.
result<opened> open_nothing(request const& r) {
  THV_TRY(auto who, detail::read_identity(r.paths.identity()));
  THV_TRY(auto db, r.open(access::memory));
  THV_CHECK(detail::migrate(db, r.now, false));
  auto const lost = who.has_value();
  return opened{std::move(db), lost ? std::move(*who) : detail::make_identity(), lost};
}

bool is_there(fs::path const& path) {
  struct stat ignored {};
  return ::stat(path.c_str(), &ignored) == 0;
}

bool has_content(fs::path const& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 && found.st_size > 0;
}

result<opened> open_to_read(request const& r) {
  auto const& paths = r.paths;
  auto found = open_existing(r, access::read_only);
  auto const wal = fs::path(paths.database().string() + "-wal");
  if (!found && found.error().code != errc::corrupt && !has_content(wal)) {
    auto again = open_existing(r, access::immutable);
    if (again) found = std::move(again);
  }
  if (!found) return std::move(found).error();
  if (*found) return std::move(**found);
  // Read, but of an older version or without its identity: that must be mended first.
  if (has_content(paths.database())) return preparation(r).run();
  return open_nothing(r);
}

// Sound as a file, and every row can be read.
result<void> check(fs::path const& path) {
  THV_TRY(auto db, database::open(path, access::read_write, std::chrono::seconds(10)));
  THV_TRY(auto const schema, detail::inspect_schema(db));
  if (schema == schema_state::empty) return {};
  THV_TRY(auto const bad, db.integer("SELECT count(*) FROM pragma_integrity_check "
                                     "WHERE integrity_check <> 'ok'"));
  if (bad != 0)
    return detail::sqlite_error(path, SQLITE_CORRUPT, 0, "its parts do not fit together");
  THV_CHECK(detail::all_groups(db));
  THV_CHECK(detail::all_workloads(db));
  THV_CHECK(detail::all_catalogues(db));
  THV_TRY(auto const operations, detail::all_operations(db));
  for (auto const& operation : operations) THV_CHECK(detail::operation_intents(db, operation.id));
  return {};
}

// Damage inside of the file shows only when it is read. Somebody saw some: is it still there?
result<void> check_if_marked(store_paths const& paths) {
  if (!is_there(paths.damage_mark())) return {};
  if (auto sound = check(paths.database()); !sound && sound.error().code == errc::corrupt)
    return sound;
  ::unlink(paths.damage_mark().c_str());
  return {};
}

result<opened> open_to_write(request const& r) {
  THV_CHECK(check_if_marked(r.paths));
  THV_TRY(auto found, open_existing(r, access::read_write));
  if (found && is_there(r.paths.locks())) return std::move(*found);
  return preparation(r).run();
}

fs::path free_name(fs::path const& database) {
  auto const time = fmt::gmtime(std::time(nullptr));
  auto const base = fmt::format("{}.corrupt-{:%Y%m%dT%H%M%SZ}", database.string(), time);
  fs::path name = base;
  for (int n = 2; is_there(name); ++n) name = fmt::format("{}-{}", base, n);
  return name;
}

}  // namespace

result<sqlite_store> sqlite_store::open(sqlite_options options) {
  std::error_code code;
  store_paths const paths{fs::absolute(options.state_directory, code)};
  if (code || options.state_directory.empty())
    return fail(errc::invalid_argument, "the state folder has no path");
  request const r{paths, options.now ? options.now() : system_time(), options.busy_timeout};
  THV_TRY(auto found, options.read_only ? open_to_read(r) : open_to_write(r));
  return sqlite_store(std::make_unique<state>(std::move(options), paths, std::move(found.who),
                                              std::move(found.db), found.needs_rebuild));
}

result<std::optional<fs::path>> sqlite_store::set_aside(fs::path const& state_directory) {
  store_paths const paths{fs::absolute(state_directory)};
  THV_CHECK(detail::make_private_directory(paths.locks()));
  THV_TRY(auto const lock, detail::lock_file(paths.open_lock()));
  auto const sound = check(paths.database());
  if (sound || sound.error().code == errc::not_found) return std::optional<fs::path>();
  if (sound.error().code != errc::corrupt) return sound.error();
  auto const to = free_name(paths.database());
  // The database last: its log beside another database would be taken for that one's.
  for (auto const* const suffix : {"-shm", "-wal", ""}) {
    auto const from = paths.database().string() + suffix;
    if (::rename(from.c_str(), (to.string() + suffix).c_str()) != 0 && errno != ENOENT)
      return detail::file_error("cannot move", from, errno);
  }
  ::unlink(paths.damage_mark().c_str());
  return std::optional(to);
}

}  // namespace thv::store
