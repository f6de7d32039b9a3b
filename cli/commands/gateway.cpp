// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "../change.hpp"
#include "../gateway_process.hpp"
#include "../gateway_start.hpp"
#include "../gateway_unit.hpp"
#include "../output.hpp"
#include "commands.hpp"

// gateway run, start, stop, status, enable and disable.
namespace thv::cli {

namespace {

struct options {
  bool background = false;
  std::optional<std::string> format;
};

std::string uptime_of(gateway_view const& g) {
  auto const now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  return duration_text(now - g.status.identity.started_at);
}

boost::json::object member_json(gateway::member_status const& m) {
  boost::json::object out{{"name", m.name}, {"state", m.state}};
  if (!m.message.empty()) out["message"] = m.message;
  if (!m.waits_for.empty()) out["waits_for_secret"] = m.waits_for;
  if (!m.revision.empty()) out["revision"] = m.revision;
  out["sessions"] = m.sessions;
  out["in_flight"] = m.in_flight;
  out["calls"] = m.calls;
  out["errors"] = m.errors;
  return out;
}

boost::json::object status_json(gateway_view const& g) {
  boost::json::object out{{"status", to_string(g.is)}, {"url", g.url}, {"port", g.port}};
  if (!g.running()) return out;
  auto const& s = g.status;
  out["pid"] = s.identity.pid;
  out["version"] = s.identity.version;
  out["started_at"] = rfc3339(s.identity.started_at);
  out["connections"] = s.plane.connections;
  out["sessions"] = s.plane.sessions;
  boost::json::array members;
  for (auto const& m : s.plane.members) members.push_back(member_json(m));
  out["members"] = std::move(members);
  return out;
}

tone tone_of(std::string const& state) {
  return state == "ready" ? tone::good : state == "down" ? tone::bad : tone::faint;
}

void print_status(gateway_view const& g) {
  std::vector<std::pair<std::string, std::string>> lines{{"Status", std::string(to_string(g.is))},
                                                         {"URL", g.url}};
  if (g.running()) {
    auto const& s = g.status;
    lines.insert(lines.end(), {{"Process", std::to_string(s.identity.pid)},
                               {"Version", s.identity.version},
                               {"Uptime", uptime_of(g)},
                               {"Sessions", std::to_string(s.plane.sessions)},
                               {"Connections", std::to_string(s.plane.connections)},
                               {"Members", std::to_string(s.plane.members.size())}});
  }
  print(key_values(lines));
  if (!g.running() || g.status.plane.members.empty()) return;
  print("\n");
  table t({"NAME", "STATE", "REVISION", "SESSIONS", "CALLS", "ERRORS", "WHY"});
  for (auto const& m : g.status.plane.members)
    t.add({m.name, cell(m.state, tone_of(m.state)), m.revision, std::to_string(m.sessions),
           std::to_string(m.calls), std::to_string(m.errors), plain_line(m.message)});
  t.print();
}

int report(result<gateway_view> const& g, options const& o, std::string const& sentence) {
  if (!g) return failed(g.error());
  if (o.format == "json")
    print(pretty(status_json(*g)));
  else
    print(fmt::format("{} {}\n", sentence, g->url));
  return 0;
}

/// Secrets that this command's environment has are worth more in a running gateway.
result<gateway_view> start_with_secrets(session& s) {
  THV_TRY(auto g, start_gateway(s));
  THV_TRY(auto const secrets, known_secrets(s));
  if (!secrets.empty())
    THV_CHECK(
        gateway::control_client(g.socket).give_secrets(within(std::chrono::seconds(5)), secrets));
  return g;
}

command verb(std::shared_ptr<options> const& o, std::string name, std::string summary) {
  command c;
  c.example = fmt::format("thv-engine gateway {}", name);
  c.name = std::move(name);
  c.summary = std::move(summary);
  c.flags = {format_flag(o->format)};
  return c;
}

command run_verb() {
  auto o = std::make_shared<options>();
  auto c = verb(o, "run", "Serve all members in the foreground");
  c.details =
      "Ends at Ctrl-C. Members go on without it. 'gateway start' does the same in the background.";
  c.flags = {{"--background", "", "say nothing but in gateway.log", &o->background}};
  c.run = [o](session& s) { return run_gateway(s, o->background); };
  return c;
}

command start_verb() {
  auto o = std::make_shared<options>();
  auto c = verb(o, "start", "Start the gateway in the background");
  c.details =
      "Where one of an earlier version runs, it hands over to this one. Commands that run or "
      "start\n"
      "servers do this by themselves, unless 'gateway stop' was used.";
  c.run = [o](session& s) {
    auto const before = look_at_gateway(s);
    auto const g = start_with_secrets(s);
    bool const same =
        g && before && before->running() && before->status.identity.pid == g->status.identity.pid;
    return report(g, *o, same ? "The gateway serves already at" : "The gateway serves at");
  };
  return c;
}

command stop_verb() {
  auto o = std::make_shared<options>();
  auto c = verb(o, "stop", "Stop the gateway; no other command starts it until 'gateway start'");
  c.details = "Members go on without it.";
  c.run = [o](session& s) {
    auto const stopped = stop_gateway(s);
    if (!stopped) return failed(stopped.error());
    if (o->format == "json")
      print(pretty(boost::json::object{{"status", "stopped"}, {"was_running", *stopped}}));
    else
      print(*stopped ? "The gateway is stopped.\n" : "The gateway did not run.\n");
    return 0;
  };
  return c;
}

command status_verb() {
  auto o = std::make_shared<options>();
  auto c = verb(o, "status", "Show the gateway and what it says of each member");
  c.run = [o](session& s) {
    auto const g = look_at_gateway(s);
    if (!g) return failed(g.error());
    if (o->format == "json")
      print(pretty(status_json(*g)));
    else
      print_status(*g);
    return 0;
  };
  return c;
}

int enable(session& s) {
  auto const path = unit_path();
  if (!path) return failed(path.error());
  auto const done = enable_unit(s);
  if (!done) return failed(done.error());
  if (*done)
    print(fmt::format("{} is enabled and started.\n", path->string()));
  else
    print(
        fmt::format("{} is written, but no systemd of this user answers. In a session of the "
                    "user:\n  systemctl --user daemon-reload\n  systemctl --user enable --now "
                    "{}\n",
                    path->string(), path->filename().string()));
  say_note(
      "it starts with the user's first session; 'loginctl enable-linger' lets it start with "
      "the machine");
  return 0;
}

command enable_verb() {
  auto o = std::make_shared<options>();
  auto c = verb(o, "enable", "Let systemd start the gateway again when it ends or after a reboot");
  c.details =
      "Writes a user unit and starts it. Stopping the unit leaves members alone. After a reboot\n"
      "the gateway starts the members of groups with 'autostart = true' in the configuration.";
  c.flags = {};
  c.run = [](session& s) { return enable(s); };
  return c;
}

command disable_verb() {
  auto o = std::make_shared<options>();
  auto c = verb(o, "disable", "Take back 'gateway enable'");
  c.flags = {};
  c.run = [](session& s) {
    auto const removed = disable_unit(s);
    if (!removed) return failed(removed.error());
    print(*removed ? "The unit is removed.\n" : "There is no unit.\n");
    return 0;
  };
  return c;
}

}  // namespace

command gateway_command() {
  command c;
  c.name = "gateway";
  c.summary = "Control the process that serves all members over MCP";
  c.details =
      "One small process serves every MCP server of every group at\n"
      "http://127.0.0.1:4483/servers/NAME/mcp (the next free port where that is taken).";
  c.example = "thv-engine gateway status\nthv-engine gateway enable";
  c.commands = {run_verb(),    start_verb(),  stop_verb(),
                status_verb(), enable_verb(), disable_verb()};
  return c;
}

}  // namespace thv::cli
