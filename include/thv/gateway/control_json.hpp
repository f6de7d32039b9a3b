// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
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

/// Values of secrets by name. One that is no UTF-8 stands as `{"base64": "…"}`.
[[nodiscard]] boost::json::object secrets_json(std::map<std::string, std::string> const& secrets);
/// errc::invalid_argument; the error repeats no value.
[[nodiscard]] result<std::map<std::string, std::string>> secrets_from_json(
    boost::json::value const& value);

[[nodiscard]] boost::json::object to_json(error const& e);
/// errc::internal for what is no error.
[[nodiscard]] error error_from_json(boost::json::value const& value);

}  // namespace thv::gateway
