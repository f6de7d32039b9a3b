// SPDX-License-Identifier: Apache-2.0
#include "change.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/array.hpp>

#include <thv/config/duration.hpp>
#include <thv/config/values.hpp>
#include <thv/plan/plan_text.hpp>

#include "client_access.hpp"
#include "gateway_start.hpp"
#include "interrupt.hpp"
#include "output.hpp"
#include "progress.hpp"

namespace thv::cli {

namespace {

std::string status_word(plan::report const& r) {
  if (r.dry_run) return "planned";
  switch (r.status) {
    case plan::completion::done:
      return "done";
    case plan::completion::failed_undone:
      return "failed_undone";
    case plan::completion::partly_done:
      return "partly_done";
    case plan::completion::rollback_incomplete:
      return "rollback_incomplete";
    case plan::completion::interrupted:
      return "interrupted";
  }
  return "failed_undone";
}

template <class Texts>
boost::json::array texts_json(Texts const& texts) {
  boost::json::array out;
  for (auto const& text : texts) out.push_back(boost::json::value(text));
  return out;
}

boost::json::object member_json(plan::member_report const& m, gateway_view const& g) {
  boost::json::object out{{"name", m.name}, {"outcome", to_string(m.outcome)}};
  if (!m.runtime.empty()) out["runtime"] = m.runtime;
  if (!m.readiness.empty()) {
    out["readiness"] = m.readiness;
    out["url"] = member_url(g, m.name);
  }
  out["tools"] = texts_json(m.tools);
  if (m.failure) out["error"] = error_json(*m.failure);
  if (m.outcome == plan::outcome::failed || m.outcome == plan::outcome::undone ||
      m.outcome == plan::outcome::cancelled)
    out["left"] = to_string(m.left);
  if (!m.log_tail.empty()) out["log_tail"] = texts_json(m.log_tail);
  return out;
}

void say_failure(plan::member_report const& m) {
  auto e = *m.failure;
  e.message = m.name + ": " + e.message;
  say_error(e);
  if (m.log_tail.empty()) return;
  say(fmt::format("  last lines of its log:\n"));
  for (auto const& line : m.log_tail) say("  | " + plain_line(line) + "\n");
}

template <class Wanted>
std::vector<std::string> names_of(plan::report const& r, Wanted const& wanted) {
  std::vector<std::string> names;
  for (auto const& m : workloads_of(r))
    if (wanted(m)) names.push_back(m.name);
  return names;
}

std::vector<std::string> names_left(plan::report const& r, plan::aftermath left) {
  return names_of(r, [&](auto const& m) { return m.left == left; });
}

/// How the members are that the command did not change as it was to; `rest`: what to say when
/// nobody is to be named.
std::string aftermath_text(plan::report const& r, std::string const& rest) {
  auto const stopped = names_left(r, plan::aftermath::stopped);
  auto const uncertain = names_left(r, plan::aftermath::uncertain);
  std::string text;
  if (!stopped.empty())
    text += fmt::format("; {} ran before and {} stopped now", fmt::join(stopped, ", "),
                        stopped.size() == 1 ? "is" : "are");
  if (!uncertain.empty())
    text += fmt::format("; how {} {} now is not known", fmt::join(uncertain, ", "),
                        uncertain.size() == 1 ? "is" : "are");
  return text.empty() ? rest : text;
}

std::string closing_sentence(plan::report const& r, std::string const& what) {
  auto const failures = std::count_if(r.members.begin(), r.members.end(), [](auto const& m) {
    return m.outcome == plan::outcome::failed;
  });
  auto const failed = counted(static_cast<std::size_t>(failures), "member") + " failed";
  auto const undone = names_of(r, [](auto const& m) { return m.outcome == plan::outcome::undone; });
  auto const as_before = aftermath_text(r, "; everything is as it was before");
  switch (r.status) {
    case plan::completion::done:
      return {};
    case plan::completion::failed_undone:
      return fmt::format("{} failed: {}{}{}", what, failed,
                         undone.empty() ? "" : fmt::format(", {} undone", fmt::join(undone, ", ")),
                         as_before);
    case plan::completion::partly_done:
      return fmt::format("{} is partly done: {}, the rest was kept{}", what, failed,
                         aftermath_text(r, {}));
    case plan::completion::rollback_incomplete:
      return r.rollback_failure ? fmt::format("{} failed, and not all of it could be undone{}",
                                              what, aftermath_text(r, {}))
                                : fmt::format("{} failed: {}{}", what, failed, as_before);
    case plan::completion::interrupted:
      return fmt::format("{} was interrupted{}", what, as_before);
  }
  return {};
}

/// What to do about members that do not run any more, or about those that nobody knows of.
std::string closing_hint(plan::report const& r) {
  auto const stopped = names_left(r, plan::aftermath::stopped);
  if (!stopped.empty())
    return fmt::format("'thv-engine start {}' tries again", fmt::join(stopped, " "));
  return names_left(r, plan::aftermath::uncertain).empty()
             ? std::string()
             : "'thv-engine list --all' shows how they are";
}

bool is_up_now(plan::member_report const& m) {
  return m.outcome == plan::outcome::deployed || m.outcome == plan::outcome::replaced ||
         m.outcome == plan::outcome::started || m.outcome == plan::outcome::restarted;
}

/// The gateway after this change. That it could not be told fails no command.
gateway_view settled_gateway(session& s, plan::report const& r) {
  auto g = r.dry_run ? look_at_gateway(s) : settle_gateway(s);
  if (!g) {
    say_warning("the gateway: " + to_string(g.error()));
    g = look_at_gateway(s);
  }
  if (!g) return {};
  if (g->is == gateway_view::state::stopped &&
      std::any_of(r.members.begin(), r.members.end(), is_up_now))
    say_note("the gateway was stopped, so nothing is served; 'thv-engine gateway start' starts it");
  return *std::move(g);
}

}  // namespace

boost::json::object error_json(error const& e) {
  boost::json::object out{{"message", to_string(e)}};
  if (!e.hint.empty()) out["hint"] = e.hint;
  return out;
}

flag format_flag(std::optional<std::string>& into, std::vector<std::string> choices) {
  return {"--format", "FORMAT", "how to print it", &into, completes::nothing, std::move(choices)};
}

flag yes_flag(bool& into) {
  return {"-y, --yes", "", "do not ask", &into};
}

flag dry_run_flag(change_flags& into) {
  return {"--dry-run", "", "print the plan and change nothing", &into.dry_run};
}

flag parallel_flag(change_flags& into) {
  return {"--parallel", "N", "work on at most N members at a time (1 to 64)", &into.parallel};
}

flag timeout_flag(change_flags& into) {
  return {"--timeout", "DURATION",
          "time for a member from its start until it is ready, such as 90s or 2m; pulls and "
          "installs do not count",
          &into.timeout};
}

result<int> number_of(std::string const& flag, std::string const& text, int least, int most) {
  int number = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem == std::errc() && end == text.data() + text.size() && number >= least &&
      number <= most)
    return number;
  return fail(errc::invalid_argument,
              fmt::format("'{}' is no number from {} to {}", text, least, most), {}, flag);
}

result<change_options> options_of(change_flags const& flags, config::configuration const& settings,
                                  std::string const& group) {
  change_options options;
  options.dry_run = flags.dry_run;
  options.keep_going = flags.keep_going;
  if (auto const table = settings.groups.find(group); table != settings.groups.end()) {
    options.parallel = table->second.parallel;
    options.timeout = table->second.timeout;
  }
  if (flags.parallel) {
    THV_TRY(options.parallel, number_of("--parallel", *flags.parallel, 1, 64));
  }
  if (flags.timeout) {
    auto time = config::parse_duration(*flags.timeout);
    if (!time) {
      time.error().where = "--timeout";
      return std::move(time).error();
    }
    options.timeout = *time;
  }
  return options;
}

int with_engine(session& s, change_flags const& flags, std::string const& group,
                std::function<int(engine&, change_options const&)> const& work) {
  auto const settings = s.configuration();
  if (!settings) return failed(settings.error());
  auto const how = options_of(flags, **settings, group);
  if (!how) return wrong_usage(how.error());
  auto const engine = flags.dry_run ? s.reading_engine() : s.changing_engine();
  if (!engine) return failed(engine.error());
  return work(**engine, *how);
}

result<plan::report> carry_out(session& s, change_options options, change const& what) {
  progress_display progress(wants_live_progress(), s.debug());
  interrupt_guard interrupt([&] {
    progress.line(
        "Interrupted: undoing… (once more ends at once and leaves it to the next command)");
  });
  options.stop = interrupt.token();
  if (!options.dry_run) options.on_progress = progress.sink();
  return what(options);
}

int failed(error const& e) {
  say_error(e);
  return exit_status(e);
}

int wrong_usage(error const& e) {
  say_error(e);
  return 2;
}

std::vector<plan::member_report> workloads_of(plan::report const& r) {
  std::set<std::string> workloads(r.planned.unchanged.begin(), r.planned.unchanged.end());
  for (auto const& step : r.planned.operations)
    if (!std::holds_alternative<plan::create_group>(step.action) &&
        !std::holds_alternative<plan::delete_group>(step.action))
      workloads.insert(step.subject);
  std::vector<plan::member_report> members;
  for (auto const& m : r.members)
    if (workloads.contains(m.name)) members.push_back(m);
  return members;
}

void say_report(plan::report const& r, std::string const& what) {
  if (!r.dry_run)
    for (auto const& n : r.planned.notes) {
      auto const text = n.subject.empty() ? n.text : n.subject + ": " + n.text;
      n.warning ? say_warning(text) : say_note(text);
    }
  for (auto const& m : r.members)
    if (m.failure && m.failure->code != errc::cancelled) say_failure(m);
  if (r.failure) say_error(*r.failure);
  if (r.rollback_failure) {
    auto e = *r.rollback_failure;
    e.message = "could not be undone: " + e.message;
    say_error(e);
  }
  auto const closing = closing_sentence(r, what);
  if (!closing.empty()) say_error(fail(errc::internal, closing, closing_hint(r)));
}

boost::json::object report_json(plan::report const& r, gateway_view const& g) {
  boost::json::array members;
  if (!r.dry_run)
    for (auto const& m : workloads_of(r)) members.push_back(member_json(m, g));
  boost::json::object out{{"status", status_word(r)},         {"group", r.planned.group},
                          {"members", std::move(members)},    {"gateway", to_string(g.is)},
                          {"plan", plan::to_json(r.planned)}, {"repairs", texts_json(r.repairs)}};
  if (r.failure) out["error"] = error_json(*r.failure);
  if (r.rollback_failure) out["rollback_error"] = error_json(*r.rollback_failure);
  return out;
}

int finish(session& s, result<plan::report> const& r, change_flags const& flags,
           std::string const& what,
           std::function<void(plan::report const&, gateway_view const&)> const& on_success,
           boost::json::object const& more) {
  if (!r) return failed(r.error());
  say_report(*r, what);
  auto const g = settled_gateway(s, *r);
  auto const clients = r->dry_run ? std::vector<clients::client_outcome>() : settle_clients(s, g);
  if (flags.json()) {
    auto out = report_json(*r, g);
    if (!clients.empty()) out["clients"] = outcomes_json(clients);
    out.insert(more.begin(), more.end());
    print(pretty(out));
  } else if (r->dry_run)
    print(plan::to_string(r->planned));
  else if (on_success &&
           (r->status == plan::completion::done || r->status == plan::completion::partly_done))
    on_success(*r, g);
  return r->dry_run ? 0 : static_cast<int>(r->status);
}

}  // namespace thv::cli
