// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "../change.hpp"
#include "../output.hpp"
#include "commands.hpp"

// stop, start, restart and rm: verbs on named workloads, on a group's members, or on all.
namespace thv::cli {

namespace {

struct options {
  std::vector<std::string> names;
  bool all = false;
  std::optional<std::string> group;
  bool forget = false;
  change_flags change;

  [[nodiscard]] bool bulk() const { return all || group.has_value(); }
  [[nodiscard]] selection which() const { return {names, group, all}; }
};

command verb(std::shared_ptr<options> const& o, std::string name, std::string all_names) {
  command c;
  c.name = std::move(name);
  c.words = {"NAME...", 0, any_number, &o->names, completes::workloads};
  c.flags = {
      {std::move(all_names), "", "all workloads", &o->all},
      {"-g, --group", "GROUP", "all members of this group", &o->group, completes::groups},
      dry_run_flag(o->change),
      format_flag(o->change.format),
  };
  return c;
}

/// ToolHive's rules: names, or one of the flags.
result<void> check_selection(options const& o, std::string const& verb) {
  bool const starts = verb == "start" || verb == "restart";
  auto const wrong = [](std::string text, std::string hint) {
    return fail(errc::invalid_argument, std::move(text), std::move(hint));
  };
  if (o.all && o.group)
    return wrong(
        "if any flags in the group [all group] are set none of the others can be; [all group] were "
        "all set",
        "use one of them");
  if (o.bulk() && !o.names.empty())
    return starts ? wrong("cannot specify both flags and workload name",
                          "remove the workload name or the flags")
                  : wrong("no arguments should be provided when --all or --group flag is set",
                          "remove the workload names or the flags");
  if (!o.bulk() && o.names.empty())
    return starts ? wrong("must specify either --all flag, --group flag, or workload name",
                          fmt::format("use 'thv-engine {} <name>' or 'thv-engine {} --all'", verb,
                                      verb))
                  : wrong("at least one workload name must be provided",
                          fmt::format("use 'thv-engine list --all' to see available workloads, or "
                                      "'thv-engine {} --all'",
                                      verb));
  return {};
}

std::string nothing_text(options const& o, std::string const& verb) {
  if (verb == "stop")
    return o.group ? fmt::format("No running MCP servers found in group '{}'", *o.group)
                   : "No running MCP servers found";
  if (verb == "rm")
    return o.group ? fmt::format("No workloads found in group '{}'", *o.group)
                   : "No running workloads to delete";
  return o.group ? fmt::format("No workloads found in group '{}' to {}", *o.group, verb)
                 : fmt::format("No workloads found to {}", verb);
}

/// Names that no workload has are no error of `stop`: there is nothing of them that runs.
result<void> drop_unknown(engine& e, options& o) {
  if (o.bulk()) return {};
  THV_TRY(auto const views, e.list());
  std::erase_if(o.names, [&](std::string const& name) {
    bool const known = std::any_of(views.begin(), views.end(),
                                   [&](auto const& view) { return view.record.name == name; });
    if (!known) say_warning(fmt::format("workload '{}' does not exist", name));
    return !known;
  });
  return {};
}

void print_outcome(options const& o, std::string const& verb, plan::report const& r) {
  auto const members = workloads_of(r);
  if (members.empty() || (o.bulk() && verb == "stop" && r.planned.empty())) {
    print(nothing_text(o, verb) + "\n");
    return;
  }
  if (verb == "stop" && !r.planned.unchanged.empty() && !o.bulk())
    print("one or more workloads are not running\n");
  if ((verb == "start" || verb == "restart") && o.bulk()) {
    auto const bad = std::count_if(members.begin(), members.end(),
                                   [](auto const& m) { return m.failure.has_value(); });
    print(fmt::format("Restart summary: {} succeeded, {} failed\n",
                      static_cast<long>(members.size()) - bad, bad));
  }
}

using act = std::function<result<plan::report>(engine&, options const&, change_options const&)>;

int carry_out_verb(session& s, options o, std::string const& verb, act const& what) {
  if (auto const fine = check_selection(o, verb); !fine) return wrong_usage(fine.error());
  return with_engine(s, o.change, o.group.value_or(""), [&](engine& e, change_options const& how) {
    if (verb == "stop") {
      if (auto const known = drop_unknown(e, o); !known) return failed(known.error());
      if (!o.bulk() && o.names.empty()) return 0;
    }
    auto const report =
        carry_out(s, how, [&](change_options const& with) { return what(e, o, with); });
    return finish(s, report, o.change, verb,
                  [&](plan::report const& r, gateway_view const&) { print_outcome(o, verb, r); });
  });
}

}  // namespace

command stop_command() {
  auto o = std::make_shared<options>();
  auto c = verb(o, "stop", "-a, --all");
  c.summary = "Stop running MCP servers";
  c.details = "Names that are unknown or do not run are no error.";
  c.example = "thv-engine stop fetch\nthv-engine stop --group data-pipeline";
  c.run = [o](session& s) {
    return carry_out_verb(s, *o, "stop",
                          [](engine& e, options const& w, change_options const& how) {
                            return e.stop(w.which(), how);
                          });
  };
  return c;
}

command start_command() {
  auto o = std::make_shared<options>();
  auto c = verb(o, "start", "-a, --all");
  c.summary = "Start stopped MCP servers and prove them ready";
  c.details = "Servers that run already are left as they are.";
  c.example = "thv-engine start fetch\nthv-engine start --all";
  c.flags.push_back(timeout_flag(o->change));
  c.run = [o](session& s) {
    return carry_out_verb(s, *o, "start",
                          [](engine& e, options const& w, change_options const& how) {
                            return e.start(w.which(), how);
                          });
  };
  return c;
}

command restart_command() {
  auto o = std::make_shared<options>();
  auto c = verb(o, "restart", "-a, --all");
  c.summary = "Stop and start MCP servers";
  c.example = "thv-engine restart fetch\nthv-engine restart --group data-pipeline";
  c.flags.push_back(timeout_flag(o->change));
  c.run = [o](session& s) {
    return carry_out_verb(s, *o, "restart",
                          [](engine& e, options const& w, change_options const& how) {
                            return e.restart(w.which(), how);
                          });
  };
  return c;
}

command rm_command() {
  auto o = std::make_shared<options>();
  auto c = verb(o, "rm", "--all");
  c.summary = "Stop and remove MCP servers";
  c.details = "Their group stays. Does not ask.";
  c.example = "thv-engine rm fetch\nthv-engine rm --group data-pipeline";
  c.flags.push_back(
      {"--forget", "", "drop what a runtime that is gone for good still holds", &o->forget});
  c.run = [o](session& s) {
    return carry_out_verb(s, *o, "rm", [](engine& e, options const& w, change_options const& how) {
      return e.remove(w.which(), w.forget, how);
    });
  };
  return c;
}

}  // namespace thv::cli
