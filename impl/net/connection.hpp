// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>

#include <thv/net/http.hpp>

namespace thv::net {

/// "unix:///path", or "host:port" with an IPv6 host in brackets: how errors name the other side.
[[nodiscard]] std::string name_of(address const& where);

/// One connection whose blocking operations end at the deadline or soon after the stop token of the
/// call. The call must outlive it. Not thread-safe.
class connection {
 public:
  explicit connection(plugin::call const& c);
  connection(connection&&) noexcept;
  connection& operator=(connection&&) noexcept;
  ~connection();

  /// Connects to the unix socket, or to the host and port without TLS.
  result<void> connect(address const& where);

  /// Makes the connection a TLS one whose peer must prove to be `host`.
  result<void> start_tls(tls_options const& files, std::string const& host);

  std::size_t read_some(void* data, std::size_t size, boost::system::error_code& ec);
  std::size_t write_some(void const* data, std::size_t size, boost::system::error_code& ec);

  /// What an error code of the above means: errc::timeout, errc::cancelled, or errc::unavailable
  /// with the reason. `what` is a phrase like "reading from".
  [[nodiscard]] error explain(boost::system::error_code const& ec, std::string_view what) const;

  /// Gives the connection away as a blocking descriptor from which `leftover` is read first.
  result<int> detach(std::string leftover) &&;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace thv::net
