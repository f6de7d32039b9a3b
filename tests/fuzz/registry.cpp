// SPDX-License-Identifier: Apache-2.0
// Any bytes as a registry document: reading, validating, finding and building members either work
// or fail with a place; both ways of reading agree on whether there is an error.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thv/model/run_config_json.hpp>
#include <thv/registry/find.hpp>
#include <thv/registry/members.hpp>
#include <thv/registry/read.hpp>
#include <thv/registry/search.hpp>
#include <thv/registry/validate.hpp>
#include <vector>

namespace registry = thv::registry;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_config(thv::run_config const& config) {
  require(static_cast<bool>(thv::validate_workload_name(config.name)));
  auto const again = thv::run_config_from_json(thv::to_json(config), "again");
  require(again && *again == config);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  registry::read_options options;
  options.local = size % 2 == 0;
  auto const read = registry::read(text, "r.json", options);
  auto const findings = registry::validate(text, "r.json", options);
  bool const error = !findings.empty() && findings.front().severity == registry::severity::error;
  require(error == !read);
  if (!read) {
    require(read.error().where.starts_with("r.json") && !read.error().message.empty());
    require(findings.front().problem == read.error());
    return 0;
  }
  std::vector<registry::document> const documents = {*read};
  for (auto const& group : read->groups) {
    auto const found = registry::find_group(documents, group.name);
    require(found && found->group->name == group.name);
    require(static_cast<bool>(thv::validate_group_name(thv::slug(group.name))));
    auto const configs = registry::member_configs(group, {}, {.group_name = thv::slug(group.name)});
    if (configs)
      for (auto const& config : *configs) check_config(config);
  }
  for (auto const& server : read->servers) {
    require(server.remote() != !server.packages.empty() || server.packages.empty());
    require(registry::find_server(documents, server.name)->server->name == server.name);
  }
  (void)registry::search(documents, {"a"});
  return 0;
}
