// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/key_file.hpp>

#include <catch2/catch_test_macros.hpp>

#include "temporary.hpp"

using thv::errc;
using namespace thv::secrets;
using secrets_test::folder;

TEST_CASE("a key file that was made is read again", "[secrets]") {
  folder where;
  auto const path = where.path() / "below" / "key";
  auto const key = make_key_file(path);
  REQUIRE(key);
  CHECK(read_key_file(path).value() == *key);
  CHECK(where.read("below/key") == key->to_text() + "\n");
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0600);
  CHECK(make_key_file(path).error().code == errc::already_exists);
  CHECK(read_key_file(path).value() == *key);
}

TEST_CASE("a key file may hold base64 and end in any newline", "[secrets]") {
  folder where;
  auto const expected = secret_key::from_text(std::string(64, '0')).value();
  for (auto const* end : {"", "\n", "\r\n"}) {
    CHECK(read_key_file(where.write("k", std::string(64, '0') + end)).value() == expected);
    CHECK(read_key_file(where.write("k", std::string(43, 'A') + "=" + end)).value() == expected);
  }
}

TEST_CASE("a key file that is missing, open to others or no key is told so", "[secrets]") {
  folder where;
  CHECK(read_key_file(where.path() / "none").error().code == errc::not_found);
  auto const path = where.write("key", "s3cret that is no key\n");
  auto const no_key = read_key_file(path);
  REQUIRE_FALSE(no_key);
  CHECK(no_key.error().message == "the key file holds no key");
  CHECK(no_key.error().where == path.string());
  CHECK(no_key.error().hint.find("64 hexadecimal digits") != std::string::npos);
  CHECK(read_key_file(where.write("key", std::string(300, '0'))).error().code ==
        errc::invalid_argument);
  where.write("key", std::string(64, '0'));
  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  CHECK(read_key_file(path).error().message == "others can read the key file (mode 0644)");
}
