// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "json_text.hpp"

// How a new member is to look among its neighbours.
namespace thv::clients::json_text {

struct style {
  std::string newline = "\n";
  std::string unit = "  ";   ///< one step of indentation
  std::string colon = ": ";  ///< between key and value
  std::string lead;          ///< before the key of a new member
  std::string tail;          ///< after the last new member, where the object had none
  std::string indent;        ///< of the member's own line
  std::string pad;           ///< inside the braces of a value in one line
  std::string separator;     ///< after a comma within a line
  bool one_line = false;     ///< the value in one line
};

/// For members that are written after all others of `o`. `root` is the text's outermost object.
style style_of_new(std::string_view text, object const& root, object const& o);

/// For a new value of the `index`-th member of `o`.
style style_of_value(std::string_view text, object const& root, object const& o, std::size_t index);

std::string render(boost::json::value const& value, style const& s);

}  // namespace thv::clients::json_text
