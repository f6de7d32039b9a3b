// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>

// Text by lines, for files that are edited by splicing (TOML, YAML). Line ends are `\n` and `\r\n`.
namespace thv::clients {

inline constexpr std::size_t npos = std::string_view::npos;

/// `text` in the place of the bytes from `begin` to `end`.
struct splice {
  std::size_t begin;
  std::size_t end;
  std::string text;
};

/// Applies all of them at once. Where two remove the same bytes, they are removed once.
std::string apply(std::string_view text, std::vector<splice> splices);

/// The length of a byte order mark at the beginning: 0 or 3.
std::size_t byte_order_mark_size(std::string_view text);

/// The line end that the text uses; `\n` where it has none.
std::string_view line_end_style(std::string_view text);

/// The first byte of the line of `at`, behind a byte order mark.
std::size_t line_begin(std::string_view text, std::size_t at);

/// The end of the line of `at`, before its line end.
std::size_t line_end(std::string_view text, std::size_t at);

/// The first byte of the line after that of `at`; the size of the text where there is none.
std::size_t next_line(std::string_view text, std::size_t at);

/// The first byte from `at` on that is neither space nor tab.
std::size_t skip_spaces(std::string_view text, std::size_t at);

/// Does the line of `at` hold nothing but white space?
bool is_blank_line(std::string_view text, std::size_t at);

/// Does it hold nothing but a comment that begins with `#`?
bool is_comment_line(std::string_view text, std::size_t at);

/// Is there nothing but white space behind a byte order mark?
bool is_blank(std::string_view text);

/// The end of the last line before `end` that is not blank; the text has one.
std::size_t last_content(std::string_view text, std::size_t end);

/// The removal of whole lines from `begin` to `end` with up to `lines` line ends before them, or
/// with the one after them where there is none before.
splice cut_lines(std::string_view text, std::size_t begin, std::size_t end, int lines);

/// A string in double quotes as TOML and YAML read it, and JSON too. No line of any reader's ends
/// in it.
std::string quoted(std::string_view value);

/// A number, a boolean or null of JSON as TOML and YAML read it: 1.5, not 1.5E0, which YAML 1.1
/// takes for a string.
std::string plain_text(boost::json::value const& value);

/// errc::invalid_argument for a text that no client reads: larger than 32 MiB, not UTF-8, or with
/// control characters other than tabs and line ends.
result<void> check_text(std::string_view text);

/// The place of a byte: `LINE:COLUMN`.
std::string place(std::string_view text, std::size_t at);

}  // namespace thv::clients
