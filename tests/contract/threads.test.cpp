// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <thread>

#include "stores.hpp"

using namespace thv;
using namespace thv::test;

TEMPLATE_TEST_CASE("threads work on one store at once and nothing is lost", "[store]",
                   memory_fixture, sqlite_fixture) {
  TestType f;
  constexpr int threads_at_once = 4;
  constexpr int rounds = 15;
  std::atomic<int> won = 0;
  std::atomic<int> failures = 0;
  auto const expect = [&](auto const& r) {
    if (!r) ++failures;
  };
  auto const work = [&](int t) {
    auto const mine = "w" + std::to_string(t);
    auto const group = "g" + std::to_string(t);
    expect(f.store.create_group(a_group(group)));
    for (int i = 0; i < rounds; ++i) {
      auto const name = mine + "-" + std::to_string(i);
      auto const id = f.store.begin(an_operation(group), {a_workload(name, group)},
                                    {an_intent(name), an_intent(name)});
      expect(id);
      if (!id) continue;
      for (auto& intent : f.store.intents(*id).value_or({})) {
        intent.done = true;
        expect(f.store.update_intent(intent));
      }
      expect(f.store.commit(*id, putting({a_workload(name, group)})));
      expect(f.store.put_session(a_workload(name)));
      expect(f.store.move_workload(name, group, "default"));
      expect(f.store.workloads());
      expect(f.store.end(*id, {}));
      auto const shared = "shared-" + std::to_string(i);
      auto const contended = f.store.begin(an_operation("default"), {a_workload(shared)}, {});
      if (contended) {
        ++won;
        expect(f.store.commit(*contended, putting({a_workload(shared)})));
        expect(f.store.end(*contended, {}));
      }
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < threads_at_once; ++t) threads.emplace_back(work, t);
  for (auto& thread : threads) thread.join();

  CHECK(failures == 0);
  CHECK(won == rounds);
  CHECK(ok(f.store.workloads_of("default")).size() == (threads_at_once + 1) * rounds);
  CHECK(ok(f.store.groups()).size() == threads_at_once + 1);
  CHECK(ok(f.store.open_operations()).empty());
}
