// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/array.hpp>

#include <thv/config/duration.hpp>
#include <thv/model/run_config_json.hpp>

#include "../change.hpp"
#include "../client_access.hpp"
#include "../gateway_log.hpp"
#include "../interrupt.hpp"
#include "../output.hpp"
#include "../views.hpp"
#include "commands.hpp"

// status, logs and export: commands that read one workload.
namespace thv::cli {

namespace {

struct options {
  std::vector<std::string> words;
  std::optional<std::string> format;
  std::optional<std::string> group;
  std::optional<std::string> tail;
  bool follow = false;
  bool gateway = false;
};

std::string uptime_of(workload_view const& view) {
  if (view.started_at == 0) return {};
  auto const now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  return duration_text(now - view.started_at);
}

std::string on_demand_text(run_config const& config) {
  if (!config.on_demand) return {};
  if (config.idle_timeout_ms == 0) return "yes";
  auto const idle = std::chrono::milliseconds(config.idle_timeout_ms);
  return fmt::format("yes, stopped after {} without a request", config::to_string(idle));
}

void print_status(workload_view const& view, gateway_view const& g) {
  auto const& record = view.record;
  std::vector<std::pair<std::string, std::string>> lines;
  auto const add = [&](char const* key, std::string value) {
    if (!value.empty()) lines.emplace_back(key, std::move(value));
  };
  add("Name", record.name);
  add("Status", std::string(to_string(view.state)));
  auto const secret = waits_for(g, record.name);
  add("Why", secret.empty() ? view.state_context : "waiting for secret " + secret);
  add("Package", package_of(view));
  add("URL", url_text(g, record.name));
  add("Port", g.running() ? std::to_string(g.port) : "");
  add("Endpoint", endpoint_of(view));
  add("Transport", std::string(to_string(record.config.transport)));
  add("Group", record.group);
  add("Created", short_time(record.created_at));
  add("Remote", record.config.remote_url.empty() ? "" : "true");
  add("Uptime", uptime_of(view));
  add("Runtime", record.runtime);
  add("On demand", on_demand_text(record.config));
  add("Ready", view.ready ? "yes" : "no");
  add("Tools", names_text(record.tools, 400));
  for (auto const& note : view.notes) lines.emplace_back("Note", note);
  print(key_values(lines));
}

boost::json::object status_json(workload_view const& view, gateway_view const& g) {
  auto out = workload_json(view, g);
  if (auto const uptime = uptime_of(view); !uptime.empty()) out["uptime"] = uptime;
  out["transport"] = to_string(view.record.config.transport);
  boost::json::array notes;
  for (auto const& note : view.notes) notes.push_back(boost::json::value(note));
  out["notes"] = std::move(notes);
  return out;
}

int show_status(session& s, options const& o) {
  auto engine = s.reading_engine();
  if (!engine) return failed(engine.error());
  auto view = (*engine)->status(o.words.front());
  if (!view) {
    view.error().message = "failed to get workload status: " + view.error().message;
    return failed(view.error());
  }
  auto const g = gateway_for_listing(s);
  if (o.format == "json")
    print(pretty(status_json(*view, g)));
  else
    print_status(*view, g);
  return 0;
}

/// Prints pieces of a log as they come.
bool print_piece(std::string_view piece) {
  print(piece);
  return finish_output().has_value() && !output_closed();
}

int show_gateway_log(session& s, plugin::log_options const& how) {
  auto const where = s.paths();
  if (!where) return failed(where.error());
  interrupt_guard interrupt;
  auto const read = read_gateway_log(
      gateway::control_files((*where)->state).log(), how.tail, how.follow,
      [&] { return interrupt.interrupted(); }, print_piece);
  if (interrupt.interrupted()) return 130;
  return read ? 0 : failed(read.error());
}

int show_logs(session& s, options const& o) {
  if (o.gateway == !o.words.empty())
    return wrong_usage(fail(errc::invalid_argument,
                            o.gateway ? "--gateway takes no name" : "accepts 1 arg(s), received 0",
                            "usage: thv-engine logs NAME, or thv-engine logs --gateway"));
  plugin::log_options how;
  how.follow = o.follow;
  if (o.tail) {
    auto const lines = number_of("--tail", *o.tail, 1, 10'000'000);
    if (!lines) return wrong_usage(lines.error());
    how.tail = static_cast<std::size_t>(*lines);
  }
  if (o.gateway) return show_gateway_log(s, how);
  auto engine = s.reading_engine();
  if (!engine) return failed(engine.error());
  interrupt_guard interrupt;
  auto const read = (*engine)->logs(o.words.front(), how, print_piece, interrupt.token());
  if (interrupt.interrupted()) return 130;
  return read ? 0 : failed(read.error());
}

/// Writes a file for the user alone. An existing one is replaced.
result<void> write_private_file(std::filesystem::path const& path, std::string const& text) {
  auto const problem = [&] {
    return fail(errc::io,
                fmt::format("'{}' cannot be written: {}", path.string(), std::strerror(errno)));
  };
  if (auto const parent = path.parent_path(); !parent.empty() && !std::filesystem::exists(parent)) {
    std::error_code failure;
    auto const mask = umask(0027);
    std::filesystem::create_directories(parent, failure);
    umask(mask);
    if (failure)
      return fail(errc::io, fmt::format("folder '{}' cannot be made: {}", parent.string(),
                                        failure.message()));
  }
  int const file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return problem();
  bool fine = fchmod(file, 0600) == 0;
  for (std::size_t at = 0; fine && at < text.size();) {
    auto const written = write(file, text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    fine = written > 0;
    if (fine) at += static_cast<std::size_t>(written);
  }
  if (close(file) != 0 || !fine) return problem();
  return {};
}

/// The members of a group that are ready, or one workload, as most clients read them.
int export_servers(session& s, options const& o) {
  if (o.words.empty() != o.group.has_value() || o.words.size() > 1)
    return wrong_usage(fail(errc::invalid_argument, "'mcpservers' takes a NAME, or --group GROUP",
                            "thv-engine export --format mcpservers --group default"));
  auto engine = s.reading_engine();
  if (!engine) return failed(engine.error());
  auto const now = membership_of(s);
  if (!now) return failed(now.error());
  auto const g = look_at_gateway(s);
  if (!g) return failed(g.error());
  auto const address = address_of(s, g->url);
  if (!address) return failed(address.error());
  std::vector<std::string> names;
  if (o.group) {
    if (auto const known = clients::check_groups({*o.group}, *now); !known)
      return failed(known.error());
    for (auto const& one : clients::served_to({*o.group}, *now, *address))
      names.push_back(one.name);
  } else {
    auto const config = (*engine)->export_config(o.words.front());
    if (!config) return failed(config.error());
    names.push_back(config->name);
  }
  print(pretty(mcp_servers_json(names, *address)));
  return 0;
}

int export_config(session& s, options const& o) {
  if (o.format == "mcpservers") return export_servers(s, o);
  if (o.words.size() != 2 || o.group)
    return wrong_usage(fail(errc::invalid_argument, "export takes a NAME and a PATH, or '-'",
                            "thv-engine export fetch ./fetch.json"));
  auto engine = s.reading_engine();
  if (!engine) return failed(engine.error());
  auto const config = (*engine)->export_config(o.words.front());
  if (!config) return failed(config.error());
  auto const text = pretty(to_json(*config));
  auto const& path = o.words.back();
  if (path == "-") {
    print(text);
    return 0;
  }
  if (auto const written = write_private_file(path, text); !written) return failed(written.error());
  print(fmt::format("Successfully exported run configuration for '{}' to '{}'\n", o.words.front(),
                    path));
  return 0;
}

}  // namespace

command status_command() {
  auto o = std::make_shared<options>();
  command c;
  c.name = "status";
  c.summary = "Show one MCP server";
  c.example = "thv-engine status fetch --format json";
  c.words = {"NAME", 1, 1, &o->words, completes::workloads};
  c.flags = {format_flag(o->format)};
  c.run = [o](session& s) { return show_status(s, *o); };
  return c;
}

command logs_command() {
  auto o = std::make_shared<options>();
  command c;
  c.name = "logs";
  c.summary = "Print the log of an MCP server, or of the gateway";
  c.example =
      "thv-engine logs fetch --tail 20\nthv-engine logs fetch -f\nthv-engine logs --gateway";
  c.words = {"NAME", 0, 1, &o->words, completes::workloads};
  c.flags = {
      {"--gateway", "", "the gateway's own log", &o->gateway},
      {"-f, --follow", "", "go on until it ends or Ctrl-C", &o->follow},
      {"--tail", "N", "only the last N lines", &o->tail},
  };
  c.run = [o](session& s) { return show_logs(s, *o); };
  return c;
}

command export_command() {
  auto o = std::make_shared<options>();
  command c;
  c.name = "export";
  c.summary = "Write the run configuration of an MCP server, or what a client wants to read";
  c.details =
      "'run --from-config' reads it. It holds the names of secrets, never their values.\n"
      "With --format mcpservers it prints a server, or the ready ones of a group, as most clients\n"
      "read them, with the gateway's token if it wants one.";
  c.example =
      "thv-engine export fetch ./fetch.json\n"
      "thv-engine export fetch -\n"
      "thv-engine export --format mcpservers --group data-pipeline";
  c.words = {"[NAME [PATH|-]]", 0, 2, &o->words, completes::workloads};
  c.flags = {{"-g, --group", "GROUP", "the members of this group (mcpservers)", &o->group,
              completes::groups},
             format_flag(o->format, {"json", "mcpservers"})};
  c.run = [o](session& s) { return export_config(s, *o); };
  return c;
}

}  // namespace thv::cli
