// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include <thv/error.hpp>

namespace thv::clients {

/// The values of a TOML text. Dates, infinities and NaN become strings. errc::invalid_argument with
/// a place. Expects a text that `scan_toml` has accepted, which bounds its depth.
result<boost::json::object> toml_values(std::string_view text);

}  // namespace thv::clients
