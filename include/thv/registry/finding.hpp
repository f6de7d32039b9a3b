// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <thv/error.hpp>
#include <thv/json/reader.hpp>

namespace thv::registry {

/// `error`: the document, or this part of it, cannot be used. `warning`: a rule of the format is
/// broken that running does not need.
enum class severity { error, warning };

/// One thing wrong with a registry document, and where.
struct finding {
  registry::severity severity = registry::severity::error;
  thv::error problem;

  friend bool operator==(finding const&, finding const&) = default;
};

/// `file: /pointer: sentence`.
[[nodiscard]] inline std::string to_string(finding const& f) {
  return to_string(f.problem);
}

namespace detail {

/// Takes what reading finds. Reading goes on after an error only where everything is wanted.
class findings {
 public:
  findings(bool after_errors, std::size_t max_warnings)
      : after_errors_(after_errors), max_warnings_(max_warnings) {}

  /// Records an error. True: go on with the next entry.
  bool add(error e) {
    list_.push_back({severity::error, std::move(e)});
    return after_errors_;
  }
  void warn(json::reader const& at, std::string message) {
    if (room()) list_.push_back({severity::warning, at.fail(std::move(message))});
  }
  void warn_at(json::reader const& at, std::string_view key, std::string message) {
    if (room()) list_.push_back({severity::warning, at.fail_at(key, std::move(message))});
  }

  [[nodiscard]] std::vector<finding> const& list() const { return list_; }
  [[nodiscard]] std::size_t left_out() const {
    return warnings_ > max_warnings_ ? warnings_ - max_warnings_ : 0;
  }

 private:
  bool room() { return ++warnings_ <= max_warnings_; }

  bool after_errors_;
  std::size_t max_warnings_;
  std::size_t warnings_ = 0;
  std::vector<finding> list_;
};

}  // namespace detail

}  // namespace thv::registry
