// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <thv/gateway/control.hpp>

// Both ends of the control API write and read these.
namespace thv::gateway {

/// The status of a gateway as both ends know it.
struct gateway_status {
  gateway_identity identity;
  gateway::status plane;
};

[[nodiscard]] boost::json::object to_json(gateway_status const& s);
[[nodiscard]] result<gateway_status> gateway_status_from_json(boost::json::value const& value);

[[nodiscard]] boost::json::object to_json(catalogue const& c);
[[nodiscard]] result<catalogue> catalogue_from_json(boost::json::value const& value);

[[nodiscard]] boost::json::object to_json(error const& e);
/// errc::internal for what is no error.
[[nodiscard]] error error_from_json(boost::json::value const& value);

}  // namespace thv::gateway
