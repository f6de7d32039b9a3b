// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <thv/engine/choose_runtime.hpp>
#include <thv/registry/packages.hpp>

#include "../change.hpp"
#include "../output.hpp"
#include "../registries.hpp"
#include "../run_config_of.hpp"
#include "commands.hpp"

namespace thv::cli {

namespace {

struct options {
  run_flags run;
  std::vector<std::string> registries;
  change_flags change;
};

/// Flags that describe the workload, as given, beside which `--from-config` cannot stand.
std::vector<std::string> given_flags(options& o) {
  std::vector<std::string> given;
  auto flags = run_flag_list(o.run);
  flags.push_back(registry_flag(o.registries));
  for (auto const& f : flags) {
    auto const* one = std::get_if<std::optional<std::string>*>(&f.into);
    auto const* list = std::get_if<std::vector<std::string>*>(&f.into);
    auto const* on = std::get_if<bool*>(&f.into);
    if ((one && **one) || (list && !(*list)->empty()) || (on && **on))
      given.push_back(f.names.substr(f.names.find("--")));
  }
  return given;
}

result<void> check_command_line(options& o) {
  auto const wrong = [](std::string text, std::string hint) {
    return fail(errc::invalid_argument, std::move(text), std::move(hint));
  };
  if (!o.run.from_config) {
    if (o.run.what.empty())
      return wrong("requires at least 1 arg(s), only received 0",
                   "name a registry server, an image, an npx:// or uvx:// package, a URL or a "
                   "program, or use --from-config");
    return {};
  }
  if (!o.run.what.empty() || !o.run.arguments.empty())
    return wrong("--from-config takes the server and its arguments from the file",
                 "remove them from the command line");
  auto const given = given_flags(o);
  if (given.empty()) return {};
  return wrong(fmt::format("--from-config cannot be used with other configuration flags: [{}]",
                           fmt::join(given, " ")),
               "change the file instead");
}

/// Where a server has several packages, the first that its runtime can run.
package_chooser chooser(session& s, std::optional<std::string> const& wanted) {
  return [&s, wanted](registry::server const& server) -> result<registry::package const*> {
    if (server.packages.size() == 1) return &server.packages.front();
    THV_TRY(auto const* settings, s.configuration());
    THV_TRY(auto* set, s.runtimes());
    runtime_chooser<plugin::runtime_set> runtimes(*set, settings->default_runtime);
    THV_TRY(auto const name, runtimes.choose(server.name, registry::source_kinds(server),
                                             wanted.value_or(server.runtime)));
    THV_TRY(auto const who, runtimes.identify(name));
    if (auto const found = registry::choose_package(server, who.runs)) return *found;
    return &server.packages.front();
  };
}

result<run_config> wanted_config(session& s, options const& o) {
  if (o.run.from_config) return run_config_from_file(*o.run.from_config);
  std::vector<registry::document> documents;
  if (kind_of_word(o.run.what.front()) == word_kind::server_or_image) {
    THV_TRY(auto const sources, registry_sources(s, o.registries));
    THV_TRY(documents, load_registries(s, sources));
  }
  return run_config_of(o.run, documents, chooser(s, o.run.runtime));
}

void print_ready(plan::report const& r, std::string const& name, gateway_view const& g) {
  for (auto const& step : r.planned.operations)
    if (std::holds_alternative<plan::create_group>(step.action))
      print(fmt::format("Created group '{}'.\n", step.subject));
  for (auto const& m : workloads_of(r)) {
    if (m.name != name) continue;
    if (m.outcome == plan::outcome::unchanged)
      print(fmt::format("Nothing to change: '{}' runs as wanted.\n", name));
    else if (m.readiness == "ready")
      print(fmt::format("'{}' is ready on {}: {}.\n", name, m.runtime,
                        names_text(m.tools, 60, "tool")));
    else
      print(fmt::format("'{}' runs on {}: {}.\n", name, m.runtime,
                        m.readiness.empty() ? "not proved ready" : m.readiness));
    if (g.running()) print(fmt::format("It is served at {}\n", member_url(g, name)));
  }
}

int run_workload(session& s, options& o) {
  if (auto const fine = check_command_line(o); !fine) return wrong_usage(fine.error());
  auto const settings = s.configuration();
  if (!settings) return failed(settings.error());
  auto config = wanted_config(s, o);
  if (!config)
    return config.error().where.starts_with("--") ? wrong_usage(config.error())
                                                  : failed(config.error());
  if (config->group.empty()) config->group = "default";
  if (auto const table = (*settings)->groups.find(config->group);
      table != (*settings)->groups.end() && config->runtime.empty() && config->remote_url.empty())
    config->runtime = table->second.runtime.value_or("");
  return with_engine(s, o.change, config->group, [&](engine& e, change_options const& how) {
    auto const& name = config->name;
    auto const report =
        carry_out(s, how, [&](change_options const& with) { return e.run({*config}, with); });
    return finish(s, report, o.change, fmt::format("running '{}'", name),
                  [&](plan::report const& r, gateway_view const& g) { print_ready(r, name, g); });
  });
}

}  // namespace

command run_command() {
  auto o = std::make_shared<options>();
  command c;
  c.name = "run";
  c.summary = "Run an MCP server";
  c.details =
      "The server is one of:\n"
      "  a name in the registry           fetch, io.github.user/weather\n"
      "  a container image                ghcr.io/org/server:1.2\n"
      "  a package of npm or PyPI         npx://@scope/server@1.0, uvx://mcp-server-time\n"
      "  a server that somebody else runs https://host/mcp\n"
      "  a program on this machine        ./server, /usr/local/bin/server\n"
      "What stands after -- is given to it. Without --transport it is what the registry says;\n"
      "else streamable-http for images and URLs, stdio for packages and programs.\n"
      "A group that does not exist is created.";
  c.example =
      "thv-engine run server1 --group data-pipeline\n"
      "thv-engine run npx://@modelcontextprotocol/server-everything --name everything\n"
      "thv-engine run --name mine --runtime process ./server -- --verbose";
  c.words = {"SERVER_OR_IMAGE_OR_PROTOCOL [-- ARGS...]", 0, 1, &o->run.what, completes::servers};
  c.rest = &o->run.arguments;
  c.flags = run_flag_list(o->run);
  c.flags.push_back(
      {"--from-config", "FILE", "run what 'export' wrote", &o->run.from_config, completes::files});
  c.flags.push_back(registry_flag(o->registries));
  c.flags.push_back(timeout_flag(o->change));
  c.flags.push_back(dry_run_flag(o->change));
  c.flags.push_back(format_flag(o->change.format));
  c.run = [o](session& s) { return run_workload(s, *o); };
  return c;
}

}  // namespace thv::cli
