// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <thv/engine/requests.hpp>
#include <thv/plan/report.hpp>

#include "command.hpp"
#include "gateway_access.hpp"
#include "session.hpp"

// What all commands that change something have in common: their flags, progress, Ctrl-C, and how
// the outcome is told.
namespace thv::cli {

/// Values of the flags that several changing commands take.
struct change_flags {
  bool dry_run = false;
  bool keep_going = false;
  bool yes = false;
  std::optional<std::string> parallel;
  std::optional<std::string> timeout;
  std::optional<std::string> format;

  [[nodiscard]] bool json() const { return format == "json"; }
};

[[nodiscard]] flag format_flag(std::optional<std::string>& into,
                               std::vector<std::string> choices = {"text", "json"});
[[nodiscard]] flag yes_flag(bool& into);
[[nodiscard]] flag dry_run_flag(change_flags& into);
[[nodiscard]] flag parallel_flag(change_flags& into);
[[nodiscard]] flag timeout_flag(change_flags& into);

/// The flags as options of the engine, over what `[groups.NAME]` says of the group.
[[nodiscard]] result<change_options> options_of(change_flags const& flags,
                                                config::configuration const& settings,
                                                std::string const& group);

/// Whole number from `least` to `most`; the error names the flag.
[[nodiscard]] result<int> number_of(std::string const& flag, std::string const& text, int least,
                                    int most);

/// Readies an engine, one that only plans for a dry run, and what the flags and `[groups.NAME]` say
/// for `work`, which gives the exit status; or says what is wrong.
[[nodiscard]] int with_engine(session& s, change_flags const& flags, std::string const& group,
                              std::function<int(engine&, change_options const&)> const& work);

/// Carries a change out: shows its progress, lets Ctrl-C undo it. Leaves `options` with a token and
/// a sink of its own.
using change = std::function<result<plan::report>(change_options const&)>;
[[nodiscard]] result<plan::report> carry_out(session& s, change_options options,
                                             change const& what);

/// Prints an error that stopped a command, and gives its exit status: 2 for a wrong command line.
[[nodiscard]] int failed(error const& e);
[[nodiscard]] int wrong_usage(error const& e);

/// {code, message, …} for programs.
[[nodiscard]] boost::json::object error_json(error const& e);

/// What went wrong, was undone or left over, and what the user should know, on standard error.
void say_report(plan::report const& r, std::string const& what);

/// The report for programs: {status, group, members, plan, repairs}.
[[nodiscard]] boost::json::object report_json(plan::report const& r, gateway_view const& g);

/// Lets the gateway know what has changed, tells the outcome and gives the exit status. `what`
/// names the command's object: "group 'x'". In text, `on_success` prints what there is to print
/// when all went well; in JSON, the report has the members of `more` too.
[[nodiscard]] int finish(
    session& s, result<plan::report> const& r, change_flags const& flags, std::string const& what,
    std::function<void(plan::report const&, gateway_view const&)> const& on_success = {},
    boost::json::object const& more = {});

/// Members of the report that are workloads.
[[nodiscard]] std::vector<plan::member_report> workloads_of(plan::report const& r);

}  // namespace thv::cli
