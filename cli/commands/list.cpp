// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include <thv/engine/secret_use.hpp>

#include "../change.hpp"
#include "../client_access.hpp"
#include "../output.hpp"
#include "../views.hpp"
#include "commands.hpp"

namespace thv::cli {

namespace {

bool has_labels(workload_view const& view, std::map<std::string, std::string> const& wanted) {
  auto const& labels = view.record.config.container_labels;
  return std::all_of(wanted.begin(), wanted.end(), [&](auto const& label) {
    auto const found = labels.find(label.first);
    return found != labels.end() && found->second == label.second;
  });
}

/// Those that would run if they could have their secrets.
std::set<std::string> waiting_for_secrets(session& s, std::vector<workload_view> const& views) {
  std::set<std::string> names;
  for (auto const& view : views)
    if (view.state != workload_state::running && view.record.wanted_running &&
        !secrets_of(view.record.config).empty())
      names.insert(view.record.name);
  if (names.empty()) return names;
  auto const g = look_at_gateway(s);
  std::erase_if(names, [&](auto const& name) { return !g || waits_for(*g, name).empty(); });
  return names;
}

void print_text(std::vector<workload_view> const& views, std::optional<std::string> const& group,
                gateway_view const& g) {
  if (!views.empty())
    print_workloads(views, g);
  else if (group)
    print(fmt::format("No MCP servers found in group '{}'\n", *group));
  else
    print("No MCP servers found\n");
}

struct options {
  bool all = false;
  std::optional<std::string> format;
  std::optional<std::string> group;
  std::vector<std::string> labels;
};

}  // namespace

int list_workloads(session& s, listing const& wanted) {
  auto const labels = parse_labels(wanted.labels);
  if (!labels) return wrong_usage(labels.error());
  auto engine = s.reading_engine();
  if (!engine) return failed(engine.error());
  auto views = (*engine)->list(wanted.group);
  if (!views) return failed(views.error());
  auto const waiting = wanted.all ? std::set<std::string>() : waiting_for_secrets(s, *views);
  std::erase_if(*views, [&](auto const& view) {
    bool const serves = view.state == workload_state::running || view.sleeps() ||
                        waiting.contains(view.record.name);
    return (!wanted.all && !serves) || !has_labels(view, *labels);
  });
  auto const g = views->empty() ? gateway_view() : gateway_for_listing(s);
  if (wanted.format == "json") {
    boost::json::array out;
    for (auto const& view : *views) out.push_back(workload_json(view, g));
    print(pretty(out));
  } else if (wanted.format == "mcpservers") {
    auto const address = address_of(s, g.url);
    if (!address) return failed(address.error());
    std::vector<std::string> names;
    for (auto const& view : *views) names.push_back(view.record.name);
    print(pretty(mcp_servers_json(names, *address)));
  } else {
    print_text(*views, wanted.group, g);
  }
  return 0;
}

command list_command() {
  auto o = std::make_shared<options>();
  command c;
  c.name = "list";
  c.aliases = {"ls"};
  c.summary = "List MCP servers, the running ones or all";
  c.example =
      "thv-engine list --all\n"
      "thv-engine list --group data-pipeline --format json";
  c.flags = {
      {"-a, --all", "", "also those that do not run", &o->all},
      {"--group", "GROUP", "only the members of this group", &o->group, completes::groups},
      {"-l, --label", "KEY=VALUE", "only those with this label", &o->labels},
      format_flag(o->format, {"json", "text", "mcpservers"}),
  };
  c.run = [o](session& s) {
    return list_workloads(s, {o->group, o->all, o->labels, o->format.value_or("text")});
  };
  return c;
}

}  // namespace thv::cli
