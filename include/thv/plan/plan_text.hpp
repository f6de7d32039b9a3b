// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include <fmt/format.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <thv/plan/plan.hpp>

namespace thv::plan {

namespace detail {

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

inline std::string source_text(run_config const& config) {
  auto const from = config.origin();
  return from.kind == source_kind::image ? "image " + from.text : from.text;
}

}  // namespace detail

/// The word for an operation in JSON and in events: "deploy", "replace" ...
[[nodiscard]] inline std::string_view verb(action const& a) {
  return std::visit(detail::overloaded{
                        [](create_group const&) { return "create-group"; },
                        [](delete_group const&) { return "delete-group"; },
                        [](deploy_workload const&) { return "deploy"; },
                        [](replace_workload const&) { return "replace"; },
                        [](start_workload const&) { return "start"; },
                        [](stop_workload const&) { return "stop"; },
                        [](restart_workload const&) { return "restart"; },
                        [](prove_workload const&) { return "prove"; },
                        [](remove_workload const&) { return "remove"; },
                        [](forget_workload const&) { return "forget"; },
                        [](move_workload const&) { return "move"; },
                    },
                    a);
}

/// The runtime an operation works on, or empty.
[[nodiscard]] inline std::string runtime_of(action const& a) {
  return std::visit(
      [](auto const& what) -> std::string {
        if constexpr (requires { what.runtime; })
          return what.runtime;
        else
          return {};
      },
      a);
}

/// One operation in plain words: "deploy npx://pkg on process".
[[nodiscard]] inline std::string describe(action const& a) {
  return std::visit(
      detail::overloaded{
          [](create_group const&) { return std::string("create the group"); },
          [](delete_group const&) { return std::string("delete the group"); },
          [](deploy_workload const& d) {
            return fmt::format("deploy {} on {}{}", detail::source_text(d.config), d.runtime,
                               d.config.on_demand ? ", started on demand" : "");
          },
          [](replace_workload const& r) {
            return fmt::format("replace by {} on {}", detail::source_text(r.config), r.runtime);
          },
          [](start_workload const& s) { return fmt::format("start on {}", s.runtime); },
          [](stop_workload const& s) { return fmt::format("stop on {}", s.runtime); },
          [](restart_workload const& s) { return fmt::format("restart on {}", s.runtime); },
          [](prove_workload const& s) { return fmt::format("prove ready on {}", s.runtime); },
          [](remove_workload const& r) {
            return r.instance.empty() ? std::string("remove its record")
                                      : fmt::format("remove from {}", r.runtime);
          },
          [](forget_workload const& f) { return fmt::format("forget what {} held", f.runtime); },
          [](move_workload const& m) { return fmt::format("move from {} to {}", m.from, m.to); },
      },
      a);
}

namespace detail {

inline char mark(action const& a) {
  auto const word = verb(a);
  if (word == "create-group" || word == "deploy") return '+';
  if (word == "delete-group" || word == "remove" || word == "forget") return '-';
  return '~';
}

}  // namespace detail

/// The plan as people read it, one line for each step and note, aligned, ending in a newline.
[[nodiscard]] inline std::string to_string(plan const& p) {
  std::size_t width = 0;
  for (auto const& step : p.operations) width = std::max(width, step.subject.size());
  for (auto const& name : p.unchanged) width = std::max(width, name.size());
  std::string text = p.group.empty() ? fmt::format("Plan for {}", p.kind)
                                     : fmt::format("Plan for {} {}", p.kind, p.group);
  text += p.empty() ? ": nothing to change\n"
                    : fmt::format(": {} {}\n", p.operations.size(),
                                  p.operations.size() == 1 ? "step" : "steps");
  for (auto const& step : p.operations)
    text += fmt::format("  {} {:<{}}  {} ({})\n", detail::mark(step.action), step.subject, width,
                        describe(step.action), step.cause);
  for (auto const& name : p.unchanged) text += fmt::format("  = {:<{}}  unchanged\n", name, width);
  for (auto const& n : p.notes)
    text += fmt::format("  {} {}: {}\n", n.warning ? '!' : 'i', n.subject, n.text);
  return text;
}

/// The plan for programs: {kind, group, operations: [{id, action, subject, runtime?, source?,
/// cause, depends_on, optional, destructive}], unchanged: [...], notes: [{level, subject, text}]}.
[[nodiscard]] inline boost::json::object to_json(plan const& p) {
  boost::json::array steps;
  for (auto const& step : p.operations) {
    boost::json::object o{
        {"id", step.id}, {"action", std::string(verb(step.action))}, {"subject", step.subject}};
    if (auto const runtime = runtime_of(step.action); !runtime.empty()) o["runtime"] = runtime;
    std::visit(
        [&](auto const& what) {
          if constexpr (requires { what.config; }) o["source"] = what.config.origin().text;
        },
        step.action);
    o["cause"] = step.cause;
    boost::json::array depends;
    for (int id : step.depends_on) depends.push_back(id);
    o["depends_on"] = std::move(depends);
    o["optional"] = step.optional;
    o["destructive"] = step.destructive;
    steps.push_back(std::move(o));
  }
  boost::json::array unchanged;
  for (auto const& name : p.unchanged) unchanged.push_back(boost::json::value(name));
  boost::json::array notes;
  for (auto const& n : p.notes)
    notes.push_back(boost::json::object{
        {"level", n.warning ? "warning" : "info"}, {"subject", n.subject}, {"text", n.text}});
  return {{"kind", p.kind},
          {"group", p.group},
          {"operations", std::move(steps)},
          {"unchanged", std::move(unchanged)},
          {"notes", std::move(notes)}};
}

}  // namespace thv::plan
