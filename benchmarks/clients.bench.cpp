// SPDX-License-Identifier: Apache-2.0
// Registering a group of 20 members in the files of all 25 clients, and editing a large file. The
// files are those of tests/support/client_files, the largest of each client.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thv/clients/client_file.hpp>
#include <thv/clients/edit.hpp>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace thv;
using namespace thv::clients;

template <class T>
T need(result<T> found) {
  if (found) return *std::move(found);
  fmt::print(stderr, "{}\n", to_string(found.error()));
  std::exit(1);
}

void need(result<void> const& done) {
  if (done) return;
  fmt::print(stderr, "{}\n", to_string(done.error()));
  std::exit(1);
}

std::vector<entry> twenty() {
  std::vector<entry> entries;
  for (int i = 0; i < 20; ++i) {
    auto name = fmt::format("member-{:02}", i);
    auto url = fmt::format("http://127.0.0.1:4483/servers/{}/mcp", name);
    entries.push_back({std::move(name), std::move(url), std::string(64, 't')});
  }
  return entries;
}

std::string contents(fs::path const& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// By client: the largest of its files.
std::map<std::string_view, std::string> const& texts() {
  static auto const all = [] {
    std::map<std::string_view, std::string> found;
    for (auto const& k : kinds())
      for (auto const& file : fs::directory_iterator(fs::path(THV_CLIENT_FILES) / k.name))
        if (auto text = contents(file.path()); text.size() >= found[k.name].size())
          found[k.name] = std::move(text);
    return found;
  }();
  return all;
}

void edit_texts(benchmark::State& state) {
  changes const what{twenty(), {}};
  for (auto _ : state)
    for (auto const& k : kinds())
      benchmark::DoNotOptimize(need(edit(k, texts().at(k.name), what, {})));
}

// In a home folder below $TMPDIR; range(0): is this the first time (with a backup of each)?
void register_in_files(benchmark::State& state) {
  auto const home = fs::temp_directory_path() / fmt::format("thv-bench-{}", ::getpid());
  changes const what{twenty(), {}};
  for (auto _ : state) {
    fs::remove_all(home);
    for (auto const& [name, text] : texts()) {
      auto const path = config_file(*need(find_kind(name)), home);
      fs::create_directories(path.parent_path());
      std::ofstream(path, std::ios::binary) << text;
    }
    auto const start = std::chrono::steady_clock::now();
    for (auto const& k : kinds()) {
      auto file = need(client_file::open({}, config_file(k, home)));
      auto const done = need(edit(k, file.text(), what, {}));
      need(file.write(done.text, true, state.range(0) != 0));
    }
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(took.count());
  }
  fs::remove_all(home);
}

std::string large_text(std::size_t size) {
  std::string text = "{\n  \"projects\": {";
  for (int i = 0; text.size() < size; ++i)
    text += fmt::format(
        "{}\n    \"/home/u/project-{}\": {{\n      \"history\": [\n        {{ \"display\": \"say "
        "\\\"it\\\" // now\", \"n\": {} }}\n      ],\n      \"cost\": 1.25e-3\n    }}",
        i == 0 ? "" : ",", i, i);
  return text + "\n  },\n  \"mcpServers\": {}\n}\n";
}

void edit_large_json(benchmark::State& state) {
  auto const text = large_text(static_cast<std::size_t>(state.range(0)));
  changes const what{twenty(), {}};
  auto const& k = *need(find_kind("claude-code"));
  for (auto _ : state) benchmark::DoNotOptimize(need(edit(k, text, what, {})));
}

BENCHMARK(edit_texts)->Unit(benchmark::kMillisecond);
BENCHMARK(register_in_files)
    ->ArgName("first_time")
    ->Arg(0)
    ->Arg(1)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(edit_large_json)->ArgName("bytes")->Arg(5'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
