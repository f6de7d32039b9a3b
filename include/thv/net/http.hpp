// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <thv/error.hpp>
#include <thv/plugin/runtime.hpp>

/// HTTP/1.1 over TCP, TLS and unix sockets: the one place that touches Beast.
namespace thv::net {

/// TLS of a client. Empty files: the system's authorities (SSL_CERT_FILE and SSL_CERT_DIR are
/// honoured) and no client certificate.
struct tls_options {
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
};

/// Where to connect. `unix_path` wins over host and port.
struct address {
  std::string unix_path;
  std::string host;
  std::uint16_t port = 0;
  bool tls = false;
  tls_options tls_files;
  /// Go through the proxy that HTTPS_PROXY, HTTP_PROXY (lower case too) name, unless NO_PROXY says
  /// no: CONNECT for TLS, absolute form otherwise. Loopback addresses are never asked of a proxy.
  bool use_proxy_environment = false;
};

struct request {
  std::string method = "GET";
  std::string target = "/";  ///< path and query, already percent-encoded
  std::map<std::string, std::string> headers;
  std::string body;
};

struct response {
  int status = 0;
  std::map<std::string, std::string>
      headers;  ///< names in lower case; repeated ones joined by ", "
  std::string body;
};

/// Splits `http://`, `https://`, `unix://`, `tcp://` URLs into an address and a target ("/" if
/// none). errc::invalid_argument names what is wrong.
[[nodiscard]] result<std::pair<address, std::string>> parse_url(std::string_view url);

/// One request and its whole answer. Errors: errc::unavailable (with the operating system's
/// reason), errc::timeout, errc::cancelled; any HTTP status is a success here. Bodies over `limit`
/// bytes are errc::engine.
[[nodiscard]] result<response> exchange(plugin::call const& c, address const& where,
                                        request const& request, std::size_t limit = 64u << 20);

/// Feeds the body to `sink` piece by piece as it arrives, until the end or until sink returns false
/// (a success). `on_head`, when given, sees status and headers first; returning false ends the call
/// there. The returned response has an empty body for a 2xx status, the whole body otherwise.
[[nodiscard]] result<response> stream(plugin::call const& c, address const& where,
                                      request const& request,
                                      std::function<bool(response const&)> const& on_head,
                                      std::function<bool(std::string_view)> const& sink);

/// Sends a request that switches protocols (101, or 200 of older daemons) and hands over the
/// connection as a blocking descriptor owned by the caller, after the answer's head; bytes that
/// came with it are delivered first. Over TLS the descriptor is one end of a socket pair that a
/// thread pumps until either side closes. Write to it with MSG_NOSIGNAL. Another status is
/// errc::engine with the body as engine_message.
[[nodiscard]] result<int> upgrade(plugin::call const& c, address const& where,
                                  request const& request);

}  // namespace thv::net
