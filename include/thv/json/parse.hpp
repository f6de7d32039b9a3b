// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>

#include <thv/error.hpp>
#include <thv/json/duplicates.hpp>
#include <thv/json/pointer.hpp>

namespace thv::json {

/// What a document may be at most; more is an error, so that memory and stack stay bounded.
struct limits {
  std::size_t bytes = std::size_t(64) << 20;
  std::size_t depth = 128;
  std::size_t values = 5'000'000;
};

namespace detail {

/// Builds the value and counts the members that objects declare: an object drops duplicates, so
/// fewer members in the finished value mean that a key stood twice.
class building_handler {
 public:
  static constexpr std::size_t max_object_size = boost::json::object::max_size();
  static constexpr std::size_t max_array_size = boost::json::array::max_size();
  static constexpr std::size_t max_key_size = boost::json::string::max_size();
  static constexpr std::size_t max_string_size = boost::json::string::max_size();

  using error_code = boost::json::error_code;
  using string_view = boost::json::string_view;

  building_handler(std::size_t max_values, boost::json::storage_ptr storage) : left_(max_values) {
    stack_.reset(std::move(storage));
  }

  [[nodiscard]] std::size_t members() const { return members_; }
  [[nodiscard]] bool too_many() const { return too_many_; }
  [[nodiscard]] boost::json::value release() { return stack_.release(); }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t n, error_code& ec) {
    members_ += n;
    stack_.push_object(n);
    return count(ec);
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t n, error_code& ec) {
    stack_.push_array(n);
    return count(ec);
  }
  bool on_key_part(string_view s, std::size_t, error_code&) {
    stack_.push_chars(s);
    return true;
  }
  bool on_key(string_view s, std::size_t, error_code&) {
    stack_.push_key(s);
    return true;
  }
  bool on_string_part(string_view s, std::size_t, error_code&) {
    stack_.push_chars(s);
    return true;
  }
  bool on_string(string_view s, std::size_t, error_code& ec) {
    stack_.push_string(s);
    return count(ec);
  }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t i, string_view, error_code& ec) {
    stack_.push_int64(i);
    return count(ec);
  }
  bool on_uint64(std::uint64_t u, string_view, error_code& ec) {
    stack_.push_uint64(u);
    return count(ec);
  }
  bool on_double(double d, string_view, error_code& ec) {
    stack_.push_double(d);
    return count(ec);
  }
  bool on_bool(bool b, error_code& ec) {
    stack_.push_bool(b);
    return count(ec);
  }
  bool on_null(error_code& ec) {
    stack_.push_null();
    return count(ec);
  }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

 private:
  bool count(error_code& ec) {
    if (left_-- != 0) return true;
    too_many_ = true;
    ec = boost::json::make_error_code(boost::json::error::array_too_large);
    return false;
  }

  boost::json::value_stack stack_;
  std::size_t left_;
  std::size_t members_ = 0;
  bool too_many_ = false;
};

/// Members of all objects in a finished value. Recursion is bounded by the parser's depth.
[[nodiscard]] inline std::size_t count_members(boost::json::value const& v) {
  std::size_t n = 0;
  if (auto const* object = v.if_object()) {
    n = object->size();
    for (auto const& member : *object)
      if (member.value().is_structured()) n += count_members(member.value());
  } else if (auto const* array = v.if_array()) {
    for (auto const& element : *array)
      if (element.is_structured()) n += count_members(element);
  }
  return n;
}

/// `file:line:column` of a byte, both counted from 1.
[[nodiscard]] inline std::string line_and_column(std::string_view origin, std::string_view text,
                                                 std::size_t offset) {
  auto const before = text.substr(0, std::min(offset, text.size()));
  auto const line = std::count(before.begin(), before.end(), '\n') + 1;
  auto const start = before.rfind('\n');
  auto const column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
  return fmt::format("{}:{}:{}", origin, line, column);
}

[[nodiscard]] inline error parse_failure(boost::json::error_code const& ec, bool too_many,
                                         limits const& l, std::string where) {
  if (too_many)
    return fail(errc::invalid_argument, fmt::format("more than {} values", l.values), {},
                std::move(where));
  if (ec == boost::json::error::too_deep)
    return fail(errc::invalid_argument, fmt::format("nested deeper than {} levels", l.depth), {},
                std::move(where));
  return fail(errc::invalid_argument, "not valid JSON: " + ec.message(), {}, std::move(where));
}

}  // namespace detail

/// Parses a whole document (UTF-8, a leading byte order mark allowed). Refuses what exceeds the
/// limits, bad syntax (`where` is `file:line:column`) and a key that stands twice in one object
/// (`where` is `file: /pointer/of/the/key`). `origin` names the document in errors.
[[nodiscard]] inline result<boost::json::value> parse(std::string_view text,
                                                      std::string_view origin,
                                                      limits const& l = {}) {
  if (text.size() > l.bytes)
    return fail(errc::invalid_argument,
                fmt::format("document of {} bytes, the limit is {}", text.size(), l.bytes), {},
                std::string(origin));
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);

  boost::json::parse_options options;
  options.max_depth = l.depth;
  boost::json::basic_parser<detail::building_handler> parser(
      options, l.values, boost::json::make_shared_resource<boost::json::monotonic_resource>());
  boost::json::error_code ec;
  auto const consumed = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && consumed < text.size()) ec = boost::json::error::extra_data;
  if (ec)
    return detail::parse_failure(ec, parser.handler().too_many(), l,
                                 detail::line_and_column(origin, text, consumed));

  auto value = parser.handler().release();
  if (detail::count_members(value) != parser.handler().members()) {
    auto const pointer = detail::find_duplicate_key(text, l.depth);
    return fail(errc::invalid_argument, "duplicate key", "each key may stand once in an object",
                place(origin, pointer.value_or("")));
  }
  return value;
}

}  // namespace thv::json
