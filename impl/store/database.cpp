// SPDX-License-Identifier: Apache-2.0
#include "database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <thread>

#include "file.hpp"

namespace thv::store::detail {
namespace {

// SQLite's own busy handler sleeps up to 100 ms between tries, which starves a process where others
// write all the time; a transaction takes a few milliseconds at most, so short sleeps are better.
int wait_while_busy(void* most_milliseconds, int tries) {
  using namespace std::chrono;
  thread_local steady_clock::time_point since;
  thread_local std::minstd_rand random(std::random_device{}());
  auto const now = steady_clock::now();
  if (tries == 0) since = now;
  if (now - since > milliseconds(reinterpret_cast<std::intptr_t>(most_milliseconds))) return 0;
  auto const spread = tries < 20 ? 1'000u : 5'000u;
  std::this_thread::sleep_for(microseconds(200 + random() % spread));
  return 1;
}

}  // namespace

error sqlite_error(std::filesystem::path const& path, int extended_code, int system_errno,
                   std::string_view words) {
  auto const file = path.string();
  switch (extended_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return fail(errc::timeout, fmt::format("{} was kept busy by another process", file),
                  "find out which program uses it (fuser), then repeat the command");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return fail(errc::corrupt, fmt::format("{} is damaged ({})", file, words),
                  "the next command that changes something sets it aside and rebuilds the state "
                  "from what runs");
    case SQLITE_FULL:
      return file_error("cannot write", path, ENOSPC);
    case SQLITE_READONLY:
      if (extended_code == SQLITE_READONLY_DBMOVED)
        return fail(errc::conflict, fmt::format("{} was moved or deleted while in use", file),
                    "repeat the command");
      return file_error("cannot write", path, system_errno ? system_errno : EACCES);
    case SQLITE_CANTOPEN:
      return file_error("cannot open", path, system_errno ? system_errno : ENOENT);
    case SQLITE_IOERR:
    case SQLITE_PERM:
      if (system_errno) return file_error("cannot read or write", path, system_errno);
      return fail(errc::io, fmt::format("cannot read or write {}: {}", file, words));
    default:
      return fail(errc::internal, fmt::format("the database {} refused: {}", file, words));
  }
}

error database::failure(int code) const {
  auto* const handle = handle_.get();
  auto const extended = sqlite3_extended_errcode(handle);
  return sqlite_error(path_, (extended & 0xff) == (code & 0xff) ? extended : code,
                      sqlite3_system_errno(handle), sqlite3_errmsg(handle));
}

namespace {

// SQLite's URI for a file that nobody changes (https://www.sqlite.org/uri.html).
std::string immutable_uri(std::filesystem::path const& path) {
  std::string uri = "file:";
  for (unsigned char const c : path.string()) {
    if (c == '%' || c == '?' || c == '#')
      uri += fmt::format("%{:02x}", c);
    else
      uri += static_cast<char>(c);
  }
  return uri + "?immutable=1";
}

std::pair<std::string, int> target(std::filesystem::path const& path, access how) {
  switch (how) {
    case access::memory:
      return {":memory:", SQLITE_OPEN_READWRITE};
    case access::read_only:
      return {path.string(), SQLITE_OPEN_READONLY};
    case access::immutable:
      return {immutable_uri(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI};
    case access::read_write:
      break;
  }
  return {path.string(), SQLITE_OPEN_READWRITE};
}

}  // namespace

result<database> database::open(std::filesystem::path const& path, access how,
                                std::chrono::milliseconds busy_timeout) {
  auto const [name, flags] = target(path, how);
  sqlite3* handle = nullptr;
  auto const code = sqlite3_open_v2(name.c_str(), &handle,
                                    flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  database opened(handle, path);
  if (code != SQLITE_OK) {
    auto const number = sqlite3_system_errno(handle);
    auto failed = opened.failure(code);
    if ((code & 0xff) == SQLITE_CANTOPEN && number == ENOENT) failed.code = errc::not_found;
    return failed;
  }
  // Where it may not write, SQLite opens for reading only and says nothing.
  if (how == access::read_write && sqlite3_db_readonly(handle, "main") == 1) {
    auto const allowed = ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
    return file_error("cannot write", path, allowed ? EACCES : errno);
  }
  sqlite3_busy_handler(handle, wait_while_busy,
                       reinterpret_cast<void*>(static_cast<std::intptr_t>(busy_timeout.count())));
  sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
  // A damaged schema must not be able to run anything.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  if (how == access::read_write) THV_CHECK(opened.keep_log_file());
  return opened;
}

// The write-ahead log stays when the last process closes, so that a folder that cannot be written
// can still be read, but emptied: else the next one to open would read all of it.
result<void> database::keep_log_file() {
  int keep = 1;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
  return execute("PRAGMA journal_size_limit=0");
}

result<statement> database::prepare(char const* sql) {
  auto& kept = statements_[sql];
  if (!kept) {
    sqlite3_stmt* made = nullptr;
    auto const code =
        sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    if (code != SQLITE_OK) return failure(code);
    kept.reset(made);
  }
  return statement(kept.get());
}

result<bool> database::step(statement& s) {
  auto const code = sqlite3_step(s.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return failure(code);
}

result<void> database::run(statement& s) {
  THV_CHECK(step(s));
  return {};
}

result<void> database::execute(char const* sql) {
  auto const code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return {};
}

result<std::int64_t> database::integer(char const* sql) {
  THV_TRY(auto s, prepare(sql));
  THV_TRY(auto const row, step(s));
  return row ? s.integer(0) : 0;
}

// FULL syncs the write-ahead log at each commit, NORMAL only at a checkpoint.
result<void> database::begin(durability d) {
  if (d != durability_) {
    THV_CHECK(execute(d == durability::power_loss ? "PRAGMA synchronous=FULL"
                                                  : "PRAGMA synchronous=NORMAL"));
    durability_ = d;
  }
  THV_TRY(auto s, prepare("BEGIN IMMEDIATE"));
  return run(s);
}

result<void> database::commit() {
  THV_TRY(auto s, prepare("COMMIT"));
  auto committed = run(s);
  if (!committed) roll_back();
  return committed;
}

void database::roll_back() {
  // SQLite has rolled back by itself after some errors (disk full, I/O).
  if (sqlite3_get_autocommit(handle_.get()) == 0)
    sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace thv::store::detail
