// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <boost/json/array.hpp>

#include <thv/version.hpp>

#include "../change.hpp"
#include "../output.hpp"
#include "commands.hpp"

// runtime list and version: what this installation is made of.
namespace thv::cli {

namespace {

int list_runtimes(session& s, bool json) {
  // A damaged store must not keep the user from seeing the runtimes.
  auto const engine = s.reading_engine();
  if (!engine) say_warning(to_string(engine.error()));
  auto const set = s.runtimes();
  if (!set) return failed(set.error());
  auto const found = (*set)->describe();
  if (json) {
    boost::json::array out;
    for (auto const& r : found)
      out.push_back(boost::json::object{{"name", r.name},
                                        {"plugin", r.plugin},
                                        {"path", r.path},
                                        {"version", r.version},
                                        {"answers", r.answers},
                                        {"reason", r.reason}});
    print(pretty(out));
    return 0;
  }
  table t({"NAME", "PLUGIN", "VERSION", "ANSWERS", "REASON"});
  for (auto const& r : found)
    t.add({r.name, r.plugin, r.version,
           r.answers ? cell("yes", tone::good) : cell("no", tone::warning), plain_line(r.reason)});
  t.print();
  return 0;
}

int show_version(bool json) {
#if defined(__clang__)
  auto const compiler = fmt::format("clang {}.{}", __clang_major__, __clang_minor__);
#else
  auto const compiler = fmt::format("gcc {}.{}", __GNUC__, __GNUC_MINOR__);
#endif
#if defined(__x86_64__)
  std::string const platform = "linux/amd64";
#elif defined(__aarch64__)
  std::string const platform = "linux/arm64";
#else
  std::string const platform = "linux";
#endif
  if (json)
    print(pretty(boost::json::object{
        {"version", version()}, {"compiler", compiler}, {"platform", platform}}));
  else
    print(
        fmt::format("thv-engine {}\nCompiler: {}\nPlatform: {}\n", version(), compiler, platform));
  return 0;
}

}  // namespace

command runtime_command() {
  auto format = std::make_shared<std::optional<std::string>>();
  command list;
  list.name = "list";
  list.aliases = {"ls"};
  list.summary = "List the runtimes, which of them answer, and why others do not";
  list.example = "thv-engine runtime list --format json";
  list.flags = {format_flag(*format)};
  list.run = [format](session& s) { return list_runtimes(s, *format == "json"); };
  command c;
  c.name = "runtime";
  c.summary = "Show the runtimes that servers can run on";
  c.example = "thv-engine runtime list";
  c.commands.push_back(std::move(list));
  return c;
}

command version_command() {
  auto format = std::make_shared<std::optional<std::string>>();
  command c;
  c.name = "version";
  c.summary = "Show the version";
  c.example = "thv-engine version --format json";
  c.flags = {format_flag(*format)};
  c.run = [format](session&) { return show_version(*format == "json"); };
  return c;
}

}  // namespace thv::cli
