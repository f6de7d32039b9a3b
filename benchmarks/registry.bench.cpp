// SPDX-License-Identifier: Apache-2.0
// Reading a registry document of 10 MB, beside plain boost::json::parse of the same text.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <thv/json/parse.hpp>
#include <thv/registry/read.hpp>

namespace {

std::string const& document() {
  static std::string const text = [] {
    std::string t = R"({"version": "1.0.0", "last_updated": "2026-01-01T00:00:00Z", "servers": {)";
    for (int i = 0; t.size() < 10'000'000; ++i)
      t += fmt::format(
          R"({}"server-{}": {{"description": "Server number {} with a description of usual length",)"
          R"( "tier": "Community", "status": "Active", "transport": "stdio", "tools": ["read",)"
          R"( "write", "search"], "image": "ghcr.io/example/server-{}:1.0.{}", "tags": ["one",)"
          R"( "two"], "env_vars": [{{"name": "TOKEN", "description": "A token", "required": true,)"
          R"( "secret": true}}], "metadata": {{"stars": {}, "pulls": 12, "last_updated":)"
          R"( "2025-09-05T02:29:06Z"}}, "repository_url": "https://github.com/example/s{}"}})",
          i == 0 ? "" : ",", i, i, i, i % 10, i % 1000, i);
    return t + "}}";
  }();
  return text;
}

void plain_boost_json(benchmark::State& state) {
  auto const& text = document();
  for (auto _ : state) benchmark::DoNotOptimize(boost::json::parse(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

void checked_parse(benchmark::State& state) {
  auto const& text = document();
  for (auto _ : state) {
    auto value = thv::json::parse(text, "registry.json");
    if (!value) state.SkipWithError("the document was refused");
    benchmark::DoNotOptimize(value);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

void read_registry(benchmark::State& state) {
  auto const& text = document();
  for (auto _ : state) {
    auto read = thv::registry::read(text, "registry.json", {});
    if (!read) state.SkipWithError("the document was refused");
    benchmark::DoNotOptimize(read);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

}  // namespace

BENCHMARK(plain_boost_json)->Unit(benchmark::kMillisecond);
BENCHMARK(checked_parse)->Unit(benchmark::kMillisecond);
BENCHMARK(read_registry)->Unit(benchmark::kMillisecond);
