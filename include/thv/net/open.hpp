// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <thv/error.hpp>
#include <thv/net/http.hpp>

namespace thv::net {

/// Connects, through a proxy and with TLS where the address wants them, and hands over a blocking
/// descriptor that speaks plainly to the other side; the caller closes it. Over TLS it is one end
/// of a socket pair that a thread pumps until either side closes. Errors as `exchange`;
/// errc::unsupported for an address without TLS behind a proxy, which wants other requests.
[[nodiscard]] result<int> open(plugin::call const& c, address const& where);

}  // namespace thv::net
