// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <thv/engine/secret_use.hpp>
#include "../ask.hpp"

#include "../change.hpp"
#include "../output.hpp"
#include "commands.hpp"

namespace thv::cli {

namespace {

struct options {
  std::vector<std::string> names;
  bool keep = false;          ///< members move to `default`
  bool with_members = false;  ///< of `group rm`
  bool forget = false;
  change_flags change;
};

std::string warning_text(std::string const& group, std::vector<std::string> const& members,
                         bool keep) {
  auto text = fmt::format(
      "⚠️  WARNING: This will delete group '{}' and {}\n", group,
      keep ? "move all workloads to the 'default' group" : "DELETE all workloads belonging to it.");
  text += fmt::format("   The following {} workload(s) will be affected:\n", members.size());
  for (auto const& name : members)
    text += fmt::format("   - {} ({})\n", name,
                        keep ? "will be moved to the 'default' group" : "will be DELETED");
  return text;
}

/// Asks once when there are members. False: the user said no.
result<bool> confirm(engine& e, delete_group_request const& request, change_options how, bool yes) {
  if (yes || how.dry_run) return true;
  how.dry_run = true;
  THV_TRY(auto const planned, e.delete_group(request, how));
  std::vector<std::string> members;
  for (auto const& m : workloads_of(planned)) members.push_back(m.name);
  for (auto const& step : planned.planned.operations)
    if (!std::holds_alternative<plan::delete_group>(step.action)) members.push_back(step.subject);
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  if (members.empty()) return true;
  if (!can_ask())
    return fail(errc::invalid_argument,
                fmt::format("group '{}' has {}, which would be {}: {}", request.name,
                            counted(members.size(), "member"),
                            request.keep_workloads ? "moved to 'default'" : "deleted",
                            fmt::join(members, ", ")),
                "repeat the command with --yes");
  say(warning_text(request.name, members, request.keep_workloads));
  return ask_yes_no(fmt::format("{}Are you sure you want to continue? [y/N]: ",
                                request.keep_workloads ? "" : "This action cannot be undone. "));
}

int delete_group(session& s, options const& o, bool keep) {
  auto const settings = s.configuration();
  if (!settings) return failed(settings.error());
  delete_group_request const request{o.names.front(), keep, o.forget};
  auto const how = options_of(o.change, **settings, request.name);
  if (!how) return wrong_usage(how.error());
  auto engine = o.change.dry_run ? s.reading_engine() : s.changing_engine();
  if (!engine) return failed(engine.error());
  auto const go = confirm(**engine, request, *how, o.change.yes);
  if (!go) return failed(go.error());
  if (!*go) {
    say("Group deletion cancelled.\n");
    return 0;
  }
  auto const report = carry_out(
      s, *how, [&](change_options const& with) { return (*engine)->delete_group(request, with); });
  return finish(s, report, o.change, fmt::format("deleting group '{}'", request.name));
}

command deletion(std::shared_ptr<options> const& o) {
  command c;
  c.words = {"NAME", 1, 1, &o->names, completes::groups};
  c.flags = {
      {"--forget", "", "drop what a runtime that is gone for good still holds", &o->forget},
      dry_run_flag(o->change),
      yes_flag(o->change.yes),
      format_flag(o->change.format),
  };
  return c;
}

struct move_options {
  std::vector<std::string> names;
  std::optional<std::string> from;
  std::optional<std::string> to;
  change_flags change;
};

/// A group may have values of its own: who has moved there runs on with those it was started with.
void note_kept_secrets(session& s, plan::report const& r, std::string const& to) {
  auto const access = s.secrets();
  if (!access || (*access)->provider() == "environment") return;
  for (auto const& step : r.planned.operations) {
    if (!std::holds_alternative<plan::move_workload>(step.action)) continue;
    auto const record = s.store().workload(step.subject);
    if (record && *record && !secrets_of((*record)->config).empty())
      say_note(
          fmt::format("'{0}' runs on with its secrets; 'thv-engine restart {0}' gives it those "
                      "of group '{1}', where that has others",
                      step.subject, to));
  }
}

int move_workloads(session& s, move_options const& o) {
  if (!o.to)
    return wrong_usage(fail(errc::invalid_argument, "required flag(s) \"to\" not set",
                            "usage: thv-engine group move WORKLOAD... --from GROUP --to GROUP"));
  auto const settings = s.configuration();
  if (!settings) return failed(settings.error());
  auto const how = options_of(o.change, **settings, *o.to);
  if (!how) return wrong_usage(how.error());
  auto engine = o.change.dry_run ? s.reading_engine() : s.changing_engine();
  if (!engine) return failed(engine.error());
  move_request const request{o.names, o.from.value_or(""), *o.to};
  auto const report = carry_out(
      s, *how, [&](change_options const& with) { return (*engine)->move(request, with); });
  return finish(s, report, o.change, "moving", [&](plan::report const& r, gateway_view const&) {
    for (auto const& step : r.planned.operations) {
      if (std::holds_alternative<plan::create_group>(step.action))
        print(fmt::format("Created group '{}'.\n", step.subject));
      if (auto const* move = std::get_if<plan::move_workload>(&step.action))
        print(fmt::format("Moved '{}' from group '{}' to '{}'.\n", step.subject, move->from,
                          move->to));
    }
    for (auto const& name : r.planned.unchanged)
      print(fmt::format("'{}' is in group '{}' already.\n", name, *o.to));
    note_kept_secrets(s, r, *o.to);
  });
}

}  // namespace

command group_delete_command() {
  auto o = std::make_shared<options>();
  auto c = deletion(o);
  c.name = "delete";
  c.summary = "Delete a group and all its members";
  c.details =
      "Stops and removes every member, then the group. Asks once when there are members; without "
      "a\n"
      "terminal it refuses unless --yes.";
  c.example =
      "thv-engine group delete data-pipeline\n"
      "thv-engine group delete data-pipeline --keep-workloads --yes";
  c.flags.insert(
      c.flags.begin(),
      {"--keep-workloads", "", "move the members to 'default' instead of deleting them", &o->keep});
  c.run = [o](session& s) { return delete_group(s, *o, o->keep); };
  return c;
}

command group_rm_command() {
  auto o = std::make_shared<options>();
  auto c = deletion(o);
  c.name = "rm";
  c.summary = "Remove a group; its members move to 'default'";
  c.example =
      "thv-engine group rm data-pipeline\nthv-engine group rm data-pipeline --with-workloads";
  c.flags.insert(c.flags.begin(), {"--with-workloads", "",
                                   "delete the members instead of moving them", &o->with_members});
  c.run = [o](session& s) { return delete_group(s, *o, !o->with_members); };
  return c;
}

command group_move_command() {
  auto o = std::make_shared<move_options>();
  command c;
  c.name = "move";
  c.summary = "Move workloads to another group";
  c.details = "Nothing is restarted. A group that is missing is created.";
  c.example = "thv-engine group move server1 --from data-pipeline --to development";
  c.words = {"WORKLOAD...", 1, any_number, &o->names, completes::workloads};
  c.flags = {
      {"--from", "GROUP", "the group they are in; an error if they are not", &o->from,
       completes::groups},
      {"--to", "GROUP", "the group they go to", &o->to, completes::groups},
      dry_run_flag(o->change),
      format_flag(o->change.format),
  };
  c.run = [o](session& s) { return move_workloads(s, *o); };
  return c;
}

}  // namespace thv::cli
