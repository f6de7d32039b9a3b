// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include <thv/error.hpp>
#include <thv/json/pointer.hpp>

namespace thv::json {

/// A value together with its place in a document, for readable errors: `file: /a/0/b: not a string
/// but an array`. A child refers to its parent, which must outlive it; so do value and origin.
/// A member that is null counts as absent, as in Go's decoder.
class reader {
 public:
  reader(boost::json::value const& value, std::string_view origin)
      : value_(&value), origin_(origin) {}

  [[nodiscard]] boost::json::value const& value() const { return *value_; }
  [[nodiscard]] std::string_view origin() const { return origin_; }

  /// JSON pointer of this value; empty for the document's root.
  [[nodiscard]] std::string pointer() const {
    if (parent_ == nullptr) return {};
    return parent_->pointer() + "/" + (in_array_ ? std::to_string(index_) : pointer_token(key_));
  }

  /// `file: /pointer`, the form of `error::where`.
  [[nodiscard]] std::string where() const { return place(origin_, pointer()); }

  /// An error at this value.
  [[nodiscard]] error fail(std::string message, std::string hint = {}) const {
    return thv::fail(errc::invalid_argument, std::move(message), std::move(hint), where());
  }
  /// An error at a member of this value that need not exist.
  [[nodiscard]] error fail_at(std::string_view key, std::string message,
                              std::string hint = {}) const {
    return thv::fail(errc::invalid_argument, std::move(message), std::move(hint),
                     place(origin_, pointer() + "/" + pointer_token(key)));
  }

  /// The member as a reader, or nothing when it is absent or null or this is no object.
  [[nodiscard]] std::optional<reader> find(std::string_view key) const& {
    auto const* object = value_->if_object();
    auto const* member = object == nullptr ? nullptr : object->if_contains(key);
    if (member == nullptr || member->is_null()) return std::nullopt;
    return child(key, *member);
  }
  std::optional<reader> find(std::string_view key) const&& = delete;

  /// A member of this object. `key` must outlive the child.
  [[nodiscard]] reader child(std::string_view key, boost::json::value const& value) const& {
    reader r(value, origin_);
    r.parent_ = this;
    r.key_ = key;
    return r;
  }
  /// An element of this array.
  [[nodiscard]] reader element(std::size_t index) const& {
    reader r(value_->get_array()[index], origin_);
    r.parent_ = this;
    r.index_ = index;
    r.in_array_ = true;
    return r;
  }
  reader child(std::string_view, boost::json::value const&) const&& = delete;
  reader element(std::size_t) const&& = delete;

  [[nodiscard]] bool has(std::string_view key) const { return find(key).has_value(); }

  [[nodiscard]] result<void> expect_object() const {
    if (value_->is_object()) return {};
    return wrong("an object");
  }
  [[nodiscard]] result<void> expect_array() const {
    if (value_->is_array()) return {};
    return wrong("an array");
  }

  /// Reads a member into a variable, which keeps its value when the member is absent.
  template <class T>
  [[nodiscard]] result<void> read(std::string_view key, T& into) const {
    auto const member = find(key);
    return member ? member->get(into) : result<void>{};
  }

  [[nodiscard]] result<void> get(std::string& into) const {
    auto const* text = value_->if_string();
    if (text == nullptr) return wrong("a string");
    if (text->find('\0') != boost::json::string::npos) return fail("holds a NUL character");
    into.assign(text->data(), text->size());
    return {};
  }
  [[nodiscard]] result<void> get(bool& into) const {
    if (!value_->is_bool()) return wrong("true or false");
    into = value_->get_bool();
    return {};
  }
  [[nodiscard]] result<void> get(std::int64_t& into) const {
    if (!value_->is_number()) return wrong("a number");
    boost::json::error_code ec;
    auto const number = value_->is_double() ? 0 : value_->to_number<std::int64_t>(ec);
    if (value_->is_double() || ec) return fail("not a whole number of 64 bits");
    into = number;
    return {};
  }
  [[nodiscard]] result<void> get(std::uint16_t& into) const {
    std::int64_t number = 0;
    THV_CHECK(get(number));
    if (number < 0 || number > 65535) return fail("not a port number (0 to 65535)");
    into = static_cast<std::uint16_t>(number);
    return {};
  }
  template <class T>
  [[nodiscard]] result<void> get(std::optional<T>& into) const {
    T value{};
    THV_CHECK(get(value));
    into = std::move(value);
    return {};
  }
  template <class T>
  [[nodiscard]] result<void> get(std::vector<T>& into) const {
    THV_CHECK(expect_array());
    std::vector<T> values(value_->get_array().size());
    for (std::size_t i = 0; i < values.size(); ++i) THV_CHECK(element(i).get(values[i]));
    into = std::move(values);
    return {};
  }
  [[nodiscard]] result<void> get(std::map<std::string, std::string>& into) const {
    THV_CHECK(expect_object());
    std::map<std::string, std::string> values;
    for (auto const& member : value_->get_object())
      THV_CHECK(child(member.key(), member.value()).get(values[std::string(member.key())]));
    into = std::move(values);
    return {};
  }

  /// The error of a wrong type: `not a string but an array`.
  [[nodiscard]] error wrong(std::string_view expected) const {
    return fail("not " + std::string(expected) + " but " + std::string(kind()));
  }

 private:
  [[nodiscard]] std::string_view kind() const {
    switch (value_->kind()) {
      case boost::json::kind::null:
        return "null";
      case boost::json::kind::bool_:
        return "true or false";
      case boost::json::kind::string:
        return "a string";
      case boost::json::kind::array:
        return "an array";
      case boost::json::kind::object:
        return "an object";
      default:
        return "a number";
    }
  }

  boost::json::value const* value_;
  std::string_view origin_;
  reader const* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
  bool in_array_ = false;
};

}  // namespace thv::json
