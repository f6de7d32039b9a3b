// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <thv/net/http.hpp>

namespace thv::net {

using tls_stream = boost::asio::ssl::stream<boost::asio::generic::stream_protocol::socket&>;

/// A client context that trusts the file's authorities or the system's, from TLS 1.2.
/// errc::invalid_argument names a file that cannot be used.
[[nodiscard]] result<boost::asio::ssl::context> make_tls_context(tls_options const& files);

/// Asks for `host` (SNI) and accepts only a certificate of it.
[[nodiscard]] result<void> expect_host(tls_stream& stream, std::string const& host);

/// Why the peer's certificate was refused, or "".
[[nodiscard]] std::string refused_certificate(tls_stream& stream);

}  // namespace thv::net
