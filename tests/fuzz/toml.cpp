// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration file: a configuration within its limits, or an error with a place.
// The parser is compiled in, with toml++ header-only, so that the fuzzer sees which branches of
// both it took.
#include <cstdint>
#include <cstdlib>
#include <string_view>

// Two defects of toml++ 3.3 that its packaged library does not show. `[ =` trips an assertion in
// parse_key, where without it (NDEBUG) the right error follows. A character such as U+0273 after a
// date reaches TOML_UNREACHABLE in is_non_ascii_horizontal_whitespace, where either answer leads to
// an error.
#define TOML_ASSERT(condition) static_cast<void>(0)
#pragma clang diagnostic ignored "-Wignored-attributes"
#pragma clang attribute push(__attribute__((no_sanitize("unreachable"))), apply_to = function)
#include "config/parse.cpp"
#pragma clang attribute pop

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(thv::config::configuration const& c) {
  using namespace std::chrono_literals;
  require(c.deploy_parallel >= 1 && c.deploy_parallel <= 64);
  require(c.deploy_timeout >= 1ms && c.deploy_timeout <= 24h);
  require(c.default_runtime.empty() == c.default_runtime_where.empty());
  for (auto const& [name, table] : c.runtimes) {
    require(thv::config::check_runtime_name(name).has_value());
    require(!table.plugin.empty() && table.where.starts_with("fuzz.toml:"));
    require(!table.settings.contains("plugin"));
  }
  for (auto const& source : c.registry_sources) require(!source.empty());
  for (auto const& [name, group] : c.groups) {
    if (group.parallel) require(*group.parallel >= 1 && *group.parallel <= 64);
    if (group.timeout) require(*group.timeout >= 1ms && *group.timeout <= 24h);
    if (group.runtime) require(!group.runtime->empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const c = thv::config::parse(text, "fuzz.toml");
  if (c) {
    check(*c);
  } else {
    require(c.error().code == thv::errc::invalid_argument);
    require(!c.error().message.empty());
    require(c.error().where.starts_with("fuzz.toml:"));
  }
  return 0;
}
