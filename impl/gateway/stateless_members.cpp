// SPDX-License-Identifier: Apache-2.0
// Members over HTTP, for clients of the stateless revision.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <thv/gateway/translate.hpp>
#include <thv/mcp/json_rpc.hpp>

#include "service.hpp"

namespace thv::gateway {

namespace json = boost::json;

namespace {

/// An answer to `server/discover` that lists the stateless revision.
bool offers_stateless(std::string_view text) {
  auto const answer = parsed(text);
  auto const* versions = member_at(answer, {"result", "supportedVersions"});
  if (!versions || !versions->is_array()) return false;
  return std::any_of(
      versions->get_array().begin(), versions->get_array().end(), [](json::value const& v) {
        return v.is_string() && std::string_view(v.get_string()) == mcp::stateless_revision;
      });
}

}  // namespace

channel& service::modern_channel(served_member& m) {
  if (!m.modern) {
    m.modern = std::make_unique<channel>(*this, m, true, nullptr);
    m.modern->attach(m.pool->make_link(*m.modern, m.declared.transport, true));
  }
  return *m.modern;
}

/// Finds out whether the member speaks 2026-07-28, before a stateless client's request goes there;
/// where it does not, a session of the gateway's own stands between. `then` gets why not.
void service::need_modern(served_member& m, std::function<void(std::string_view)> then) {
  m.stateless_waiting.push_back(std::move(then));
  if (m.stateless_waiting.size() > 1) return;  // asked already
  if (m.declared.transport == transport::sse) m.speaks_modern = false;
  if (m.speaks_modern) return open_session(m);
  ask(modern_channel(m), "server/discover", "{}",
      [this, &m](message const* in, std::string_view why) {
        if (m.gone || !in) return settle_stateless(m, m.gone ? "it was removed" : why);
        m.speaks_modern = offers_stateless(in->text);
        if (*m.speaks_modern) return settle_stateless(m, {});
        open_session(m);
      });
}

void service::open_session(served_member& m) {
  if (m.shared || !m.pool) return settle_stateless(m, m.shared ? "" : "it is starting");
  m.shared = std::make_unique<channel>(*this, m, false, nullptr);
  m.shared->attach(m.pool->make_link(*m.shared, m.declared.transport, false));
  auto const params = fmt::format(
      R"({{"protocolVersion":"{}","capabilities":{{"roots":{{}},"sampling":{{}},"elicitation":{{}}}},)"
      R"("clientInfo":{}}})",
      newest_legacy, own_info());
  ask(*m.shared, "initialize", params, [this, &m](message const* in, std::string_view why) {
    if (m.gone || !in || in->kind != message_kind::response) {
      auto const text = std::string(in ? "it refuses a session" : why);
      if (in && m.shared) drop_channel(*m.shared, text);
      return settle_stateless(m, m.gone ? "it was removed" : text);
    }
    auto const answer = parsed(in->text);
    if (auto const* revision = member_at(answer, {"result", "protocolVersion"});
        revision && revision->is_string() &&
        is_legacy_revision(std::string_view(revision->get_string())))
      m.shared->way()->agree(std::string_view(revision->get_string()));
    outgoing o;
    o.text = R"({"jsonrpc":"2.0","method":"notifications/initialized"})";
    o.kind = message_kind::notification;
    m.shared->way()->send(o);
    m.shared->way()->open_stream();
    // What its tools want repeated in header fields is known before the first call of one.
    if (!m.known.lists.empty()) return settle_stateless(m, {});
    ask_lists(m, [this, &m] {
      settle_stateless(m, m.gone || !m.shared ? "it went away" : std::string_view());
    });
  });
}

void service::settle_stateless(served_member& m, std::string_view why) {
  auto const text = std::string(why);
  for (auto& one : std::exchange(m.stateless_waiting, {})) one(text);
}

}  // namespace thv::gateway
