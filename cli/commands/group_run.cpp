// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <thv/registry/find.hpp>
#include <thv/registry/members.hpp>
#include <thv/registry/targets.hpp>

#include "../ask.hpp"
#include "../change.hpp"
#include "../output.hpp"
#include "../registries.hpp"
#include "../views.hpp"
#include "commands.hpp"

namespace thv::cli {

namespace {

struct options {
  std::vector<std::string> names;
  std::vector<std::string> registries;
  registry::target_flags targets;
  std::optional<std::string> as;
  std::optional<std::string> prefix;
  std::optional<std::string> runtime;
  bool prune = false;
  bool reclaim = false;
  change_flags change;
};

/// With `--prune`, members that left the registry are removed for good: asks before.
result<bool> confirm_prune(engine& e, group_run_request const& request, change_options how,
                           bool yes) {
  if (!request.prune || yes || how.dry_run) return true;
  how.dry_run = true;
  THV_TRY(auto const planned, e.group_run(request, how));
  std::vector<std::string> removed;
  for (auto const& step : planned.planned.operations)
    if (step.destructive) removed.push_back(step.subject);
  if (removed.empty()) return true;
  if (!can_ask())
    return fail(errc::invalid_argument,
                fmt::format("--prune would delete {}", fmt::join(removed, ", ")),
                "repeat the command with --yes");
  say(fmt::format("⚠️  WARNING: This will DELETE {} that left the registry group:\n",
                  counted(removed.size(), "workload")));
  for (auto const& name : removed) say(fmt::format("   - {}\n", name));
  return ask_yes_no("Are you sure you want to continue? [y/N]: ");
}

std::string closing_sentence(plan::report const& r, std::string const& group, std::size_t members) {
  if (r.planned.empty())
    return fmt::format("Nothing to change: group '{}' is as wanted, {}.\n", group,
                       counted(members, "member"));
  if (r.status == plan::completion::partly_done) return {};
  auto const not_ready = std::count_if(r.members.begin(), r.members.end(), [](auto const& m) {
    return m.failure || m.readiness == "unauthenticated";
  });
  if (not_ready != 0)
    return fmt::format("Group '{}' runs: {}, {} not ready.\n", group, counted(members, "member"),
                       not_ready);
  return fmt::format("Group '{}' is ready: {}.\n", group, counted(members, "member"));
}

cell readiness_cell(std::string const& readiness) {
  if (readiness == "ready") return {"ready", tone::good};
  if (!readiness.empty()) return {readiness, tone::warning};
  return {"not proved", tone::warning};
}

/// A row for each member that the group has now, and one for each that failed.
void print_members(engine& e, plan::report const& r, std::string const& group,
                   gateway_view const& g) {
  std::map<std::string, std::vector<cell>> rows;
  for (auto const& m : r.members)
    if (m.failure) rows[m.name] = {m.name, m.runtime, cell("failed", tone::bad), "0", ""};
  std::size_t members = 0;
  if (auto const views = e.list(group))
    for (auto const& view : *views) {
      ++members;
      auto const& record = view.record;
      rows.try_emplace(
          record.name,
          std::vector<cell>{record.name, record.runtime, readiness_cell(record.readiness),
                            names_text(record.tools, 60), url_text(g, record.name)});
    }
  table t({"NAME", "RUNTIME", "STATUS", "TOOLS", "URL"});
  for (auto& [name, row] : rows) t.add(std::move(row));
  t.print();
  print(closing_sentence(r, group, members));
}

int run_group(session& s, options const& o) {
  auto const settings = s.configuration();
  if (!settings) return failed(settings.error());
  if (auto const fine = options_of(o.change, **settings, {}); !fine)
    return wrong_usage(fine.error());
  auto const sources = registry_sources(s, o.registries);
  if (!sources) return failed(sources.error());
  auto const documents = load_registries(s, *sources);
  if (!documents) return failed(documents.error());
  auto const found = registry::find_group(*documents, o.names.front());
  if (!found) return failed(found.error());

  group_run_request request;
  request.group = *found->group;
  request.origin = found->document->origin;
  request.as = o.as.value_or("");
  request.prefix = o.prefix.value_or("");
  request.prune = o.prune;
  request.reclaim = o.reclaim;
  auto targets = registry::parse_targets(o.targets, registry::member_names(request.group));
  if (!targets) return wrong_usage(targets.error());
  request.targets = *std::move(targets);
  auto const name = request.as.empty() ? slug(request.group.name) : request.as;
  auto const table = (*settings)->groups.find(name);
  if (o.runtime)
    request.runtime = *o.runtime;
  else if (table != (*settings)->groups.end())
    request.runtime = table->second.runtime.value_or("");

  return with_engine(s, o.change, name, [&](engine& e, change_options const& how) {
    auto const go = confirm_prune(e, request, how, o.change.yes);
    if (!go) return failed(go.error());
    if (!*go) {
      say("Cancelled; nothing was changed.\n");
      return 0;
    }
    auto const report =
        carry_out(s, how, [&](change_options const& with) { return e.group_run(request, with); });
    return finish(
        s, report, o.change, fmt::format("group '{}'", name),
        [&](plan::report const& r, gateway_view const& g) { print_members(e, r, name, g); });
  });
}

}  // namespace

command group_run_command() {
  auto o = std::make_shared<options>();
  command c;
  c.name = "run";
  c.summary = "Run all servers of a registry group";
  c.details =
      "Validates everything, deploys the members at the same time, and proves each ready by a "
      "real\n"
      "MCP exchange. If one fails, what this command did is undone, unless --keep-going. Run "
      "again,\n"
      "it changes only what differs.";
  c.example =
      "thv-engine group run mobile-app-team-toolkit --registry ./registry.json\n"
      "thv-engine group run dev --secret k8s_token,target=k8s.TOKEN --env api-server.DEBUG=true\n"
      "thv-engine group run toolkit --as staging --prefix staging-";
  c.words = {"NAME", 1, 1, &o->names, completes::registry_groups};
  c.flags = {
      registry_flag(o->registries),
      {"-e, --env", "SERVER.KEY=VALUE", "environment variable of a member", &o->targets.env},
      {"--env-file", "FILE", "file with SERVER.KEY=VALUE lines", &o->targets.env_files,
       completes::files},
      {"--secret", "NAME,target=SERVER.TARGET[,as=file]",
       "give a member the value of the secret NAME (THV_SECRET_NAME), or a file's path",
       &o->targets.secrets},
      {"--as", "GROUP", "run it as a group of this name", &o->as},
      {"--prefix", "TEXT", "put this before every member's name", &o->prefix},
      {"--runtime", "NAME", "runtime for members that name none", &o->runtime, completes::runtimes},
      {"--keep-going", "", "keep the members that run when another fails", &o->change.keep_going},
      {"--prune", "", "delete members that left the registry group", &o->prune},
      {"--reclaim", "", "take back members that were moved to another group", &o->reclaim},
      parallel_flag(o->change),
      timeout_flag(o->change),
      dry_run_flag(o->change),
      yes_flag(o->change.yes),
      format_flag(o->change.format),
  };
  c.run = [o](session& s) { return run_group(s, *o); };
  return c;
}

}  // namespace thv::cli
