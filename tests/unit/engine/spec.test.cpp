// SPDX-License-Identifier: Apache-2.0
#include <thv/engine/spec.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace thv;

namespace {

using text_map = std::map<std::string, std::string>;

result<plugin::workload_spec> spec_of(std::vector<std::string> secrets, text_map env = {}) {
  run_config c;
  c.name = "a";
  c.group = "g";
  c.image = "img";
  c.env_vars = std::move(env);
  c.secrets = std::move(secrets);
  return make_spec(c, "store", "hash", [](std::string const& name, std::string const& group) {
    return result<std::string>(name + "-of-" + group);
  });
}

}  // namespace

TEST_CASE("a secret goes to a variable or to a file, as its reference says", "[engine][unit]") {
  auto const spec =
      spec_of({"one,target=A", "two,target=B,as=file", "three,target=C,as=env"}, {{"PLAIN", "1"}});
  REQUIRE(spec);
  CHECK(spec->environment == text_map{{"PLAIN", "1"}, {"A", "one-of-g"}, {"C", "three-of-g"}});
  CHECK(spec->secret_files == text_map{{"B", "two-of-g"}});
  CHECK(spec->secret_names ==
        std::vector<std::string>{"one,target=A", "two,target=B,as=file", "three,target=C"});
}

TEST_CASE("what is no UTF-8 is refused, but for the values of secrets", "[engine][unit]") {
  auto const refused = spec_of({}, {{"A", "x\xff-hidden"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::invalid_argument);
  CHECK(refused.error().message == "the variable 'A' is no UTF-8");
  CHECK(spec_of({}, {{"A", "größe"}}));

  auto const with = [](auto const& change) {
    run_config c;
    c.name = "a";
    c.image = "img";
    c.secrets = {"one,target=A"};
    change(c);
    return make_spec(c, "store", "hash",
                     [](auto const&, auto const&) { return result<std::string>("\xff"); });
  };
  CHECK(with([](run_config&) {}));
  CHECK(with([](run_config& c) {
          c.cmd_args = {"a", "\xff"};
        })
            .error()
            .message == "argument 2 is no UTF-8");
  CHECK_FALSE(with([](run_config& c) { c.image = "img\xff"; }));
  CHECK_FALSE(with([](run_config& c) { c.volumes = {"/a\xff:/b"}; }));
}

TEST_CASE("of two for one variable the later counts, and a secret before a plain value",
          "[engine][unit]") {
  auto const file = spec_of({"one,target=A", "two,target=A,as=file"}, {{"A", "plain"}});
  REQUIRE(file);
  CHECK(file->environment.empty());
  CHECK(file->secret_files == text_map{{"A", "two-of-g"}});
  auto const variable = spec_of({"two,target=A,as=file", "one,target=A"});
  REQUIRE(variable);
  CHECK(variable->environment == text_map{{"A", "one-of-g"}});
  CHECK(variable->secret_files.empty());
}

TEST_CASE("a reference that cannot be read makes no spec", "[engine][unit]") {
  CHECK(spec_of({"one,target=A,as=pipe"}).error().code == errc::invalid_argument);
}
