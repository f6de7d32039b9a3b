// SPDX-License-Identifier: Apache-2.0
#include "http_target.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

namespace thv::mcp::detail {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// Sets our header, whatever case the user wrote the same name in.
void set(net::request& request, std::string const& name, std::string value) {
  for (auto i = request.headers.begin(); i != request.headers.end();)
    i = lower(i->first) == lower(name) ? request.headers.erase(i) : std::next(i);
  request.headers[name] = std::move(value);
}

std::string media_type(net::response const& answer) {
  auto const found = answer.headers.find("content-type");
  if (found == answer.headers.end()) return {};
  auto type = lower(found->second.substr(0, found->second.find(';')));
  while (type.ends_with(' ')) type.pop_back();
  return type;
}

std::string hint_for(int status) {
  switch (status) {
    case 400:
      return "check the URL and the transport";
    case 401:
    case 403:
      return "give the credentials as a header of the workload, from a secret";
    case 404:
      return "check the path of the URL; a server of the other HTTP transport has another one";
    case 405:
      return "check the transport: streamable-http is asked by POST, sse by GET";
    case 406:
      return "the server does not speak the transport that it was asked in";
    case 407:
      return "put the proxy's credentials into the proxy variable";
    default:
      return {};
  }
}

errc code_for(int status) {
  if (status == 401 || status == 403) return errc::unauthenticated;
  if (status == 407 || status == 502 || status == 503 || status == 504) return errc::unavailable;
  return errc::engine;
}

}  // namespace

result<http_target> http_target::of(plugin::endpoint const& endpoint) {
  THV_TRY(auto parsed, net::parse_url(endpoint.url));
  http_target target{std::move(parsed.first), std::move(parsed.second), endpoint.headers};
  target.where.tls_files.ca_file = endpoint.ca_file;
  target.where.use_proxy_environment = endpoint.use_proxy_environment;
  return target;
}

std::string http_target::origin() const {
  auto const host = where.host.find(':') == std::string::npos ? where.host : '[' + where.host + ']';
  return fmt::format("{}://{}:{}", where.tls ? "https" : "http", host, where.port);
}

result<http_target> http_target::resolve(std::string_view reference) const {
  auto const here = origin() + path;
  auto const base = boost::urls::parse_uri(here);
  auto const relative = boost::urls::parse_uri_reference({reference.data(), reference.size()});
  if (!base || !relative)
    return fail(errc::engine, "the server names a message address that is no URL");
  boost::urls::url absolute;
  if (!boost::urls::resolve(*base, *relative, absolute))
    return fail(errc::engine, "the server names a message address that cannot be resolved");
  auto parsed = net::parse_url(std::string_view(absolute.buffer().data(), absolute.size()));
  if (!parsed) return fail(errc::engine, "the server names a message address that cannot be used");
  auto const& [address, target] = *parsed;
  if (address.host != where.host || address.port != where.port || address.tls != where.tls)
    return fail(errc::engine,
                fmt::format("the server at {} names a message address on another host, {}:{}",
                            origin(), address.host, address.port),
                "its headers are sent to the host of the URL alone");
  auto resolved = *this;
  resolved.path = target;
  return resolved;
}

net::request http_target::request(std::string method) const {
  net::request request;
  request.method = std::move(method);
  request.target = path;
  request.headers = headers;
  return request;
}

net::request http_target::get(std::string accept) const {
  auto ask = request("GET");
  set(ask, "Accept", std::move(accept));
  return ask;
}

net::request http_target::post(outgoing_message const& message) const {
  auto ask = request("POST");
  set(ask, "Accept", "application/json, text/event-stream");
  set(ask, "Content-Type", "application/json");
  if (!message.protocol_version.empty()) set(ask, "MCP-Protocol-Version", message.protocol_version);
  if (message.stateless) set(ask, "Mcp-Method", message.method);
  ask.body = message.text;
  return ask;
}

bool has_type(net::response const& answer, std::string_view type) {
  return media_type(answer) == type;
}

error refused(net::response const& answer, std::string_view what) {
  auto e = fail(code_for(answer.status),
                fmt::format("the server answered {} with HTTP status {}", what, answer.status),
                hint_for(answer.status));
  if (answer.status / 100 == 3) e.hint = "use the URL that it redirects to";
  bool const readable = has_type(answer, "application/json") || has_type(answer, "text/plain");
  if (readable) e.engine_message = quoted(answer.body);
  return e;
}

error wrong_type(net::response const& answer, std::string_view wanted) {
  auto const type = media_type(answer);
  return fail(errc::engine,
              fmt::format("the server answered in {} instead of {}",
                          type.empty() ? "no content type" : "'" + quoted(type, 60) + "'", wanted),
              "check that the URL is that of an MCP endpoint");
}

}  // namespace thv::mcp::detail
