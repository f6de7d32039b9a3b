// SPDX-License-Identifier: Apache-2.0
// Which request goes where, and who is let in.
#include <algorithm>
#include <charconv>
#include <utility>

#include <openssl/crypto.h>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>
#include <thv/gateway/translate.hpp>
#include <thv/mcp/json_rpc.hpp>

#include "service.hpp"

namespace thv::gateway {

namespace {

constexpr std::size_t most_waiting = 1024;
constexpr std::size_t most_waiting_bytes = 32u << 20;
constexpr std::size_t most_workers = 64;

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

/// The host of `host[:port]`, lower case; nullopt if it is none.
std::optional<std::string> host_of(std::string_view authority) {
  auto text = lower(authority);
  std::string_view port;
  if (text.starts_with('[')) {
    auto const end = text.find(']');
    if (end == std::string::npos) return std::nullopt;
    port = std::string_view(text).substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return std::nullopt;
    return text.substr(0, end + 1);
  }
  auto const colon = text.find(':');
  if (colon != std::string::npos && text.find(':', colon + 1) != std::string::npos)
    return std::nullopt;
  return text.substr(0, colon);
}

bool is_loopback_name(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

bool is_json(std::string_view content_type) {
  auto const type = lower(content_type.substr(0, content_type.find(';')));
  return type.substr(0, type.find_last_not_of(" \t") + 1) == "application/json";
}

bool has_token(std::string_view list, std::string_view wanted) {
  return std::search(list.begin(), list.end(), wanted.begin(), wanted.end(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         }) != list.end();
}

}  // namespace

/// Against pages of other sites in a browser of this machine (MCP 2025-11-25, "Security Warning"),
/// and, where a token is set, against everybody without it.
bool service::admitted(connection& c, http_request const& r) {
  auto const refuse = [&](int status, std::string_view text, std::string_view fields = {}) {
    ++refused_;
    c.reply(status, "text/plain; charset=utf-8", text, fields);
    return false;
  };
  if (!r.has_host || r.repeated)
    return refuse(400, "a header that decides is missing or stands twice");
  auto const host = host_of(r.host);
  auto const& hosts = options.allowed_hosts;
  bool const named = host && (is_loopback_name(*host) || *host == lower(options.host) ||
                              std::find(hosts.begin(), hosts.end(), *host) != hosts.end());
  if (!named && !open_to_all_hosts_)
    return refuse(403,
                  "this Host is not served here: use localhost, or allow it in the "
                  "configuration ([gateway] allowed_hosts)");
  if (r.has_origin) {
    std::string_view origin = r.origin;
    auto const& allowed = options.allowed_origins;
    bool fine = std::find(allowed.begin(), allowed.end(), origin) != allowed.end();
    auto const scheme = origin.find("://");
    if (!fine && scheme != std::string_view::npos) {
      auto const from = host_of(origin.substr(scheme + 3));
      fine = from && is_loopback_name(*from);
    }
    if (!fine) return refuse(403, "this Origin is not allowed ([gateway] allowed_origins)");
  }
  if (options.token.empty()) return true;
  constexpr std::string_view bearer = "bearer ";
  std::string_view given = r.authorization;
  bool const form = given.size() > bearer.size() && lower(given.substr(0, bearer.size())) == bearer;
  if (form) given.remove_prefix(bearer.size());
  if (!form || given.size() != options.token.size() ||
      CRYPTO_memcmp(given.data(), options.token.data(), given.size()) != 0)
    return refuse(401, "a bearer token is needed", "WWW-Authenticate: Bearer\r\n");
  return true;
}

void service::on_request(connection& c, http_request& r) {
  c.touch(now_);
  current_ = &r;
  route(c, r);
  current_ = nullptr;
}

void service::route(connection& c, http_request& r) {
  c.answers_to.clear();
  if (c.is_control()) return serve_control(c, r);
  std::string_view target = r.target;
  target = target.substr(0, target.find('?'));
  if (target == "/health") return c.reply(200, "application/json", R"({"status":"ok"})");
  if (!admitted(c, r)) return;
  constexpr std::string_view servers = "/servers/";
  if (target.starts_with(servers)) {
    auto const rest = target.substr(servers.size());
    auto const slash = rest.find('/');
    if (slash != std::string_view::npos)
      return serve_member(c, r, rest.substr(0, slash), rest.substr(slash));
  }
  if (r.verb != http_verb::get && r.verb != http_verb::head)
    return c.reply(404, "text/plain", "there is nothing here");
  if (target == "/ready") {
    bool const read = !members_.empty() || !reading_members_;
    return c.reply(read && !stopping_ ? 200 : 503, "application/json",
                   read ? R"({"ready":true})" : R"({"ready":false})");
  }
  if (target == "/metrics") return c.reply(200, "text/plain; version=0.0.4", metrics());
  c.reply(404, "text/plain", "there is nothing here: MCP servers are at /servers/NAME/mcp");
}

void service::serve_member(connection& c, http_request& r, std::string_view name,
                           std::string_view rest) {
  auto const found = members_.find(name);
  if (found == members_.end()) {
    // It may be new: the request waits until the members are read again.
    std::size_t bytes = r.body.size();
    for (auto const& w : unknown_) bytes += w.body.size();
    if (!std::exchange(c.asked_again, true) && !stopping_ && unknown_.size() < most_waiting &&
        bytes <= most_waiting_bytes) {
      waiting_request w;
      w.from = c.shared_from_this();
      w.request = r;
      w.body = r.body;
      unknown_.push_back(std::move(w));
      return refresh();
    }
    c.asked_again = false;
    return answer_error(c, {}, 404, -32000,
                        fmt::format("the gateway has no server '{}'", mcp::quoted(name, 80)));
  }
  auto& m = *found->second;
  if (rest == "/mcp") {
    switch (r.verb) {
      case http_verb::post:
        return serve_post(m, c, r);
      case http_verb::get:
        return serve_get(m, c, r);
      case http_verb::del:
        return serve_delete(m, c, r);
      default:
        return c.reply(405, "text/plain", "POST, GET or DELETE", "Allow: POST, GET, DELETE\r\n");
    }
  }
  if (rest == "/sse" && r.verb == http_verb::get) return serve_sse(m, c, r);
  if (rest == "/messages" && r.verb == http_verb::post) return serve_sse_message(m, c, r);
  if (rest == "/ready" && r.verb == http_verb::get) return serve_ready(m, c);
  if (rest == "/sse" || rest == "/ready")
    return c.reply(405, "text/plain", "GET", "Allow: GET\r\n");
  if (rest == "/messages") return c.reply(405, "text/plain", "POST", "Allow: POST\r\n");
  c.reply(404, "text/plain", "there is nothing here: try /servers/NAME/mcp");
}

bool service::member_there(served_member& m, connection& c, http_request& r) {
  if (m.phase == member_phase::ready) return true;
  if (m.phase == member_phase::down && now_ < m.retry_at) {
    message in;
    auto const fault = from_client_.scan(r.body, in);
    ++m.errors;
    answer_error(c, fault == message_fault::none ? in.id : std::string_view(), 200, -32000,
                 fmt::format("the server '{}' cannot be reached: {}", m.declared.name, m.why));
    return false;
  }
  if (m.waiting.size() >= most_waiting || m.waiting_bytes + r.body.size() > most_waiting_bytes) {
    c.reply(503, "text/plain", "too many requests wait for this server to start",
            "Retry-After: 1\r\n");
    return false;
  }
  waiting_request w;
  w.from = c.shared_from_this();
  w.request = r;
  w.body = r.body;
  w.until = after(options.limits.start_time);
  m.waiting_bytes += w.body.size();
  m.waiting.push_back(std::move(w));
  c.waiting = true;
  open(m);
  return false;
}

void service::serve_post(served_member& m, connection& c, http_request& r) {
  if (!is_json(r.content_type))
    return answer_error(c, {}, 415, -32000,
                        "Unsupported Media Type: Content-Type must be application/json");
  if (!r.accept.empty() && !has_token(r.accept, "*/*") &&
      !(has_token(r.accept, "application/json") && has_token(r.accept, "text/event-stream")))
    return answer_error(
        c, {}, 406, -32000,
        "Not Acceptable: Client must accept both application/json and text/event-stream");
  auto* const begin = const_cast<char*>(r.body.data());
  make_one_line(begin, begin + r.body.size());
  message in;
  if (auto const fault = from_client_.scan(r.body, in); fault != message_fault::none)
    return answer_fault(c, fault);
  bool const answers = in.kind == message_kind::response || in.kind == message_kind::error_response;
  bool const modern_header = r.has_revision && r.revision >= mcp::stateless_revision;
  bool const modern = !answers && (!in.revision.empty() || modern_header);
  bool const asks = in.kind == message_kind::request;
  if (asks && m.phase != member_phase::ready) {
    bool const known = m.phase == member_phase::sleeping || m.phase == member_phase::opening ||
                       m.phase == member_phase::untried;
    bool const catalogue =
        known && m.declared.streams && !m.known.initialize_result.empty() &&
        (m.known.lists.contains(std::string(in.method)) || in.method == "initialize" ||
         in.method == "server/discover" || in.method == "ping" || in.method == "logging/setLevel" ||
         in.method == "resources/unsubscribe");
    if (!catalogue && !member_there(m, c, r)) return;
  }
  m.last_used = now_;
  if (modern) return modern_message(m, c, r, in);
  legacy_message(m, c, r, in);
}

void service::serve_get(served_member& m, connection& c, http_request& r) {
  if (r.has_revision && r.revision >= mcp::stateless_revision)
    return c.reply(405, "text/plain", "POST", "Allow: POST\r\n");
  if (!has_token(r.accept, "text/event-stream"))
    return answer_error(c, {}, 406, -32000, "Not Acceptable: Client must accept text/event-stream");
  if (r.session.empty())
    return answer_error(c, {}, 400, -32000, "Bad Request: Mcp-Session-Id header is required");
  auto* const found = session_of(m, r.session);
  if (!found) return answer_error(c, {}, 404, -32001, "Session not found");
  auto& s = *found;
  if (s.stream)
    return answer_error(c, {}, 409, -32000, "Conflict: Only one SSE stream is allowed per session");
  s.last_used = now_;
  s.stream = &c;
  c.stream_of = &s;
  c.begin_events(fmt::format("Mcp-Session-Id: {}\r\n", s.id));
  s.undelivered_bytes = 0;
  for (auto const& text : std::exchange(s.undelivered, {})) c.event(text);
  if (s.own && s.own->way()) s.own->way()->open_stream();
}

void service::serve_delete(served_member& m, connection& c, http_request& r) {
  if (r.has_revision && r.revision >= mcp::stateless_revision)
    return c.reply(405, "text/plain", "POST", "Allow: POST\r\n");
  if (r.session.empty())
    return answer_error(c, {}, 400, -32000, "Bad Request: Mcp-Session-Id header is required");
  auto* const found = session_of(m, r.session);
  if (!found) return answer_error(c, {}, 404, -32001, "Session not found");
  end_session(*found);
  c.reply(204, {}, {});
}

/// HTTP+SSE of 2024-11-05: one stream for all answers, whose end is the session's.
void service::serve_sse(served_member& m, connection& c, http_request& r) {
  if (!r.accept.empty() && !has_token(r.accept, "text/event-stream") && !has_token(r.accept, "*/*"))
    return answer_error(c, {}, 406, -32000, "Not Acceptable: Client must accept text/event-stream");
  auto& s = make_session(m);
  s.over_sse = true;
  s.stream = &c;
  c.stream_of = &s;
  c.begin_events();
  c.raw_events(fmt::format("event: endpoint\ndata: /servers/{}/messages?sessionId={}\n\n",
                           m.declared.name, s.id));
}

void service::serve_sse_message(served_member& m, connection& c, http_request& r) {
  if (!is_json(r.content_type))
    return answer_error(c, {}, 415, -32000,
                        "Unsupported Media Type: Content-Type must be application/json");
  std::string_view const target = r.target;
  auto const at = target.find("sessionId=");
  auto const id = at == std::string_view::npos ? std::string_view() : target.substr(at + 10);
  auto* const found = session_of(m, id.substr(0, id.find('&')));
  if (!found || !found->over_sse) return c.reply(404, "text/plain", "Session not found");
  auto& s = *found;
  auto* const begin = const_cast<char*>(r.body.data());
  make_one_line(begin, begin + r.body.size());
  message in;
  if (auto const fault = from_client_.scan(r.body, in); fault != message_fault::none)
    return answer_fault(c, fault);
  c.answers_to = s.id;
  if (in.kind == message_kind::request && !member_there(m, c, r)) return;
  s.last_used = m.last_used = now_;
  switch (in.kind) {
    case message_kind::request:
      if (in.method == "initialize" && s.revision.empty()) {
        legacy_initialize(m, c, in, &s);
      } else {
        legacy_request(s, c, in);
      }
      break;
    case message_kind::notification:
      legacy_notification(s, in);
      break;
    case message_kind::response:
    case message_kind::error_response:
      legacy_response(s, in);
      break;
  }
  // One that waits for its turn is answered when it has it.
  if (!c.closed() && c.busy() && !c.call_channel && !c.waiting) c.reply(202, {}, {});
}

void service::serve_ready(served_member& m, connection& c) {
  auto held = c.shared_from_this();
  prove(m.declared.name, [held](result<catalogue> got) {
    if (held->closed()) return;
    if (got) return held->reply(200, "application/json", R"({"ready":true})");
    held->reply(
        503, "application/json",
        fmt::format(R"({{"ready":false,"message":{}}})", quoted_json(to_string(got.error()))));
  });
}

void service::serve_control(connection& c, http_request& r) {
  if (!options.control) return c.reply(404, "text/plain", "there is nothing here");
  if (workers_ > most_workers) return c.reply(503, "application/json", R"({"error":"busy"})");
  control_request ask{r.method, r.target, std::string(r.body)};
  on_worker([this, ask = std::move(ask)] { return options.control(ask); },
            [held = c.shared_from_this()](control_response answer) {
              if (!held->closed()) held->reply(answer.status, "application/json", answer.body);
            });
}

// ---- errors -------------------------------------------------------------------------------------

void service::answer_fault(connection& c, message_fault fault) {
  switch (fault) {
    case message_fault::syntax:
      return answer_error(c, {}, 400, -32700, "Parse error: Invalid JSON");
    case message_fault::batch:
      return answer_error(c, {}, 400, -32600, "Invalid Request: batches are not served");
    case message_fault::range:
      return answer_error(c, {}, 400, -32600,
                          "Invalid Request: a number is larger than any double");
    case message_fault::duplicate:
      return answer_error(c, {}, 400, -32600, "Invalid Request: a key stands twice");
    default:
      return answer_error(c, {}, 400, -32600, "Invalid Request: not a JSON-RPC message");
  }
}

void service::answer_error(connection& c, std::string_view id, int status, std::int64_t code,
                           std::string_view text, std::string_view data) {
  std::string body = R"({"jsonrpc":"2.0",)";
  if (!id.empty()) body.append(R"("id":)").append(id).append(",");
  body += fmt::format(R"("error":{{"code":{},"message":{})", code, quoted_json(text));
  if (!data.empty()) body.append(R"(,"data":)").append(data);
  body += "}}";
  // An old client listens to its stream alone.
  if (auto const found = sessions_.find(std::string_view(c.answers_to));
      status == 200 && !c.answers_to.empty() && found != sessions_.end()) {
    if (found->second->stream) found->second->stream->event(body);
    if (c.busy()) c.reply(202, {}, {});
    return;
  }
  if (c.streaming() || status == 200) return c.reply_json(body, {}, {});
  c.reply(status, "application/json", body);
}

std::string service::metrics() const {
  std::string out;
  auto const head = [&](char const* name, char const* type, char const* help) {
    out += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
  };
  head("thv_gateway_connections", "gauge", "Open connections of clients.");
  out += fmt::format("thv_gateway_connections {}\n", connections_.size());
  head("thv_gateway_refused_total", "counter", "Requests refused for Host, Origin or token.");
  out += fmt::format("thv_gateway_refused_total {}\n", refused_);
  auto const each = [&](char const* name, auto value) {
    for (auto const& [server, m] : members_)
      out += fmt::format("{}{{server=\"{}\"}} {}\n", name, server, value(*m));
  };
  head("thv_gateway_up", "gauge", "1 if the server answered.");
  each("thv_gateway_up",
       [](served_member const& m) { return m.phase == member_phase::ready ? 1 : 0; });
  head("thv_gateway_sessions", "gauge", "Sessions of clients.");
  each("thv_gateway_sessions", [](served_member const& m) { return m.sessions.size(); });
  head("thv_gateway_restarts_total", "counter", "Starts seen after the first.");
  each("thv_gateway_restarts_total", [](served_member const& m) { return m.restarts; });
  head("thv_gateway_call_errors_total", "counter", "Calls that ended with an error.");
  each("thv_gateway_call_errors_total", [](served_member const& m) { return m.errors; });
  head("thv_gateway_call_seconds", "histogram", "Time from a call to its answer.");
  for (auto const& [server, m] : members_) {
    std::uint64_t sum = 0;
    double bound = 0.0001;
    for (std::size_t i = 0; i + 1 < m->latency.size(); ++i, bound *= 4) {
      sum += m->latency[i];
      out += fmt::format("thv_gateway_call_seconds_bucket{{server=\"{}\",le=\"{:g}\"}} {}\n",
                         server, bound, sum);
    }
    sum += m->latency.back();
    out += fmt::format(
        "thv_gateway_call_seconds_bucket{{server=\"{0}\",le=\"+Inf\"}} {1}\n"
        "thv_gateway_call_seconds_sum{{server=\"{0}\"}} {2:g}\n"
        "thv_gateway_call_seconds_count{{server=\"{0}\"}} {1}\n",
        server, sum, m->latency_sum);
  }
  return out;
}

}  // namespace thv::gateway
