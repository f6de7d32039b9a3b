// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/header_value.hpp>

#include <string>

#include <catch2/catch_test_macros.hpp>

using namespace thv::gateway;

TEST_CASE("header values are plain where they can be", "[gateway][unit]") {
  CHECK(encode_header_value("get_weather") == "get_weather");
  CHECK(encode_header_value("file:///a b") == "file:///a b");
  CHECK(encode_header_value("Hello") == "Hello");
  CHECK(encode_header_value(" x") == "=?base64?IHg=?=");
  CHECK(encode_header_value("x ") == "=?base64?eCA=?=");
  CHECK(encode_header_value("a\r\nHost: evil") == "=?base64?YQ0KSG9zdDogZXZpbA==?=");
  CHECK(encode_header_value("Z\xC3\xBCrich") == "=?base64?WsO8cmljaA==?=");
  CHECK(encode_header_value("=?base64?SGk=?=") == "=?base64?PT9iYXNlNjQ/U0drPT89?=");
  CHECK(decode_header_value(encode_header_value("")) == "");
}

TEST_CASE("header values are read as they were meant", "[gateway][unit]") {
  CHECK(decode_header_value("  name \t") == "name");
  CHECK(decode_header_value("=?base64?SGVsbG8=?=") == "Hello");
  CHECK(decode_header_value("=?base64?\?=") == "");
  // Half a mark, or one in another case, is text.
  CHECK(decode_header_value("=?base64?SGVsbG8=") == "=?base64?SGVsbG8=");
  CHECK(decode_header_value("SGVsbG8=?=") == "SGVsbG8=?=");
  CHECK(decode_header_value("=?BASE64?SGVsbG8=?=") == "=?BASE64?SGVsbG8=?=");
  CHECK(decode_header_value("=?base64?=") == "=?base64?=");
  CHECK_FALSE(decode_header_value("=?base64?SGVsbG8?="));
  CHECK_FALSE(decode_header_value("=?base64?SGVs!!!bG8=?="));
  CHECK_FALSE(decode_header_value("=?base64?SG=sbG8=?="));
  CHECK_FALSE(decode_header_value("=?base64?====?="));
  CHECK_FALSE(decode_header_value("=?base64?A===?="));
}

TEST_CASE("every text survives the way through a header", "[gateway][unit]") {
  for (int first = 0; first < 256; ++first)
    for (auto const* const rest : {"", "b", "bc", "bcd"}) {
      auto const text = std::string(1, static_cast<char>(first)) + rest;
      auto const value = encode_header_value(text);
      CAPTURE(first, rest, value);
      CHECK(decode_header_value(value) == text);
      CHECK(value.find_first_of(std::string("\r\n\0", 3)) == std::string::npos);
    }
}
