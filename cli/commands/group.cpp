// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "../change.hpp"
#include "../output.hpp"
#include "../progress.hpp"
#include "../views.hpp"
#include "commands.hpp"

namespace thv::cli {

namespace {

boost::json::object group_json(store::group_record const& group) {
  boost::json::object out{{"name", group.name}};
  if (!group.title.empty()) out["title"] = group.title;
  if (!group.registry.empty()) out["registry"] = group.registry;
  if (!group.registry_group.empty()) out["registry_group"] = group.registry_group;
  out["created_at"] = rfc3339(group.created_at);
  return out;
}

command group_create_command() {
  auto o = std::make_shared<std::vector<std::string>>();
  command c;
  c.name = "create";
  c.summary = "Create an empty group";
  c.example = "thv-engine group create data-pipeline";
  c.words = {"NAME", 1, 1, o.get()};
  c.run = [o](session& s) {
    auto engine = s.changing_engine();
    if (!engine) return failed(engine.error());
    progress_display progress(wants_live_progress(), s.debug());
    change_options how;
    how.on_progress = progress.sink();
    auto const created = (*engine)->create_group(o->front(), how);
    progress.clear();
    return created ? 0 : failed(created.error());
  };
  return c;
}

struct list_options {
  std::vector<std::string> names;
  std::optional<std::string> format;
};

int list_groups(session& s, bool json) {
  auto engine = s.reading_engine();
  if (!engine) return failed(engine.error());
  auto const groups = (*engine)->groups();
  if (!groups) return failed(groups.error());
  if (json) {
    boost::json::array out;
    for (auto const& group : *groups) out.push_back(group_json(group));
    print(pretty(out));
    return 0;
  }
  table t({"NAME"});
  for (auto const& group : *groups) t.add({group.name});
  t.print();
  return 0;
}

command group_list_command() {
  auto o = std::make_shared<list_options>();
  command c;
  c.name = "list";
  c.aliases = {"ls"};
  c.summary = "List all groups, or the members of one";
  c.example = "thv-engine group list\nthv-engine group list data-pipeline --format json";
  c.words = {"[NAME]", 0, 1, &o->names, completes::groups};
  c.flags = {format_flag(o->format)};
  c.run = [o](session& s) {
    if (o->names.empty()) return list_groups(s, o->format == "json");
    return list_workloads(s, {o->names.front(), true, {}, o->format.value_or("text")});
  };
  return c;
}

std::string ready_text(workload_view const& view) {
  return view.ready ? "yes" : view.state == workload_state::running ? "not yet" : "no";
}

void print_group(group_view const& group, gateway_view const& g) {
  std::vector<std::pair<std::string, std::string>> lines{{"Name", group.record.name}};
  if (!group.record.title.empty()) lines.emplace_back("Title", group.record.title);
  if (!group.record.registry.empty()) lines.emplace_back("Registry", group.record.registry);
  if (group.record.created_at != 0)
    lines.emplace_back("Created", short_time(group.record.created_at));
  lines.emplace_back("Members", std::to_string(group.members.size()));
  print(key_values(lines));
  if (group.members.empty()) return;
  print("\n");
  table t({"NAME", "RUNTIME", "STATUS", "READY", "TOOLS", "URL"});
  for (auto const& view : group.members)
    t.add({view.record.name, view.record.runtime, status_cell(view, g), ready_text(view),
           names_text(view.record.tools, 60), url_text(g, view.record.name)});
  t.print();
}

command group_show_command() {
  auto o = std::make_shared<list_options>();
  command c;
  c.name = "show";
  c.summary = "Show a group and its members";
  c.example = "thv-engine group show data-pipeline";
  c.words = {"NAME", 1, 1, &o->names, completes::groups};
  c.flags = {format_flag(o->format)};
  c.run = [o](session& s) {
    auto engine = s.reading_engine();
    if (!engine) return failed(engine.error());
    auto const group = (*engine)->show_group(o->names.front());
    if (!group) return failed(group.error());
    auto const g = group->members.empty() ? gateway_view() : gateway_for_listing(s);
    if (o->format == "json") {
      auto out = group_json(group->record);
      boost::json::array members;
      for (auto const& view : group->members) members.push_back(workload_json(view, g));
      out["members"] = std::move(members);
      print(pretty(out));
    } else {
      print_group(*group, g);
    }
    return 0;
  };
  return c;
}

}  // namespace

command group_command() {
  command c;
  c.name = "group";
  c.summary = "Manage groups of MCP servers";
  c.details =
      "A group is a set of MCP servers that is run, listed and deleted as one. The group\n"
      "'default' takes every server that is run without a group.";
  c.example =
      "thv-engine group run mobile-app-team-toolkit --registry ./registry.json\n"
      "thv-engine group list";
  c.commands.push_back(group_create_command());
  c.commands.push_back(group_list_command());
  c.commands.push_back(group_show_command());
  c.commands.push_back(group_run_command());
  c.commands.push_back(group_move_command());
  c.commands.push_back(group_delete_command());
  c.commands.push_back(group_rm_command());
  return c;
}

}  // namespace thv::cli
