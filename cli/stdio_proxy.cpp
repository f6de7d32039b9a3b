// SPDX-License-Identifier: Apache-2.0
#include "stdio_proxy.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <thv/gateway/header_value.hpp>

namespace thv::cli {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_at_once = 256;
constexpr std::chrono::milliseconds patience = 10s;  ///< for a gateway that is being started
constexpr std::int64_t internal_error = -32603;

bool keep_all(std::string_view) {
  return true;
}

void rest(std::stop_token const& stop, std::chrono::milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, time, [] { return false; });
}

/// The revision that an `initialize` answer agrees to.
std::string agreed_revision(std::string_view answer) {
  json::error_code problem;
  auto const value = json::parse(answer, problem);
  auto const* object = problem ? nullptr : value.if_object();
  auto const* result = object ? object->if_contains("result") : nullptr;
  auto const* fields = result ? result->if_object() : nullptr;
  auto const* revision = fields ? fields->if_contains("protocolVersion") : nullptr;
  return revision && revision->is_string() ? std::string(revision->get_string()) : std::string();
}

/// Is the text a JSON-RPC message, so that the client may have it as it is?
bool is_message(std::string_view text) {
  json::error_code problem;
  auto const value = json::parse(text, problem);
  return !problem && value.is_object() && value.get_object().contains("jsonrpc") &&
         value.get_object().contains("id") && !value.get_object().at("id").is_null();
}

}  // namespace

/// A request whose answer is due.
struct stdio_proxy::flight {
  std::string id;  ///< raw
  std::string text;
  http_headers headers;
  bool stateless = false;
  bool done = false;
  bool answered = false;
  std::stop_source stop;
  std::jthread thread;
};

stdio_proxy::stdio_proxy(locator locate, line_sink out)
    : locate_(std::move(locate)), out_(std::move(out)) {}

stdio_proxy::~stdio_proxy() {
  ending_.request_stop();
  for (auto& f : flights_) f->stop.request_stop();
  flights_.clear();
  if (listener_.joinable()) listener_.request_stop();
}

void stdio_proxy::write(std::string_view message) {
  std::string line(message);
  gateway::make_one_line(line.data(), line.data() + line.size());
  std::lock_guard const lock(out_mutex_);
  out_(line);
}

void stdio_proxy::refuse(std::string const& id, std::int64_t code, std::string const& why) {
  write(fmt::format(R"({{"jsonrpc":"2.0","id":{},"error":{{"code":{},"message":{}}}}})",
                    id.empty() ? "null" : id, code, json::serialize(json::value(why))));
}

stdio_proxy::session_state stdio_proxy::session_now() const {
  std::lock_guard const lock(mutex_);
  return session_;
}

http_headers stdio_proxy::headers_for(gateway::message const& m) const {
  if (m.revision.empty()) return {};
  http_headers headers{{"MCP-Protocol-Version", std::string(m.revision)},
                       {"Mcp-Method", std::string(m.method)}};
  auto const& name = m.method == "resources/read" ? m.uri : m.name;
  bool const named =
      m.method == "tools/call" || m.method == "prompts/get" || m.method == "resources/read";
  if (named && !name.empty()) headers["Mcp-Name"] = gateway::encode_header_value(name);
  return headers;
}

void stdio_proxy::take(std::string const& line) {
  if (line.find_first_not_of(" \t\r") == line.npos) return;
  gateway::message m;
  switch (scanner_.scan(line, m)) {
    case gateway::message_fault::none:
      break;
    case gateway::message_fault::syntax:
      return refuse({}, -32700, "the message is no JSON");
    case gateway::message_fault::batch:
      return refuse({}, -32600, "batches are not served: send the messages one by one");
    default:
      return refuse({}, -32600, "the message is no JSON-RPC 2.0 message");
  }
  reap();
  if (m.kind != gateway::message_kind::request) return take_other(m, line);
  if (m.method == "initialize") return open_session(m, line);
  take_request(m, line);
}

result<net::response> stdio_proxy::post(plugin::call const& c, std::string const& text,
                                        http_headers const& headers, message_sink const& sink) {
  auto const give_up = std::chrono::steady_clock::now() + patience;
  for (;;) {
    std::optional<mcp_endpoint> to;
    {
      std::lock_guard const lock(mutex_);
      if (located_) to = endpoint_;
    }
    if (!to) {
      THV_TRY(to, locate_());
      std::lock_guard const lock(mutex_);
      endpoint_ = *to;
      located_ = true;
    }
    auto answer = post_message(c, *to, headers, text, sink);
    if (answer || answer.error().code != errc::unavailable) return answer;
    if (c.stop.stop_requested() || std::chrono::steady_clock::now() > give_up) return answer;
    {
      // It may come back elsewhere.
      std::lock_guard const lock(mutex_);
      located_ = false;
    }
    rest(c.stop, 200ms);
  }
}

void stdio_proxy::open_session(gateway::message const& m, std::string const& line) {
  std::string const id(m.id);
  std::string revision;
  bool answered = false;
  auto const answer = post({std::chrono::steady_clock::time_point::max(), ending_.get_token(), {}},
                           line, {}, [&](std::string_view message) {
                             if (auto agreed = agreed_revision(message); !agreed.empty())
                               revision = agreed;
                             answered = true;
                             write(message);
                             return true;
                           });
  if (!answer) return refuse(id, internal_error, to_string(answer.error()));
  if (answer->status / 100 != 2 && is_message(answer->body)) return write(answer->body);
  if (!answered || answer->status / 100 != 2)
    return refuse(id, internal_error, to_string(refused_by_gateway(*answer)));
  auto const session = answer->headers.find("mcp-session-id");
  {
    std::lock_guard const lock(mutex_);
    initialize_ = line;
    session_.revision = revision;
    session_.id = session == answer->headers.end() ? "" : session->second;
  }
}

void stdio_proxy::take_request(gateway::message const& m, std::string const& line) {
  auto f = std::make_unique<flight>();
  f->id = m.id;
  f->text = line;
  f->headers = headers_for(m);
  f->stateless = !m.revision.empty();
  auto* raw = f.get();
  std::unique_lock lock(mutex_);
  landed_.wait(lock, ending_.get_token(), [&] {
    return std::count_if(flights_.begin(), flights_.end(), [](auto const& x) { return !x->done; }) <
           static_cast<std::ptrdiff_t>(most_at_once);
  });
  flights_.push_back(std::move(f));
  raw->thread = std::jthread([this, raw] { carry(*raw); });
}

void stdio_proxy::take_other(gateway::message const& m, std::string const& line) {
  bool const cancels = m.method == "notifications/cancelled";
  auto const c = within(60s, ending_.get_token());
  if (cancels) {
    std::lock_guard const lock(mutex_);
    for (auto& f : flights_)
      if (f->id == m.request_id && f->stateless && !f->done) {
        f->stop.request_stop();  // the end of its stream is what cancels it
        return;
      }
  }
  auto headers = headers_for(m);
  if (m.revision.empty()) {
    auto const now = session_now();
    if (!now.id.empty()) headers["Mcp-Session-Id"] = now.id;
    if (!now.revision.empty()) headers["MCP-Protocol-Version"] = now.revision;
  }
  (void)post(c, line, headers, keep_all);  // nobody waits for an answer
  if (m.method == "notifications/initialized") start_listening();
}

void stdio_proxy::carry(flight& f) {
  if (!carry_once(f, false)) (void)carry_once(f, true);
  std::lock_guard const lock(mutex_);
  f.done = true;
  landed_.notify_all();
}

/// False: its session was lost and there is another one now, so that it can be tried again.
bool stdio_proxy::carry_once(flight& f, bool last) {
  auto headers = f.headers;
  auto const session = session_now();
  if (!f.stateless) {
    if (!session.id.empty()) headers["Mcp-Session-Id"] = session.id;
    if (!session.revision.empty()) headers["MCP-Protocol-Version"] = session.revision;
  }
  plugin::call const c{std::chrono::steady_clock::time_point::max(), f.stop.get_token(), {}};
  auto const answer = post(c, f.text, headers, [&](std::string_view message) {
    gateway::message_scanner scanner;
    gateway::message m;
    if (scanner.scan(message, m) == gateway::message_fault::none && m.id == f.id &&
        (m.kind == gateway::message_kind::response ||
         m.kind == gateway::message_kind::error_response))
      f.answered = true;
    write(message);
    return true;
  });
  if (f.answered || f.stop.stop_requested()) return true;
  if (answer && answer->status == 404 && !session.id.empty() && !f.stateless && !last)
    if (renew_session(session.id)) return false;
  if (!answer)
    refuse(f.id, internal_error, to_string(answer.error()));
  else if (answer->status / 100 != 2 && is_message(answer->body))
    write(answer->body);
  else if (answer->status / 100 != 2)
    refuse(f.id, internal_error, to_string(refused_by_gateway(*answer)));
  else
    refuse(f.id, internal_error, "the gateway ended before it answered");
  return true;
}

/// Opens a session with the client's own `initialize`, unless another thread has done so.
result<void> stdio_proxy::renew_session(std::string const& lost) {
  std::lock_guard const one_at_a_time(renewing_);
  std::string request;
  {
    std::lock_guard const lock(mutex_);
    if (session_.id != lost) return {};
    request = initialize_;
  }
  auto const c = within(60s, ending_.get_token());
  std::string revision;
  THV_TRY(auto const answer, post(c, request, {}, [&](std::string_view message) {
            revision = agreed_revision(message);
            return true;
          }));
  auto const id = answer.headers.find("mcp-session-id");
  if (answer.status / 100 != 2 || id == answer.headers.end()) return refused_by_gateway(answer);
  http_headers const headers{{"Mcp-Session-Id", id->second}, {"MCP-Protocol-Version", revision}};
  THV_CHECK(
      post(c, R"({"jsonrpc":"2.0","method":"notifications/initialized"})", headers, keep_all));
  std::lock_guard const lock(mutex_);
  session_ = {id->second, revision};
  return {};
}

void stdio_proxy::start_listening() {
  if (listener_.joinable() || session_now().id.empty()) return;
  listener_ = std::jthread([this](std::stop_token stop) { listen(std::move(stop)); });
}

/// Reads the server's own messages for as long as there is a session.
void stdio_proxy::listen(std::stop_token stop) {
  while (!stop.stop_requested()) {
    auto const session = session_now();
    mcp_endpoint from;
    {
      std::lock_guard const lock(mutex_);
      from = endpoint_;
    }
    auto const answer =
        read_messages({std::chrono::steady_clock::time_point::max(), stop, {}}, from,
                      {{"Mcp-Session-Id", session.id}, {"MCP-Protocol-Version", session.revision}},
                      [this](std::string_view message) {
                        write(message);
                        return true;
                      });
    if (answer && answer->status == 405) return;
    if (answer && answer->status == 404) (void)renew_session(session.id);
    rest(stop, 500ms);
  }
}

/// Lets go of the requests that are done.
void stdio_proxy::reap() {
  std::vector<std::unique_ptr<flight>> done;
  std::lock_guard const lock(mutex_);
  for (auto& f : flights_)
    if (f->done) done.push_back(std::move(f));
  std::erase(flights_, nullptr);
}

void stdio_proxy::finish(plugin::call const& c) {
  {
    std::unique_lock lock(mutex_);
    auto const all_done = [&] {
      return std::all_of(flights_.begin(), flights_.end(), [](auto const& f) { return f->done; });
    };
    (void)landed_.wait_until(lock, c.stop, c.deadline, all_done);
    for (auto& f : flights_) f->stop.request_stop();
  }
  ending_.request_stop();
  if (listener_.joinable()) {
    listener_.request_stop();
    listener_.join();
  }
  auto const session = session_now();
  if (session.id.empty()) return;
  end_session(endpoint_,
              {{"Mcp-Session-Id", session.id}, {"MCP-Protocol-Version", session.revision}});
}

}  // namespace thv::cli
