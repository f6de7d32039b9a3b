// SPDX-License-Identifier: Apache-2.0
// Reads a registry file and prints what running one of its groups would do. Links thv-engine::plan
// alone: no SQLite, no OpenSSL, no plugin. Usage: 02_plan_only FILE GROUP
#include <fstream>
#include <iostream>
#include <iterator>

#include <thv/plan/plan_text.hpp>
#include <thv/plan/reconcile.hpp>
#include <thv/registry/find.hpp>
#include <thv/registry/members.hpp>
#include <thv/registry/read.hpp>

namespace {

// [plan-only]
/// A plan is made from values alone: what is wanted, and what was seen (here: an empty world).
thv::result<thv::plan::plan> plan_group(thv::registry::group const& group) {
  thv::plan::desired_state desired{.kind = "group run", .group = thv::slug(group.name)};
  desired.groups.push_back({.name = desired.group, .title = group.name});
  THV_TRY(auto const members,
          thv::registry::member_configs(group, {}, {.group_name = desired.group}));
  for (auto const& member : members) {
    auto& wanted = desired.workloads.emplace_back();
    wanted.name = member.name;
    wanted.config = member;
    wanted.runtime = member.remote_url.empty() ? "process" : "remote";
    wanted.group = desired.group;
    wanted.running = true;
  }
  return thv::plan::reconcile(desired, thv::plan::observed_state{}, {.registry_run = true});
}
// [plan-only]

thv::result<std::string> run(std::string const& file, std::string const& name) {
  std::ifstream stream(file);
  std::string const text{std::istreambuf_iterator<char>(stream), {}};
  THV_TRY(auto document, thv::registry::read(text, file, {.local = true}));
  std::vector<thv::registry::document> const documents{std::move(document)};
  THV_TRY(auto const found, thv::registry::find_group(documents, name));
  THV_TRY(auto const plan, plan_group(*found.group));
  return thv::plan::to_string(plan);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: 02_plan_only FILE GROUP\n";
    return 2;
  }
  auto const text = run(argv[1], argv[2]);
  if (!text) {
    std::cerr << to_string(text.error()) << '\n';
    return 1;
  }
  std::cout << *text;
}
