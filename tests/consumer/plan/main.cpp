// SPDX-License-Identifier: Apache-2.0
// Somebody who only plans: reads a registry group and prints what running it would do.
#include <iostream>

#include <thv/plan/plan_text.hpp>
#include <thv/plan/reconcile.hpp>
#include <thv/registry/find.hpp>
#include <thv/registry/members.hpp>
#include <thv/registry/read.hpp>

int main() {
  auto const document = thv::registry::read(
      R"({"groups": [{"name": "web", "description": "d",
           "servers": {"fetch": {"image": "example.org/fetch:1", "transport": "stdio"}}}]})",
      "registry.json");
  if (!document) return 1;
  auto const members =
      thv::registry::member_configs(document->groups.at(0), {}, {.group_name = "web"});
  if (!members) return 2;
  thv::plan::desired_state desired;
  desired.kind = "group run";
  desired.group = "web";
  desired.groups.push_back({.name = "web"});
  for (auto const& member : *members) {
    thv::plan::desired_workload wanted;
    wanted.name = member.name;
    wanted.config = member;
    wanted.runtime = "docker";
    wanted.group = "web";
    wanted.running = true;
    desired.workloads.push_back(wanted);
  }
  auto const plan = thv::plan::reconcile(desired, {}, {});
  if (!plan) return 3;
  for (auto const& step : plan->operations)
    std::cout << "planned: " << thv::plan::verb(step.action) << ' ' << step.subject << '\n';
}
