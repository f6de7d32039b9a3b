// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/value_text.hpp>

#include <catch2/catch_test_macros.hpp>

using thv::secrets::base64_unless_utf8;
using thv::secrets::from_base64;

TEST_CASE("only a value that is no UTF-8 is written as base64", "[secrets]") {
  CHECK_FALSE(base64_unless_utf8(""));
  CHECK_FALSE(base64_unless_utf8("größe 秘密"));
  CHECK_FALSE(base64_unless_utf8(std::string_view("nul\0nul", 7)));
  CHECK(base64_unless_utf8("\xff\xfe binary") == "//4gYmluYXJ5");
  CHECK(base64_unless_utf8("\xff") == "/w==");
}

TEST_CASE("base64 is read as it was written, and nothing else is", "[secrets]") {
  for (std::string const value : {"\xff", "\xff\xfe", "\xff\xfe binary", "\xff\n\x80"})
    CHECK(from_base64(*base64_unless_utf8(value)) == value);
  CHECK(from_base64("") == "");
  for (auto const* wrong : {"/w", "/w=", "/w==/w==", "/w== ", "\xff\xff\xff\xff", "====", "_w=="})
    CHECK_FALSE(from_base64(wrong));
}
