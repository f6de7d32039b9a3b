// SPDX-License-Identifier: Apache-2.0
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <thv/net/http.hpp>

namespace thv::net {

namespace {

error bad_url(std::string_view url, std::string_view why) {
  return fail(errc::invalid_argument,
              "'" + std::string(url) + "' is no usable URL: " + std::string(why),
              "write it as http://host[:port]/path, https://…, tcp://host:port or unix:///path");
}

}  // namespace

result<std::pair<address, std::string>> parse_url(std::string_view url) {
  address where;
  if (url.starts_with("unix://")) {
    where.unix_path = url.substr(7);
    if (!where.unix_path.starts_with('/')) return bad_url(url, "the socket's path is not absolute");
    return std::pair{where, std::string("/")};
  }
  auto const parsed = boost::urls::parse_uri(url);
  if (!parsed) return bad_url(url, parsed.error().message());
  auto const scheme = std::string(parsed->scheme());
  if (scheme != "http" && scheme != "https" && scheme != "tcp")
    return bad_url(url, "unknown scheme '" + scheme + "'");
  if (parsed->encoded_host().empty()) return bad_url(url, "it names no host");
  if (parsed->has_userinfo()) return bad_url("…", "credentials in a URL are not supported");
  where.tls = scheme == "https";
  where.host = parsed->host_type() == boost::urls::host_type::ipv6
                   ? parsed->host_ipv6_address().to_string()
                   : std::string(parsed->host());
  // port_number() wraps round above 65535.
  std::string const digits(parsed->port());
  where.port = digits.size() <= 5 && !digits.empty() && std::stoul(digits) <= 65535
                   ? static_cast<std::uint16_t>(std::stoul(digits))
                   : std::uint16_t{0};
  if (parsed->has_port() && where.port == 0) return bad_url(url, "its port is not 1 to 65535");
  if (!parsed->has_port()) where.port = where.tls ? 443 : 80;
  std::string target(parsed->encoded_path());
  if (target.empty()) target = "/";
  if (parsed->has_query()) target += "?" + std::string(parsed->encoded_query());
  return std::pair{where, target};
}

}  // namespace thv::net
