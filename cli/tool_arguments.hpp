// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <thv/error.hpp>

namespace thv::cli {

/// The arguments of a tool call: a JSON object, or `KEY=VALUE` pairs whose values become what the
/// tool's input schema says of KEY. errc::invalid_argument with the flag.
[[nodiscard]] result<boost::json::object> tool_arguments(std::vector<std::string> const& pairs,
                                                         std::optional<std::string> const& json,
                                                         boost::json::value const& schema);

}  // namespace thv::cli
