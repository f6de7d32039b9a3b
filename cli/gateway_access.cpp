// SPDX-License-Identifier: Apache-2.0
#include "gateway_access.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include <thv/config/values.hpp>
#include <thv/engine/secret_use.hpp>
#include <thv/gateway/revival.hpp>

namespace thv::cli {

using namespace std::chrono_literals;

namespace {

gateway_view expected_view(config::gateway_table const& settings,
                           std::optional<gateway::gateway_facts> const& facts) {
  gateway_view g;
  bool const same = facts && facts->host == settings.host && facts->wanted_port == settings.port;
  g.port = same ? facts->port : settings.port;
  g.url = gateway::base_url(settings.host, g.port);
  return g;
}

/// What a catalogue says, in the form of a readiness exchange.
mcp::probe_result probe_of(gateway::catalogue const& said) {
  mcp::probe_result found;
  found.protocol_version = said.revision;
  found.initialize_result = said.initialize_result;
  if (auto const tools = said.lists.find("tools/list"); tools != said.lists.end())
    found.tools = gateway::tool_names(tools->second);
  return found;
}

/// How long a gateway may take to see that a member was started anew.
constexpr std::chrono::milliseconds gateway_patience = 3s;

/// Errors of a gateway that has not noticed yet that a member was started anew.
bool may_pass(error const& e) {
  return e.code == errc::conflict || e.code == errc::exited || e.code == errc::unavailable ||
         e.code == errc::not_found;
}

}  // namespace

std::string_view to_string(gateway_view::state s) {
  switch (s) {
    case gateway_view::state::running:
      return "running";
    case gateway_view::state::stopped:
      return "stopped";
    case gateway_view::state::down:
      return "down";
  }
  return "down";
}

plugin::call within(std::chrono::milliseconds time, std::stop_token stop) {
  return {std::chrono::steady_clock::now() + time, std::move(stop), {}};
}

result<gateway_view> look_at_gateway(session& s) {
  THV_TRY(auto const* settings, s.configuration());
  THV_TRY(auto const* where, s.paths());
  gateway::control_files const files(where->state);
  auto const facts = files.read_facts();
  auto g = expected_view(settings->gateway, facts);
  if (files.stopped_by_user()) g.is = gateway_view::state::stopped;
  if (!facts || !files.is_locked()) return g;
  auto answer = gateway::control_client(facts->socket).status(within(1s));
  if (!answer) return g;
  g.is = gateway_view::state::running;
  g.status = *std::move(answer);
  g.url = g.status.identity.url;
  g.port = facts->port;
  g.socket = facts->socket;
  return g;
}

std::string member_url(gateway_view const& g, std::string const& workload) {
  return fmt::format("{}/servers/{}/mcp", g.url, workload);
}

void nudge_gateway(session& s) {
  auto const g = look_at_gateway(s);
  if (g && g->running()) (void)gateway::control_client(g->socket).refresh(within(5s));
}

std::string waits_for(gateway_view const& g, std::string const& workload) {
  auto const& all = g.status.plane.members;  // by name
  auto const found =
      std::lower_bound(all.begin(), all.end(), workload,
                       [](auto const& m, auto const& name) { return m.name < name; });
  return found == all.end() || found->name != workload ? std::string() : found->waits_for;
}

result<gateway_view> running_gateway(session& s) {
  THV_TRY(auto g, look_at_gateway(s));
  if (g.running()) return g;
  return fail(
      errc::unavailable,
      g.is == gateway_view::state::stopped ? "the gateway was stopped" : "the gateway does not run",
      "thv-engine gateway start");
}

result<std::string> gateway_token(config::gateway_table const& settings) {
  if (settings.token_file.empty()) return settings.token;
  auto const wrong = [&](errc code, std::string message, std::string hint = {}) {
    return fail(code, std::move(message), std::move(hint), settings.token_file);
  };
  struct stat found {};
  if (::stat(settings.token_file.c_str(), &found) != 0)
    return wrong(errc::not_found, "there is no such token file",
                 "make it, or change 'token_file' in [gateway]");
  if ((found.st_mode & 0077) != 0)
    return wrong(errc::permission_denied, "other users may read the token",
                 fmt::format("chmod 600 {}", settings.token_file));
  std::ifstream file(settings.token_file, std::ios::binary);
  std::string text(1024, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad() || !file.is_open()) return wrong(errc::io, "the token file cannot be read");
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (auto fine = config::check_token(text); !fine)
    return wrong(fine.error().code, "holds no token", fine.error().hint);
  return text;
}

result<std::map<std::string, std::string>> known_secrets(session& s) {
  std::map<std::string, std::string> known;
  THV_TRY(auto const records, s.workloads());
  THV_TRY(auto* access, s.secrets());
  for (auto const& record : records)
    for (auto const& name : secrets_of(record.config))
      if (auto value = access->from_environment(name)) known.emplace(name, *std::move(value));
  return known;
}

result<mcp::probe_result> prove_beside_gateway(session& s, plugin::call const& c,
                                               plugin::instance const& instance,
                                               attached_probe const& directly) {
  auto const known = s.store().workload(instance.workload);
  bool const recorded = known && *known && (*known)->phase == store::phase::present &&
                        (*known)->instance == instance.id;
  auto const begun = std::chrono::steady_clock::now();
  for (;;) {
    auto const g = look_at_gateway(s);
    bool const runs = g && g->running();
    auto const now = std::chrono::steady_clock::now();
    if (!runs || !recorded || now - begun > gateway_patience) {
      auto answer = directly();
      if (answer || answer.error().code != errc::conflict || !runs || !recorded) return answer;
    }
    gateway::control_client const client(g->socket);
    auto said = client.prove(c, instance.workload);
    if (said && said->session_key == instance.session_key) return probe_of(*said);
    if (c.stop.stop_requested()) return fail(errc::cancelled, "interrupted");
    if (now >= c.deadline)
      return said ? fail(errc::timeout, "the gateway did not see the new start in time")
                  : std::move(said).error();
    if (!said && !may_pass(said.error())) return std::move(said).error();
    // It is still at the start before this one.
    THV_CHECK(client.refresh(c));
    std::this_thread::sleep_for(20ms);
  }
}

}  // namespace thv::cli
