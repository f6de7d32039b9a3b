// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <iostream>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/array.hpp>

#include <thv/model/names.hpp>

#include "../ask.hpp"
#include "../change.hpp"
#include "../client_access.hpp"
#include "../client_setup.hpp"
#include "../client_views.hpp"
#include "../gateway_start.hpp"
#include "../output.hpp"
#include "commands.hpp"

// client: which MCP clients see which groups.
namespace thv::cli {

namespace {

struct options {
  std::vector<std::string> names;
  std::vector<std::string> groups;
  bool force = false;
  std::optional<std::string> format;

  [[nodiscard]] bool json() const { return format == "json"; }
};

std::vector<std::string> client_names() {
  std::vector<std::string> names;
  for (auto const& k : clients::kinds()) names.emplace_back(k.name);
  return names;
}

/// `--group a,b` and `--group a --group b` are one. errc::invalid_argument where that names none.
result<std::vector<std::string>> split_groups(std::vector<std::string> const& given) {
  std::vector<std::string> groups;
  for (auto const& text : given)
    for (std::size_t from = 0; from <= text.size();) {
      auto const end = std::min(text.find(',', from), text.size());
      if (end > from) groups.push_back(text.substr(from, end - from));
      from = end + 1;
    }
  if (groups.empty() && !given.empty())
    return fail(errc::invalid_argument, "no group is named", "write --group GROUP", "--group");
  return groups;
}

flag group_flag(options& o, std::string help) {
  return {"-g, --group", "GROUP", std::move(help), &o.groups, completes::groups};
}

/// What the commands need of the world: the files, the groups, the gateway.
struct world {
  clients::registrar files;
  clients::membership now;
  clients::gateway_address address;
  gateway_view gateway;
};

result<world> look(session& s, bool changes, bool needs_token) {
  THV_CHECK(changes ? s.changing_engine() : s.reading_engine());
  THV_TRY(auto files, user_clients(s));
  THV_TRY(auto now, membership_of(s));
  THV_TRY(auto g, look_at_gateway(s));
  THV_TRY(auto address, needs_token ? address_of(s, g.url) : address_as_known(s, g.url));
  return world{std::move(files), std::move(now), std::move(address), std::move(g)};
}

/// For commands that only report. Entries are not compared with a token that cannot be had.
result<world> look_to_report(session& s) {
  THV_TRY(auto w, look(s, false, false));
  if (w.address.token_failure)
    say_warning(
        fmt::format("whether entries are up to date is unknown without the gateway's token: {}",
                    to_string(*w.address.token_failure)));
  return w;
}

// ---- list and status --------------------------------------------------------------------------

int show_status(session& s, options const& o) {
  auto const w = look_to_report(s);
  if (!w) return failed(w.error());
  auto views = w->files.view(o.names, w->now, w->address);
  if (!views) return failed(views.error());
  auto const groups = split_groups(o.groups);
  if (!groups) return wrong_usage(groups.error());
  if (auto const known = clients::check_groups(*groups, w->now); !known)
    return failed(known.error());
  if (!groups->empty())
    std::erase_if(*views, [&](auto const& v) {
      return std::none_of(groups->begin(), groups->end(),
                          [&](auto const& g) { return v.groups.contains(g); });
    });
  o.json() ? print_json(*views) : print_status(*views);
  return 0;
}

int list_kinds(session& s, options const& o) {
  auto const w = look(s, false, false);
  if (!w) return failed(w.error());
  auto const views = w->files.view({}, w->now, w->address);
  if (!views) return failed(views.error());
  if (o.json()) {
    print_json(*views);
    return 0;
  }
  table t({"CLIENT", "NAME", "INSTALLED", "FILE"});
  for (auto const& v : *views)
    t.add({std::string(v.what->name), std::string(v.what->title), yes_no(v.installed),
           v.file.string()});
  t.print();
  return 0;
}

int list_registered(session& s, options const& o) {
  auto const w = look(s, false, false);
  if (!w) return failed(w.error());
  auto views = w->files.view({}, w->now, w->address);
  if (!views) return failed(views.error());
  std::erase_if(*views, [](auto const& v) { return v.groups.empty(); });
  if (o.json()) {
    print_json(*views);
    return 0;
  }
  if (views->empty()) {
    print("No clients are currently registered.\n");
    return 0;
  }
  table t({"CLIENT", "GROUPS"});
  for (auto const& v : *views) t.add({std::string(v.what->name), groups_text(v.groups)});
  t.print();
  return 0;
}

// ---- register and remove ----------------------------------------------------------------------

void warn_of_deprecated(std::vector<std::string> const& names) {
  for (auto const& name : names)
    if (auto const k = clients::find_kind(name); k && !(*k)->deprecated.empty())
      say_warning(fmt::format("{} is deprecated: {}", name, (*k)->deprecated));
}

std::string joined(std::vector<std::string> const& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

/// Of clients by number: 1 where none could be done, 3 where some could not.
int status_of(std::size_t all, std::size_t done) {
  if (done == all) return 0;
  return done == 0 ? 1 : 3;
}

/// `closing`: of the clients that all went well with.
int tell(result<std::vector<clients::client_outcome>> const& outcomes, options const& o,
         std::function<std::string(std::string const&)> const& closing) {
  if (!outcomes)
    return outcomes.error().code == errc::invalid_argument ? wrong_usage(outcomes.error())
                                                           : failed(outcomes.error());
  say_outcomes(*outcomes, false);
  std::vector<std::string> done;
  for (auto const& name : o.names)
    if (std::any_of(outcomes->begin(), outcomes->end(),
                    [&](auto const& one) { return one.client == name && !one.failure; }) &&
        std::find(done.begin(), done.end(), name) == done.end())
      done.push_back(name);
  auto const status = status_of(outcomes->size(), done.size());
  if (o.json())
    print(pretty(boost::json::object{{"status", status == 0   ? "done"
                                                : status == 1 ? "failed_undone"
                                                              : "partly_done"},
                                     {"clients", outcomes_json(*outcomes)}}));
  else if (!done.empty())
    print(closing(joined(done)));
  return status;
}

/// Of clients that would keep their file elsewhere by the environment of now.
void say_stays(std::vector<clients::client_outcome> const& all) {
  for (auto const& one : all)
    if (!one.looks_in.empty())
      say_note(
          fmt::format("the entries of {0} are in {1} and stay there; 'client remove {0}' and "
                      "another 'client register {0}' write them to {2}",
                      one.client, one.file.string(), one.looks_in.string()));
}

int register_clients(session& s, options const& o) {
  auto groups = split_groups(o.groups);
  if (!groups) return wrong_usage(groups.error());
  if (groups->empty()) *groups = {"default"};
  for (auto const& name : o.names)
    if (auto const known = clients::find_kind(name); !known) return wrong_usage(known.error());
  warn_of_deprecated(o.names);
  auto const w = look(s, true, true);
  if (!w) return failed(w.error());
  auto const done = w->files.add(within(std::chrono::seconds(10)), o.names, *groups,
                                 situation_at(s, w->address.url), o.force);
  if (done && !w->gateway.running())
    say_note("the gateway does not run; 'thv-engine gateway start' starts it");
  if (done) say_stays(*done);
  return tell(done, o, [&](std::string const& names) {
    return fmt::format("Registered {} with {}: {}\n", names,
                       groups->size() == 1 ? "group" : "groups", joined(*groups));
  });
}

int remove_clients(session& s, options const& o) {
  auto const given = split_groups(o.groups);
  if (!given) return wrong_usage(given.error());
  auto const& groups = *given;
  auto const w = look(s, true, false);
  if (!w) return failed(w.error());
  auto const done = w->files.remove(within(std::chrono::seconds(10)), o.names, groups,
                                    situation_at(s, w->address.url));
  if (done && done->empty()) {
    say_note(fmt::format("{} was not registered", joined(o.names)));
    if (o.json())
      print(pretty(boost::json::object{{"status", "done"}, {"clients", boost::json::array()}}));
    return 0;
  }
  auto const what = groups.empty() ? std::string("all groups")
                                   : fmt::format("{}: {}", groups.size() == 1 ? "group" : "groups",
                                                 joined(groups));
  return tell(done, o, [&](std::string const& names) {
    return fmt::format("Removed {} from {}\n", names, what);
  });
}

// ---- setup ------------------------------------------------------------------------------------

int set_up(session& s, options o) {
  if (!o.names.empty()) return register_clients(s, o);
  if (!can_ask())
    return wrong_usage(fail(errc::invalid_argument, "no client was named, and nobody can be asked",
                            "thv-engine client setup CLIENT --group GROUP; 'thv-engine client "
                            "list' shows the clients"));
  auto const w = look(s, true, true);
  if (!w) return failed(w.error());
  auto const groups = split_groups(o.groups);
  if (!groups) return failed(groups.error());
  o.groups = *groups;
  auto const go = ask_for_setup(w->files, w->now, w->address, o.names, o.groups);
  if (!go) return failed(go.error());
  return *go ? register_clients(s, o) : 0;
}

// ---- show -------------------------------------------------------------------------------------

int show_document(session& s, options const& o) {
  auto const k = clients::find_kind(o.names.front());
  if (!k) return wrong_usage(k.error());
  auto const w = look(s, false, true);
  if (!w) return failed(w.error());
  auto groups = split_groups(o.groups);
  if (!groups) return wrong_usage(groups.error());
  if (groups->empty()) *groups = {"default"};
  if (auto const known = clients::check_groups(*groups, w->now); !known)
    return failed(known.error());
  std::vector<clients::entry> entries;
  for (auto const& one : clients::served_to({groups->begin(), groups->end()}, w->now, w->address))
    entries.push_back({clients::entry_name(**k, one.name), one.url, w->address.token});
  print(clients::document_of(**k, entries));
  return 0;
}

/// What takes clients and lets them see groups.
void take_registration(command& c, std::shared_ptr<options> const& o, std::size_t least) {
  c.words = {"CLIENT...", least, any_number, &o->names, completes::nothing, client_names()};
  c.flags = {group_flag(*o, "the group; several by comma or repeated (default)"),
             {"--force", "", "overwrite entries that others have under the same names", &o->force},
             format_flag(o->format)};
}

command named(std::shared_ptr<options> const& o, std::string name, std::string summary,
              std::string example, int (*run)(session&, options const&)) {
  command c;
  c.name = std::move(name);
  c.summary = std::move(summary);
  c.example = std::move(example);
  c.run = [o, run](session& s) { return run(s, *o); };
  return c;
}

command status_verb() {
  auto o = std::make_shared<options>();
  auto c = named(
      o, "status", "Show which clients see which groups, and what was changed in their files",
      "thv-engine client status\nthv-engine client status --group data-pipeline --format json",
      show_status);
  c.details =
      "ENTRIES: how many servers of the groups stand in the client's file as they should, of how\n"
      "many. What somebody else has changed, removed or put in the way is said below.";
  c.words = {"CLIENT...", 0, any_number, &o->names, completes::nothing, client_names()};
  c.flags = {group_flag(*o, "only clients of this group"), format_flag(o->format)};
  return c;
}

command setup_verb() {
  auto o = std::make_shared<options>();
  command c;
  c.name = "setup";
  c.summary = "Let clients see the servers of a group";
  c.details =
      "Without CLIENT it asks, with what it finds on this machine. With it, it never asks: it is\n"
      "then 'client register'.";
  c.example = "thv-engine client setup claude-code --group data-pipeline\nthv-engine client setup";
  take_registration(c, o, 0);
  c.run = [o](session& s) { return set_up(s, *o); };
  return c;
}

command register_verb() {
  auto o = std::make_shared<options>();
  auto c = named(o, "register", "Write the servers of a group into the files of clients",
                 "thv-engine client register claude-code --group data-pipeline\n"
                 "thv-engine client register cursor vscode --group dev,ops",
                 register_clients);
  c.details =
      "Each server of the group that is ready gets an entry with its URL at the gateway; it comes\n"
      "and goes with the server. Everything else in the file stays as it is, byte for byte, and\n"
      "the file from before the first entry is kept as FILE.thv-backup. An entry of yours with\n"
      "the name of a server is left alone, unless --force.";
  take_registration(c, o, 1);
  return c;
}

command remove_verb() {
  auto o = std::make_shared<options>();
  auto c = named(o, "remove", "Take the servers out of the files of clients again",
                 "thv-engine client remove claude-code\n"
                 "thv-engine client remove cursor --group dev",
                 remove_clients);
  c.details =
      "Without --group from every group; the file is then as it was before. What an entry of ours\n"
      "had overwritten comes back.";
  c.words = {"CLIENT...", 1, any_number, &o->names, completes::nothing, client_names()};
  c.flags = {group_flag(*o, "only from this group; several by comma or repeated"),
             format_flag(o->format)};
  return c;
}

command show_verb() {
  auto o = std::make_shared<options>();
  auto c = named(o, "show", "Print what a client's file would hold for a group",
                 "thv-engine client show claude-code --group data-pipeline", show_document);
  c.details = "For a file that you keep yourself. It holds the gateway's token, if there is one.";
  c.words = {"CLIENT", 1, 1, &o->names, completes::nothing, client_names()};
  c.flags = {group_flag(*o, "the group; several by comma or repeated (default)")};
  return c;
}

}  // namespace

command client_command() {
  command c;
  c.name = "client";
  c.summary = "Let MCP clients see the servers of groups";
  c.example = "thv-engine client setup claude-code --group data-pipeline\nthv-engine client status";
  auto listed = std::make_shared<options>();
  auto list = named(listed, "list", "List the clients whose files we can write",
                    "thv-engine client list --format json", list_kinds);
  list.aliases = {"ls"};
  list.flags = {format_flag(listed->format)};
  auto registered = std::make_shared<options>();
  auto list_registered_verb =
      named(registered, "list-registered", "List registered clients with their groups",
            "thv-engine client list-registered", list_registered);
  list_registered_verb.flags = {format_flag(registered->format)};
  c.commands = {setup_verb(),  register_verb(), remove_verb(),
                status_verb(), std::move(list), std::move(list_registered_verb),
                show_verb()};
  return c;
}

}  // namespace thv::cli
