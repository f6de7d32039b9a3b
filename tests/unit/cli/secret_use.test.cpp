// SPDX-License-Identifier: Apache-2.0
#include "secret_use.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace thv::cli;

namespace {

thv::store::workload_record record(std::string name, std::string group,
                                   std::vector<std::string> secrets,
                                   std::map<std::string, std::string> headers = {}) {
  thv::store::workload_record r;
  r.name = std::move(name);
  r.group = std::move(group);
  r.config.secrets = std::move(secrets);
  r.config.secret_headers = std::move(headers);
  return r;
}

std::vector<secret_use> const uses =
    secret_uses({record("two", "other", {"token,target=TOKEN"}, {{"Authorization", "token"}}),
                 record("one", "team", {"token,target=GITHUB,as=file", "db,target=DB"}),
                 record("none", "team", {})});

}  // namespace

TEST_CASE("what members are given is known from their records", "[cli][secrets]") {
  CHECK(uses == std::vector<secret_use>{{"db", "one", "team", "DB"},
                                        {"token", "one", "team", "GITHUB"},
                                        {"token", "two", "other", "Authorization"},
                                        {"token", "two", "other", "TOKEN"}});
}

TEST_CASE("the secret for all goes to groups that have none of that name", "[cli][secrets]") {
  secret_place const all{"", "token"};
  secret_place const team{"team", "token"};
  CHECK(workloads_in(users_of(uses, all, {all})) == std::vector<std::string>{"one", "two"});
  CHECK(workloads_in(users_of(uses, all, {all, team})) == std::vector<std::string>{"two"});
  CHECK(workloads_in(users_of(uses, team, {all, team})) == std::vector<std::string>{"one"});
  CHECK(users_of(uses, {"nosuch", "token"}, {all}).empty());
}
