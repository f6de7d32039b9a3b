// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace thv {

/// What kind of failure an `error` is. The numbers are part of the plugin boundary: never reuse
/// one.
enum class errc : int {
  /// The caller's input is wrong: a name, a flag, a document. Repeating the call cannot help.
  invalid_argument = 1,
  /// The thing named does not exist.
  not_found = 2,
  /// The thing to be made exists already.
  already_exists = 3,
  /// The state of the world does not allow the call now (name held by another store, busy port).
  conflict = 4,
  /// The other side wants credentials that were not given or not accepted.
  unauthenticated = 5,
  /// The operating system or the engine does not let us.
  permission_denied = 6,
  /// The engine, daemon, server or network does not answer.
  unavailable = 7,
  /// The deadline passed.
  timeout = 8,
  /// The stop token was triggered (Ctrl-C, a failed sibling).
  cancelled = 9,
  /// This runtime, transport or platform has no such ability.
  unsupported = 10,
  /// Stored data cannot be read as what it should be.
  corrupt = 11,
  /// Reading or writing files failed (full disk, missing folder).
  io = 12,
  /// A container engine or server refused; its own words are in `engine_message`.
  engine = 13,
  /// The workload's process or container ended when it should run.
  exited = 14,
  /// A defect of ours or of a plugin.
  internal = 15,
};

/// One failure as a value. `message` is one sentence without a trailing period that names the
/// subject; `where` is a place in the input (`file:line:column`, `file: /json/pointer`, a flag) or
/// empty; `hint` says what to do next or is empty; `engine_message` holds the words of a daemon or
/// server, kept apart from ours since they can hold a user's input. None of them ever holds the
/// value of a secret.
struct error {
  errc code = errc::internal;
  std::string message;
  std::string where;
  std::string hint;
  std::string engine_message;

  friend bool operator==(error const&, error const&) = default;
};

/// Makes an error in one expression: `return fail(errc::not_found, "no group 'x'", hint)`.
[[nodiscard]] inline error fail(errc code, std::string message, std::string hint = {},
                                std::string where = {}) {
  return error{code, std::move(message), std::move(where), std::move(hint), {}};
}

/// The sentence a person reads: `where: message: engine's words`. The hint is not in it.
[[nodiscard]] inline std::string to_string(error const& e) {
  std::string text;
  if (!e.where.empty()) text += e.where + ": ";
  text += e.message;
  if (!e.engine_message.empty()) text += ": " + e.engine_message;
  return text;
}

/// A value or an `error`. On the standard library only, since it crosses the plugin boundary.
/// Accessing the side that is not there is a programming error (throws std::bad_variant_access).
template <class T = void>
class [[nodiscard]] result {
 public:
  using value_type = T;

  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(thv::error e) : state_(std::in_place_index<1>, std::move(e)) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] T const& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] T const& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] T const* operator->() const { return &value(); }
  [[nodiscard]] T value_or(T other) const& { return has_value() ? value() : std::move(other); }

  [[nodiscard]] thv::error& error() & { return std::get<1>(state_); }
  [[nodiscard]] thv::error const& error() const& { return std::get<1>(state_); }
  [[nodiscard]] thv::error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, thv::error> state_;
};

template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;

  result() = default;
  result(thv::error e) : error_(std::move(e)) {}

  [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }

  [[nodiscard]] thv::error& error() & { return error_.value(); }
  [[nodiscard]] thv::error const& error() const& { return error_.value(); }
  [[nodiscard]] thv::error&& error() && { return std::move(error_).value(); }

 private:
  std::optional<thv::error> error_;
};

}  // namespace thv

#define THV_DETAIL_CONCAT2(a, b) a##b
#define THV_DETAIL_CONCAT(a, b) THV_DETAIL_CONCAT2(a, b)
#define THV_DETAIL_TRY(temporary, declaration, expression) \
  auto temporary = (expression);                           \
  if (!temporary) return std::move(temporary).error();     \
  declaration = *std::move(temporary)

/// `THV_TRY(auto x, f());` declares x from f()'s value, or returns f()'s error.
#define THV_TRY(declaration, expression) \
  THV_DETAIL_TRY(THV_DETAIL_CONCAT(thv_result_, __COUNTER__), declaration, expression)

/// `THV_CHECK(f());` returns f()'s error if there is one, and drops its value.
#define THV_CHECK(expression) \
  if (auto thv_checked = (expression); !thv_checked) return std::move(thv_checked).error()
