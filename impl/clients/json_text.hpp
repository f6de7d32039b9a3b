// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>

// Where things stand in a JSON text with comments and trailing commas. All but `parse` expect a
// text that `parse` has accepted, and take no stack for nested values.
namespace thv::clients::json_text {

inline constexpr std::size_t npos = std::string_view::npos;

/// The value of a whole text, where the last of equal keys counts. errc::invalid_argument, with
/// `LINE:COLUMN` as place. A byte order mark is not accepted.
result<boost::json::value> parse(std::string_view text);

/// The length of a byte order mark at the beginning: 0 or 3.
std::size_t byte_order_mark(std::string_view text);

/// The first byte from `at` on that is neither white space nor comment.
std::size_t skip_trivia(std::string_view text, std::size_t at);

/// The first byte after the value that begins at `at`.
std::size_t skip_value(std::string_view text, std::size_t at);

/// What a value is, for people: "a list".
std::string_view name_of(boost::json::value const& value);

struct member {
  std::string key;
  std::size_t key_begin;  ///< the opening quote
  std::size_t value_begin;
  std::size_t value_end;
  std::size_t comma = npos;  ///< after the value; npos: none
};

struct object {
  std::size_t open;   ///< `{`
  std::size_t close;  ///< `}`
  std::vector<member> members;

  /// The index of the member that counts; npos: none.
  [[nodiscard]] std::size_t find(std::string_view key) const;
};

/// The object that begins at `open`.
object scan_object(std::string_view text, std::size_t open);

/// The end of the last comment between `begin` and `end`, where nothing else stands.
struct trivia_end {
  std::size_t at;        ///< `begin` without a comment
  bool in_line = false;  ///< a `//` comment: what is written here must begin with a line end
};
trivia_end last_comment(std::string_view text, std::size_t begin, std::size_t end);

}  // namespace thv::clients::json_text
