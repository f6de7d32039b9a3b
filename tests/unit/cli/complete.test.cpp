// SPDX-License-Identifier: Apache-2.0
#include <complete.hpp>

#include <catch2/catch_test_macros.hpp>

#include <app.hpp>
#include <session.hpp>

using namespace thv::cli;

namespace {

using texts = std::vector<std::string>;

completion completed(texts const& words) {
  static auto const root = all_commands();
  global_options options;
  return complete(root, global_flags(options), words);
}

texts candidates(texts const& words) {
  texts found;
  for (auto const& c : completed(words).candidates) found.push_back(c.text);
  return found;
}

}  // namespace

TEST_CASE("commands are completed, hidden ones are not", "[cli][complete]") {
  CHECK(candidates({"re"}) == texts{"restart", "registry"});
  CHECK(candidates({"__"}).empty());
  CHECK(candidates({"registry", ""}) == texts{"list", "show", "validate"});
}

TEST_CASE("flags and their values are completed", "[cli][complete]") {
  CHECK(candidates({"list", "--a"}) == texts{"--all"});
  CHECK(candidates({"list", "--format", "m"}) == texts{"mcpservers"});
  CHECK(candidates({"list", "--deb"}) == texts{"--debug"});
  CHECK(completed({"list", "--group", ""}).with == completes::groups);
  CHECK(completed({"run", "--env-file", ""}).with == completes::files);
}

TEST_CASE("words are completed by what they name", "[cli][complete]") {
  CHECK(completed({"stop", "a", ""}).with == completes::workloads);
  CHECK(completed({"group", "run", ""}).with == completes::registry_groups);
  CHECK(completed({"run", "x", "--", ""}).with == completes::files);
  CHECK(completed({"group", ""}).with == completes::nothing);
  CHECK(candidates({}).empty());
}

TEST_CASE("every command and flag has what help needs", "[cli][help]") {
  std::vector<command const*> open;
  auto const root = all_commands();
  open.push_back(&root);
  while (!open.empty()) {
    auto const* c = open.back();
    open.pop_back();
    INFO(c->name);
    CHECK_FALSE(c->summary.empty());
    CHECK_FALSE(c->example.empty());
    CHECK((c->commands.empty() ? static_cast<bool>(c->run) : !c->run));
    for (auto const& f : c->flags) {
      INFO(f.names);
      CHECK_FALSE(f.help.empty());
      CHECK(f.value.empty() == std::holds_alternative<bool*>(f.into));
    }
    for (auto const& sub : c->commands) open.push_back(&sub);
  }
}
