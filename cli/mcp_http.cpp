// SPDX-License-Identifier: Apache-2.0
#include "mcp_http.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json/parse.hpp>

#include <thv/engine/desire.hpp>
#include <thv/mcp/json_rpc.hpp>
#include <thv/mcp/sse.hpp>

namespace thv::cli {

namespace {

bool is_stream(net::response const& head) {
  auto const type = head.headers.find("content-type");
  return type != head.headers.end() && type->second.starts_with("text/event-stream");
}

net::request request_to(mcp_endpoint const& to, std::string method, http_headers const& headers) {
  net::request r;
  r.method = std::move(method);
  r.target = to.target;
  r.headers = headers;
  r.headers["Accept"] = "application/json, text/event-stream";
  if (!to.token.empty()) r.headers["Authorization"] = "Bearer " + to.token;
  return r;
}

result<net::response> exchange_messages(plugin::call const& c, mcp_endpoint const& with,
                                        net::request const& request, message_sink const& sink) {
  mcp::sse_parser events;
  std::string body;
  bool streaming = false;
  result<void> outcome;
  THV_TRY(auto answer, net::stream(
                           c, with.where, request,
                           [&](net::response const& head) {
                             streaming = is_stream(head);
                             return true;
                           },
                           [&](std::string_view bytes) {
                             if (!streaming) {
                               body += bytes;
                               if (body.size() > mcp::message_limit)
                                 outcome = fail(errc::engine,
                                                "the gateway's answer is larger than 16 MiB");
                               return outcome.has_value();
                             }
                             bool more = true;
                             outcome = events.feed(bytes, [&](mcp::sse_event const& event) {
                               more = event.data.empty() || sink(event.data);
                               return more;
                             });
                             return outcome && more;
                           }));
  if (!outcome) return std::move(outcome).error();
  if (answer.status / 100 == 2 && !streaming && !body.empty()) sink(body);
  return answer;
}

}  // namespace

result<mcp_endpoint> endpoint_of_member(session& s, gateway_view const& g,
                                        std::string const& name) {
  THV_TRY(auto const records, s.workloads());
  bool const known =
      std::any_of(records.begin(), records.end(), [&](auto const& r) { return r.name == name; });
  if (!known) return no_workload(name, records);
  THV_TRY(auto const* settings, s.configuration());
  mcp_endpoint to;
  THV_TRY(auto parts, net::parse_url(member_url(g, name)));
  to.where = std::move(parts.first);
  to.target = std::move(parts.second);
  THV_TRY(to.token, gateway_token(settings->gateway));
  return to;
}

result<net::response> post_message(plugin::call const& c, mcp_endpoint const& to,
                                   http_headers const& headers, std::string const& text,
                                   message_sink const& sink) {
  auto request = request_to(to, "POST", headers);
  request.headers["Content-Type"] = "application/json";
  request.body = text;
  return exchange_messages(c, to, request, sink);
}

result<net::response> read_messages(plugin::call const& c, mcp_endpoint const& from,
                                    http_headers const& headers, message_sink const& sink) {
  auto request = request_to(from, "GET", headers);
  request.headers["Accept"] = "text/event-stream";
  return exchange_messages(c, from, request, sink);
}

void end_session(mcp_endpoint const& at, http_headers const& headers) {
  (void)net::exchange(within(std::chrono::seconds(2)), at.where, request_to(at, "DELETE", headers));
}

error refused_by_gateway(net::response const& answer) {
  auto e = fail(answer.status == 401 || answer.status == 403 ? errc::unauthenticated : errc::engine,
                fmt::format("the gateway refused (HTTP status {})", answer.status));
  if (e.code == errc::unauthenticated)
    e.hint = "is 'token' or 'token_file' in [gateway] the one that the gateway was started with?";
  auto const messages = mcp::parse_messages(answer.body);
  if (messages && messages->size() == 1 &&
      messages->front().is == mcp::rpc_message::kind::error_response)
    e.engine_message = mcp::quoted(messages->front().error.message, 1000);
  return e;
}

}  // namespace thv::cli
