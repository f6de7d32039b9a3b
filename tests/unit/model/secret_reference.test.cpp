// SPDX-License-Identifier: Apache-2.0
#include <thv/model/secret_reference.hpp>

#include <catch2/catch_test_macros.hpp>

using namespace thv;

namespace {

error refused(std::string const& text) {
  auto const parsed = parse_secret_reference(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == errc::invalid_argument);
  return parsed.error();
}

}  // namespace

TEST_CASE("a reference names a secret, its target and the way", "[model][unit]") {
  auto const read = [](std::string const& text) { return parse_secret_reference(text).value(); };
  CHECK(read("n,target=KEY") == secret_reference{"n", "KEY"});
  CHECK(read("n,target=KEY,as=file") == secret_reference{"n", "KEY", secret_delivery::file});
  CHECK(read("n,target=KEY,as=env") == secret_reference{"n", "KEY"});
  CHECK(read("a b,target=X-Api.Key") == secret_reference{"a b", "X-Api.Key"});
}

TEST_CASE("its text is the same again, with the usual way left out", "[model][unit]") {
  for (std::string const text : {"n,target=KEY", "n,target=KEY,as=file"})
    CHECK(to_string(parse_secret_reference(text).value()) == text);
  CHECK(to_string(parse_secret_reference("n,target=KEY,as=env").value()) == "n,target=KEY");
}

TEST_CASE("a wrong reference says what is wrong", "[model][unit]") {
  for (auto const* text : {"", "n", ",target=K", "n,target=", "n,target=,as=file", "n,K",
                           "n,target", "n,as=file,target=K"}) {
    auto const e = refused(text);
    CHECK(e.message == std::string("invalid secret parameter format: ") + text);
    CHECK(e.hint.find("NAME,target=") != std::string::npos);
  }
  auto const way = refused("n,target=K,as=pipe");
  CHECK(way.message == "unknown way 'pipe' to give a secret in 'n,target=K,as=pipe'");
  CHECK(way.hint.find("as=file") != std::string::npos);
  CHECK(refused("n,target=K,as=").message == "unknown way '' to give a secret in 'n,target=K,as='");
  CHECK(refused("n,target=K,AS=file").message.find("unknown option 'AS=file'") == 0);
  CHECK(refused("n,target=K,as=file,as=env").message.find("unknown option 'as=file,as=env'") == 0);
  CHECK(refused("n,target=K,").message.find("unknown option ''") == 0);
}

TEST_CASE("a file's name leads nowhere else", "[model][unit]") {
  for (auto const* target : {"../KEY", "a/b", ".", "..", ".hidden", "a b", "K\n"})
    CHECK(refused(std::string("n,target=") + target + ",as=file").message.find(target) !=
          std::string::npos);
  CHECK_FALSE(parse_secret_reference("n,target=" + std::string(129, 'K') + ",as=file"));
  CHECK(parse_secret_reference("n,target=" + std::string(128, 'K') + ",as=file"));
  CHECK(parse_secret_reference("n,target=a/b"));  // as ever: a variable's name is not ours to judge
}
