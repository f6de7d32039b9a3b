// SPDX-License-Identifier: Apache-2.0
// One process among several that use a store: `store_worker DIRECTORY VERB ARGUMENTS`.
#include "store_worker.hpp"

#include <cstdio>
#include <functional>
#include <map>
#include <thread>
#include <vector>

using namespace thv;
using namespace thv::test;
using store::sqlite_store;
using arguments = std::vector<std::string>;

namespace {

sqlite_store open_store(std::filesystem::path const& directory) {
  return need("open", sqlite_store::open({.state_directory = directory}));
}

void wait_for_end_of_input() {
  while (std::getchar() != EOF) {
  }
}

// Opens when told to (end of input), so that several do it at once.
int open_once(std::filesystem::path const& directory, arguments const&) {
  say("ready");
  wait_for_end_of_input();
  auto const s = open_store(directory);
  say("{} {} {}", s.id(), s.keyed_hash("x"), s.needs_rebuild() ? "rebuild" : "whole");
  return 0;
}

// Whole operations on names of its own, and on names that all workers want: prints which it won.
int hammer(std::filesystem::path const& directory, arguments const& args) {
  auto s = open_store(directory);
  auto const& me = args.at(0);
  auto const rounds = std::stoi(args.at(1));
  auto const group = "group-" + me;
  for (int i = 0; i < rounds; ++i) {
    auto const name = fmt::format("{}-{}", me, i);
    auto const lock = need("lock", s.lock_group({}, group));
    auto o = worker_operation(group);
    o.created_groups = {group};
    store::intent_record intent;
    intent.workload = name;
    auto const id = need("begin", s.begin(o, {worker_workload(name, group)}, {intent}));
    for (auto& written : need("intents", s.intents(id))) {
      written.done = true;
      need("update_intent", s.update_intent(written));
    }
    store::change_set put;
    put.put_workloads = {worker_workload(name, group)};
    need("commit", s.commit(id, put));
    need("end", s.end(id, {}));
    need("move", s.move_workload(name, group, "default"));
    store::change_set remove;
    remove.remove_groups = {group};
    need("remove group", s.apply(remove));

    auto const shared = fmt::format("shared-{}", i);
    auto const won = s.begin(worker_operation("default"), {worker_workload(shared)}, {});
    if (!won) {
      if (won.error().code != errc::already_exists) give_up("contended begin", won.error());
      continue;
    }
    store::change_set win;
    win.put_workloads = {worker_workload(shared)};
    need("contended end", s.end(*won, win));
    say("won {}", shared);
  }
  return 0;
}

// Adds one to a counter file under the group's lock: lost if two are in at once.
int count(std::filesystem::path const& directory, arguments const& args) {
  auto s = open_store(directory);
  for (int i = 0; i < std::stoi(args.at(0)); ++i) {
    auto const lock = need("lock", s.lock_group({}, "counted"));
    auto const before = need("group", s.group("counter"));
    store::change_set c;
    c.put_groups = {{"counter", std::to_string(std::stoi(before->title) + 1), "", "", 1}};
    need("apply", s.apply(c));
  }
  return 0;
}

// Until killed: a pair of workloads and a counter change together; prints the last one that holds.
int write_forever(std::filesystem::path const& directory, arguments const&) {
  auto s = open_store(directory);
  for (auto const& o : need("open_operations", s.open_operations())) need("undo", s.end(o.id, {}));
  auto const before = need("group", s.group("counter"));
  for (auto n = before ? std::stoll(before->title) + 1 : 1;; ++n) {
    store::intent_record intent;
    intent.workload = "left";
    auto const id = need("begin", s.begin(worker_operation("default"), {}, {intent, intent}));
    auto written = need("intents", s.intents(id)).at(0);
    written.done = true;
    need("update_intent", s.update_intent(written));
    store::change_set c;
    c.put_groups = {{"counter", std::to_string(n), "", "", 1}};
    for (auto const* name : {"left", "right"}) {
      if (n % 3 == 0) {
        c.remove_workloads.emplace_back(name);
        continue;
      }
      c.put_workloads.push_back(worker_workload(name));
      c.put_workloads.back().session_key = std::to_string(n);
    }
    need("commit", s.commit(id, c));
    say("{}", n);
    need("end", s.end(id, {}));
  }
}

int hold_lock(std::filesystem::path const& directory, arguments const& args) {
  auto s = open_store(directory);
  auto const lock = need("lock", s.lock_group({}, args.at(0)));
  say("locked");
  wait_for_end_of_input();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::filesystem::path const directory = argv[1];
  std::map<std::string, std::function<int(arguments const&)>> const verbs = {
      {"open", [&](auto const& a) { return open_once(directory, a); }},
      {"hammer", [&](auto const& a) { return hammer(directory, a); }},
      {"count", [&](auto const& a) { return count(directory, a); }},
      {"write", [&](auto const& a) { return write_forever(directory, a); }},
      {"lock", [&](auto const& a) { return hold_lock(directory, a); }},
      {"small-disk", [&](auto const&) { return on_a_small_disk(directory); }},
      {"read-only-disk", [&](auto const&) { return on_a_read_only_disk(directory); }},
  };
  auto const verb = verbs.find(argv[2]);
  return verb == verbs.end() ? 2 : verb->second({argv + 3, argv + argc});
}
