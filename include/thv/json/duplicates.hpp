// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>

#include <thv/json/pointer.hpp>

namespace thv::json::detail {

/// Parser events that keep where they are, and stop at the first key that its object has already.
class duplicate_finder {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  using error_code = boost::json::error_code;
  using string_view = boost::json::string_view;

  [[nodiscard]] std::optional<std::string> const& found() const { return found_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return open(true); }
  bool on_object_end(std::size_t, error_code&) { return close(); }
  bool on_array_begin(error_code&) { return open(false); }
  bool on_array_end(std::size_t, error_code&) { return close(); }
  bool on_key_part(string_view s, std::size_t, error_code&) {
    part_.append(s.data(), s.size());
    return true;
  }
  bool on_key(string_view s, std::size_t, error_code& ec) {
    part_.append(s.data(), s.size());
    auto& top = frames_.back();
    top.key.swap(part_);
    part_.clear();
    if (top.keys.insert(top.key).second) return true;
    found_ = pointer();
    ec = boost::json::make_error_code(boost::json::error::syntax);
    return false;
  }
  bool on_string_part(string_view, std::size_t, error_code&) { return true; }
  bool on_string(string_view, std::size_t, error_code&) { return count(); }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t, string_view, error_code&) { return count(); }
  bool on_uint64(std::uint64_t, string_view, error_code&) { return count(); }
  bool on_double(double, string_view, error_code&) { return count(); }
  bool on_bool(bool, error_code&) { return count(); }
  bool on_null(error_code&) { return count(); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

 private:
  struct frame {
    bool object = false;
    std::size_t elements = 0;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  bool count() {
    if (!frames_.empty()) ++frames_.back().elements;
    return true;
  }
  bool open(bool object) {
    count();
    frames_.push_back({.object = object});
    return true;
  }
  bool close() {
    frames_.pop_back();
    return true;
  }
  [[nodiscard]] std::string pointer() const {
    std::string text;
    for (auto const& f : frames_)
      text += "/" + (f.object ? pointer_token(f.key) : std::to_string(f.elements - 1));
    return text;
  }

  std::vector<frame> frames_;
  std::string part_;
  std::optional<std::string> found_;
};

/// The JSON pointer of the first key that stands twice in one object. `text` is valid JSON.
[[nodiscard]] inline std::optional<std::string> find_duplicate_key(std::string_view text,
                                                                   std::size_t depth) {
  boost::json::parse_options options;
  options.max_depth = depth;
  boost::json::basic_parser<duplicate_finder> parser(options);
  boost::json::error_code ec;
  parser.write_some(false, text.data(), text.size(), ec);
  return parser.handler().found();
}

}  // namespace thv::json::detail
