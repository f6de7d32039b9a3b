// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include <thv/error.hpp>

namespace thv::cli {

/// Results go to standard output, everything else to standard error.
void print(std::string_view text);
void say(std::string_view text);

/// `thv-engine: where: message: engine's words`, and the hint on a line of its own.
void say_error(error const& e);
/// `Warning: text` and `Note: text`.
void say_warning(std::string_view text);
void say_note(std::string_view text);

/// Flushes standard output. errc::io when something of the result could not be written.
[[nodiscard]] result<void> finish_output();
/// Whoever read standard output has gone.
[[nodiscard]] bool output_closed();

/// The exit status for an error that stopped a command before its plan was carried out.
[[nodiscard]] int exit_status(error const& e);

/// Is that file descriptor a terminal that may be coloured (NO_COLOR, TERM=dumb)?
[[nodiscard]] bool may_colour(int descriptor);

enum class tone { plain, good, warning, bad, faint, strong };

/// The text in the colour of its tone where `colour` is true.
[[nodiscard]] std::string coloured(std::string_view text, tone t, bool colour);

/// Columns that a text takes on a terminal: its UTF-8 characters.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// At most `width` characters, the last of them `…` where something was cut off.
[[nodiscard]] std::string cut(std::string_view text, std::size_t width);

/// Text for a terminal: control characters, which a server or a daemon may have put there, become
/// spaces.
[[nodiscard]] std::string plain_line(std::string_view text);

struct cell {
  std::string text;
  tone t = tone::plain;

  cell(char const* s) : text(s) {}
  cell(std::string s, tone how = tone::plain) : text(std::move(s)), t(how) {}
};

/// Columns padded by three spaces, as ToolHive prints them.
class table {
 public:
  explicit table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string to_string(bool colour = false) const;
  void print() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<cell>> rows_;
};

/// `KEY:   value` lines, aligned.
[[nodiscard]] std::string key_values(
    std::vector<std::pair<std::string, std::string>> const& entries);

/// JSON with an indent of two spaces and a newline at the end.
[[nodiscard]] std::string pretty(boost::json::value const& value);

/// Milliseconds since 1970 as `2026-11-27 22:26:33 +0000 UTC`, as `2026-11-27 22:26:33`, and as RFC
/// 3339. The zero time, as ToolHive writes it, for 0.
[[nodiscard]] std::string utc_text(std::int64_t milliseconds);
[[nodiscard]] std::string short_time(std::int64_t milliseconds);
[[nodiscard]] std::string rfc3339(std::int64_t milliseconds);

/// `1d 2h 3m`; below a minute `12s`.
[[nodiscard]] std::string duration_text(std::int64_t milliseconds);

/// "1 member", "2 members".
[[nodiscard]] std::string counted(std::size_t n, std::string_view noun);

/// Names in one line of at most `width` characters after their number: `3 (echo, get-env, pid)`, or
/// with a noun `3 tools (echo, get-env, pid)`.
[[nodiscard]] std::string names_text(std::vector<std::string> const& names, std::size_t width,
                                     std::string_view noun = {});

}  // namespace thv::cli
