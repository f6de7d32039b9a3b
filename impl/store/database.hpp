// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <thv/error.hpp>

namespace thv::store::detail {

/// A prepared statement in use: parameters are bound in order, columns read by index. Reset when
/// destroyed. Text is copied neither in nor out, so bound text must live until then.
class statement {
 public:
  explicit statement(sqlite3_stmt* s) : statement_(s) {}
  statement(statement const&) = delete;
  statement& operator=(statement const&) = delete;
  statement(statement&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)), bound_(other.bound_) {}
  ~statement() {
    if (!statement_) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  statement& bind(std::string_view text) {
    sqlite3_bind_text64(statement_, ++bound_, text.data() ? text.data() : "", text.size(),
                        SQLITE_STATIC, SQLITE_UTF8);
    return *this;
  }
  statement& bind(std::int64_t number) {
    sqlite3_bind_int64(statement_, ++bound_, number);
    return *this;
  }

  [[nodiscard]] std::string_view text(int column) const {
    auto const* const bytes = sqlite3_column_text(statement_, column);
    auto const size = sqlite3_column_bytes(statement_, column);
    return bytes ? std::string_view(reinterpret_cast<char const*>(bytes),
                                    static_cast<std::size_t>(size))
                 : std::string_view();
  }
  [[nodiscard]] std::string string(int column) const { return std::string(text(column)); }
  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] sqlite3_stmt* get() const { return statement_; }

 private:
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

/// `immutable`: for a folder that nobody can write, where SQLite cannot make its companion files.
enum class access { read_write, read_only, immutable, memory };

/// Whether a transaction survives the loss of power (always: the death of the process).
enum class durability { power_loss, process_death };

/// One connection. Not thread-safe: the store has a mutex. Its errors name the file.
class database {
 public:
  /// errc::not_found if there is no such file (it is never created here).
  /// A lock that another process holds is waited for until `busy_timeout`.
  static result<database> open(std::filesystem::path const& path, access how,
                               std::chrono::milliseconds busy_timeout);

  /// Compiled once for each connection and kept by address: `sql` must outlive the connection.
  result<statement> prepare(char const* sql);

  /// true: a row is there.
  result<bool> step(statement& s);

  /// Runs a statement that answers nothing.
  result<void> run(statement& s);
  result<void> execute(char const* sql);

  /// The first column of the first row, 0 if there is none.
  result<std::int64_t> integer(char const* sql);

  [[nodiscard]] std::int64_t last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }
  [[nodiscard]] std::int64_t changed() const { return sqlite3_changes64(handle_.get()); }
  [[nodiscard]] std::filesystem::path const& path() const { return path_; }

  /// Runs `change` in one write transaction: all of it holds if it succeeds, else nothing.
  template <class F>
  auto write(durability d, F const& change) -> decltype(change()) {
    THV_CHECK(begin(d));
    auto outcome = change();
    if (!outcome) {
      roll_back();
      return outcome;
    }
    THV_CHECK(commit());
    return outcome;
  }

 private:
  struct closer {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  struct finalizer {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  using owned_statement = std::unique_ptr<sqlite3_stmt, finalizer>;

  database(sqlite3* handle, std::filesystem::path path) : path_(std::move(path)), handle_(handle) {}

  result<void> keep_log_file();
  result<void> begin(durability d);
  result<void> commit();
  void roll_back();
  [[nodiscard]] error failure(int code) const;

  std::filesystem::path path_;
  std::unique_ptr<sqlite3, closer> handle_;
  std::unordered_map<char const*, owned_statement> statements_;
  durability durability_ = durability::power_loss;
};

/// Turns the answer of SQLite on the file at `path` into an error.
error sqlite_error(std::filesystem::path const& path, int extended_code, int system_errno,
                   std::string_view words);

}  // namespace thv::store::detail
