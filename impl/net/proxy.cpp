// SPDX-License-Identifier: Apache-2.0
#include "proxy.hpp"

#include <openssl/evp.h>

#include <cctype>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace thv::net {

namespace {

std::string lower(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string base64(std::string const& text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  auto const* in = reinterpret_cast<unsigned char const*>(text.data());
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  out.resize(static_cast<std::size_t>(::EVP_EncodeBlock(to, in, static_cast<int>(text.size()))));
  return out;
}

bool is_loopback(std::string const& host) {
  return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") ||
         host == "::1";
}

/// Does one entry of NO_PROXY (without spaces, in lower case) mean this host and port?
bool excludes(std::string entry, std::string const& host, std::uint16_t port) {
  if (entry == "*") return true;
  auto const colon = entry.rfind(':');
  bool const single = colon != std::string::npos && entry.find(':') == colon;
  bool const bracketed = entry.starts_with('[') && entry.find("]:") != std::string::npos;
  if (single || bracketed) {
    if (entry.substr(colon + 1) != std::to_string(port)) return false;
    entry.resize(colon);
  }
  if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  if (entry.starts_with("*.")) entry.erase(0, 1);
  if (entry.starts_with('.')) entry.erase(0, 1);
  if (entry.empty()) return false;
  return host == entry || host.ends_with("." + entry);
}

bool is_excluded(std::string const& list, std::string const& host, std::uint16_t port) {
  std::string entry;
  for (char const c : lower(list) + ",") {
    if (c == ',' || c == ' ') {
      if (!entry.empty() && excludes(entry, host, port)) return true;
      entry.clear();
    } else {
      entry += c;
    }
  }
  return false;
}

result<std::optional<proxy>> parse_proxy(std::string const& variable, std::string text) {
  auto const bad = [&](std::string const& why) {
    return fail(errc::invalid_argument, "the proxy in " + variable + " cannot be used: " + why,
                "write it as http://[user:password@]host:port");
  };
  if (text.find("://") == std::string::npos) text = "http://" + text;
  auto const url = boost::urls::parse_uri(text);
  if (!url) return bad(url.error().message());
  if (url->scheme() != "http")
    return bad("only http:// proxies are supported, not " + std::string(url->scheme()) + "://");
  if (url->encoded_host().empty()) return bad("it names no host");
  proxy p;
  p.where.host = url->host_type() == boost::urls::host_type::ipv6
                     ? url->host_ipv6_address().to_string()
                     : std::string(url->host());
  std::string const digits(url->has_port() ? std::string(url->port()) : "80");
  auto const port = digits.empty() || digits.size() > 5 ? 0 : std::stoul(digits);
  if (port < 1 || port > 65535) return bad("its port is not 1 to 65535");
  p.where.port = static_cast<std::uint16_t>(port);
  if (url->has_userinfo())
    p.authorization = "Basic " + base64(std::string(url->user()) + ":" + url->password());
  return std::optional(p);
}

}  // namespace

result<std::optional<proxy>> proxy_for(address const& where, environment const& env) {
  auto const host = lower(where.host);
  if (!where.unix_path.empty() || is_loopback(host)) return std::optional<proxy>();
  auto const first_set = [&](std::initializer_list<char const*> names) {
    for (auto const* name : names)
      if (auto value = env(name); !value.empty()) return std::pair(std::string(name), value);
    return std::pair<std::string, std::string>();
  };
  if (is_excluded(first_set({"no_proxy", "NO_PROXY"}).second, host, where.port))
    return std::optional<proxy>();
  auto const [name, value] = where.tls ? first_set({"https_proxy", "HTTPS_PROXY"})
                                       : first_set({"http_proxy", "HTTP_PROXY"});
  if (value.empty()) return std::optional<proxy>();
  return parse_proxy(name, value);
}

}  // namespace thv::net
