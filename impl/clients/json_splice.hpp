// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json_text.hpp"

namespace thv::clients::json_text {

/// Bytes of a text and what is to stand there.
struct splice {
  std::size_t begin;
  std::size_t end;
  std::string text;
};

/// The splices, which do not overlap, in the order of the text.
std::string apply(std::string_view text, std::vector<splice> splices);

/// What is to become of one object's members.
struct member_changes {
  std::vector<bool> removed;  ///< one for each member
  std::vector<std::pair<std::string, boost::json::value>> added;
  /// What stood between the braces before the first of ours, where there were no members: comes
  /// back when none is left, unless its comments have changed.
  std::optional<std::string> inner;
};

/// Takes the members out, each with its line and its comma, and appends the new ones after the
/// last and after the comments that follow that. A trailing comma stays a trailing comma.
void plan_members(std::string_view text, object const& root, object const& o,
                  member_changes const& what, std::vector<splice>& splices);

/// The text without white space: whether comments have changed.
std::string without_blanks(std::string_view text);

/// What is left between the braces without the removed members and without white space.
std::string rest_without(std::string_view text, object const& o, std::vector<bool> const& removed);

}  // namespace thv::clients::json_text
