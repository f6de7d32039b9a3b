// SPDX-License-Identifier: Apache-2.0
// Reconciling groups of N workloads: half of them new, a quarter changed, a quarter as they are.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <thv/plan/plan_text.hpp>
#include <thv/plan/reconcile.hpp>

namespace {

using namespace thv;

run_config config_of(int i, std::string const& version) {
  run_config c;
  c.name = fmt::format("server-{:06}", i);
  c.group = "team";
  c.image = "ghcr.io/example/server:" + version;
  c.cmd_args = {"--verbose", "--port", "8080"};
  c.env_vars = {{"TEAM_ID", "mobile"}, {"MODE", "production"}, {"DEBUG", "false"}};
  c.permission_profile = network_only_permissions();
  return c;
}

struct world {
  plan::desired_state desired{"group run", "team", {{.name = "team"}}, {}};
  plan::observed_state observed;

  explicit world(int count) {
    observed.groups["team"] = {"team"};
    observed.runtimes["docker"] = {.engine = "Docker", .runs = {source_kind::image}};
    for (int i = 0; i < count; ++i) {
      plan::desired_workload w;
      w.config = config_of(i, "2");
      w.name = w.config->name;
      w.group = "team";
      w.runtime = "docker";
      w.running = true;
      w.declared_by = "team";
      desired.workloads.push_back(std::move(w));
      if (i % 2 == 0) continue;
      plan::observed_workload seen;
      seen.record.config = config_of(i, i % 4 == 1 ? "1" : "2");
      seen.record.name = seen.record.config.name;
      seen.record.group = seen.record.declared_by = "team";
      seen.record.runtime = "docker";
      seen.record.instance = seen.record.session_key = seen.record.name;
      seen.record.readiness = "ready";
      plugin::instance one;
      one.id = one.session_key = seen.record.instance;
      one.state = workload_state::running;
      seen.instance = one;
      observed.workloads[seen.record.name] = std::move(seen);
    }
  }
};

void reconcile(benchmark::State& state) {
  world const w(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    auto planned = plan::reconcile(w.desired, w.observed, {.registry_run = true});
    if (!planned) state.SkipWithError("the plan failed");
    benchmark::DoNotOptimize(planned);
  }
  state.SetComplexityN(state.range(0));
}

void print_plan(benchmark::State& state) {
  world const w(static_cast<int>(state.range(0)));
  auto const planned = plan::reconcile(w.desired, w.observed, {.registry_run = true});
  for (auto _ : state) benchmark::DoNotOptimize(plan::to_string(*planned));
}

}  // namespace

BENCHMARK(reconcile)
    ->Arg(10)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10'000)
    ->Arg(100'000)
    ->Complexity(benchmark::oN)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(print_plan)->Arg(1000)->Unit(benchmark::kMillisecond);
