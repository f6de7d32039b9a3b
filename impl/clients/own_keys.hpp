// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <thv/clients/kind.hpp>

namespace thv::clients {

/// An entry in two: the keys that say where the server is (URL, type, headers), which are ours, and
/// the others, which a client or its user may change. Both as canonical JSON, the others empty
/// where there are none.
struct split_entry {
  std::string own;
  std::string others;
  std::string url;    ///< empty: it has none
  std::string token;  ///< that it sends; empty: it has none
};

/// `canonical`: an entry as `read_entries` gives it.
[[nodiscard]] split_entry split(kind const& k, std::string_view canonical);

}  // namespace thv::clients
