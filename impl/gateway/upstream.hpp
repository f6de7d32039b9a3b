// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <thv/error.hpp>
#include <thv/model/transport.hpp>
#include <thv/net/http.hpp>
#include <thv/plugin/runtime.hpp>

#include "link.hpp"

namespace thv::gateway {

struct upstream_state;

/// Keep-alive connections to one member over HTTP. Not thread-safe.
class upstream_pool {
 public:
  /// Connects where that blocks (names, TLS, proxies) and calls back on the loop.
  using connector = std::function<void(net::address const&, std::function<void(result<int>)>)>;

  /// `buffer`: memory for reading that is shared. Bodies over `limit` fail their request.
  upstream_pool(boost::asio::io_context& io, plugin::endpoint const& where, std::size_t limit,
                std::span<char> buffer, connector connect);
  ~upstream_pool();
  upstream_pool(upstream_pool const&) = delete;
  upstream_pool& operator=(upstream_pool const&) = delete;

  /// errc::invalid_argument for an address that is no URL.
  [[nodiscard]] result<void> const& usable() const;

  /// A conversation of its own over this pool, which it keeps alive. `stateless`: of revision
  /// 2026-07-28, which needs no session.
  [[nodiscard]] std::unique_ptr<link> make_link(link_events& events, thv::transport transport,
                                                bool stateless);

 private:
  std::shared_ptr<upstream_state> state_;
};

}  // namespace thv::gateway
