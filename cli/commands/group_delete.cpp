// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <thv/engine/secret_use.hpp>
#include "../ask.hpp"

#include "../change.hpp"
#include "../output.hpp"
#include "commands.hpp"
#include "group_secrets.hpp"
#include "secret.hpp"

namespace thv::cli {

namespace {

struct options {
  std::vector<std::string> names;
  bool keep = false;          ///< members move to `default`
  bool with_members = false;  ///< of `group rm`
  bool forget = false;
  bool secrets = false;
  std::optional<std::string> passphrase_file;
  change_flags change;
};

std::string warning_text(std::string const& group, std::vector<std::string> const& members,
                         bool keep, std::vector<std::string> const& secrets) {
  auto text = fmt::format(
      "⚠️  WARNING: This will delete group '{}' and {}\n", group,
      keep ? "move all workloads to the 'default' group" : "DELETE all workloads belonging to it.");
  if (!members.empty())
    text += fmt::format("   The following {} workload(s) will be affected:\n", members.size());
  for (auto const& name : members)
    text += fmt::format("   - {} ({})\n", name,
                        keep ? "will be moved to the 'default' group" : "will be DELETED");
  if (!secrets.empty())
    text += fmt::format("   The following {} secret(s) will be DELETED: {}\n", secrets.size(),
                        fmt::join(secrets, ", "));
  return text;
}

/// Asks once when there are members, or secrets to delete. False: the user said no.
result<bool> confirm(engine& e, delete_group_request const& request, change_options how, bool yes,
                     std::vector<std::string> const& secrets) {
  if (yes || how.dry_run) return true;
  how.dry_run = true;
  THV_TRY(auto const planned, e.delete_group(request, how));
  std::vector<std::string> members;
  for (auto const& m : workloads_of(planned)) members.push_back(m.name);
  for (auto const& step : planned.planned.operations)
    if (!std::holds_alternative<plan::delete_group>(step.action)) members.push_back(step.subject);
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  if (members.empty() && secrets.empty()) return true;
  if (!can_ask()) {
    std::vector<std::string> parts;
    if (!members.empty())
      parts.push_back(fmt::format("{}, which would be {}: {}", counted(members.size(), "member"),
                                  request.keep_workloads ? "moved to 'default'" : "deleted",
                                  fmt::join(members, ", ")));
    if (!secrets.empty())
      parts.push_back(fmt::format("{}, which would be deleted: {}",
                                  counted(secrets.size(), "secret"), fmt::join(secrets, ", ")));
    return fail(errc::invalid_argument,
                fmt::format("group '{}' has {}", request.name, fmt::join(parts, "; and ")),
                "repeat the command with --yes");
  }
  say(warning_text(request.name, members, request.keep_workloads, secrets));
  bool const undoable = request.keep_workloads && secrets.empty();
  return ask_yes_no(fmt::format("{}Are you sure you want to continue? [y/N]: ",
                                undoable ? "" : "This action cannot be undone. "));
}

/// After the members: their values go only when everything else has gone.
void settle_secrets(session& s, options const& o, plan::report const& r, group_secrets& secrets) {
  auto const& group = o.names.front();
  if (r.dry_run) {
    secrets.is = group_secrets::fate::planned;
    return;
  }
  if (r.status != plan::completion::done) return;
  if (o.secrets)
    delete_secrets(s, group, secrets);
  else
    secrets = secrets_left(s, group);
}

int delete_group(session& s, options const& o, bool keep, engine& e, change_options const& how) {
  delete_group_request const request{o.names.front(), keep, o.forget};
  // Nobody is asked for the key of the secrets of a group that there is not.
  auto const known = s.store().group(request.name);
  bool const deletes_secrets = o.secrets && known && *known;
  auto secrets = deletes_secrets ? secrets_to_delete(s, request.name, o.passphrase_file)
                                 : result<group_secrets>(group_secrets());
  if (!secrets) return failed(secrets.error());
  auto const go = confirm(e, request, how, o.change.yes, secrets->names);
  if (!go) return failed(go.error());
  if (!*go) {
    say("Group deletion cancelled.\n");
    return 0;
  }
  auto const report =
      carry_out(s, how, [&](change_options const& with) { return e.delete_group(request, with); });
  if (report) settle_secrets(s, o, *report, *secrets);
  boost::json::object more;
  if (o.secrets || !secrets->names.empty()) more["secrets"] = to_json(*secrets);
  auto const status =
      finish(s, report, o.change, fmt::format("deleting group '{}'", request.name), {}, more);
  if (report) tell(*secrets, request.name, !o.change.json());
  bool const failed_after = secrets->is == group_secrets::fate::failed;
  return status == 0 && failed_after ? static_cast<int>(plan::completion::partly_done) : status;
}

int delete_group(session& s, options const& o, bool keep) {
  return with_engine(s, o.change, o.names.front(), [&](engine& e, change_options const& how) {
    return delete_group(s, o, keep, e, how);
  });
}

command deletion(std::shared_ptr<options> const& o) {
  command c;
  c.words = {"NAME", 1, 1, &o->names, completes::groups};
  c.flags = {
      {"--secrets", "", "delete the group's own secrets too, when everything else is gone",
       &o->secrets},
      passphrase_file_flag(o->passphrase_file),
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

void print_moves(session& s, plan::report const& r, std::string const& to) {
  for (auto const& step : r.planned.operations) {
    if (std::holds_alternative<plan::create_group>(step.action))
      print(fmt::format("Created group '{}'.\n", step.subject));
    if (auto const* move = std::get_if<plan::move_workload>(&step.action))
      print(
          fmt::format("Moved '{}' from group '{}' to '{}'.\n", step.subject, move->from, move->to));
  }
  for (auto const& name : r.planned.unchanged)
    print(fmt::format("'{}' is in group '{}' already.\n", name, to));
  note_kept_secrets(s, r, to);
}

int move_workloads(session& s, move_options const& o) {
  if (!o.to)
    return wrong_usage(fail(errc::invalid_argument, "required flag(s) \"to\" not set",
                            "usage: thv-engine group move WORKLOAD... --from GROUP --to GROUP"));
  move_request const request{o.names, o.from.value_or(""), *o.to};
  return with_engine(s, o.change, *o.to, [&](engine& e, change_options const& how) {
    auto const report =
        carry_out(s, how, [&](change_options const& with) { return e.move(request, with); });
    return finish(s, report, o.change, "moving",
                  [&](plan::report const& r, gateway_view const&) { print_moves(s, r, *o.to); });
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
      "terminal it refuses unless --yes. Secrets that were set for the group alone are kept, "
      "unless\n"
      "--secrets.";
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
