// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/secret_key.hpp>

#include <catch2/catch_test_macros.hpp>

#include <fstream>
#include <sstream>
#include <type_traits>

using thv::errc;
using namespace thv::secrets;

static_assert(!std::is_copy_constructible_v<secret_key> && !std::is_copy_assignable_v<secret_key>);
static_assert(std::is_nothrow_move_constructible_v<secret_key>);

namespace {

/// What the kernel says of the mapping that `address` lies in.
std::string mapping_of(void const* address) {
  std::ifstream maps("/proc/self/smaps");
  auto const wanted = reinterpret_cast<std::uintptr_t>(address);
  std::string line;
  std::string text;
  bool inside = false;
  while (std::getline(maps, line)) {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    char dash = 0;
    std::istringstream head(line);
    if (line.find(':') > line.find('-') && head >> std::hex >> from >> dash >> to && dash == '-')
      inside = wanted >= from && wanted < to;
    if (inside) text += line + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("a key is read from hexadecimal digits and from base64", "[secrets]") {
  auto const key =
      secret_key::from_text("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
          .value();
  for (std::size_t i = 0; i < secret_key::size; ++i) CHECK(key.bytes()[i] == i);
  CHECK(key == secret_key::from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").value());
  CHECK(key == secret_key::from_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").value());
  CHECK(key == secret_key::from_text(key.to_text()).value());
  CHECK(key == key.clone());
  CHECK_FALSE(key == secret_key::random());
}

TEST_CASE("what is no key is refused and not repeated", "[secrets]") {
  for (std::string const& text :
       {std::string(), std::string("00"), std::string(64, 'g'), std::string(63, '0'),
        std::string(65, '0'), std::string(43, '\xff'), std::string(44, '='), std::string(43, ' '),
        std::string(44, 'A'),
        std::string("00010203 405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")}) {
    auto const refused = secret_key::from_text(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid_argument);
    if (!text.empty()) CHECK(to_string(refused.error()).find(text) == std::string::npos);
  }
}

TEST_CASE("the bytes of a key are locked and in no core dump", "[secrets]") {
  auto const key = secret_key::random();
  auto const flags = mapping_of(key.bytes().data());
  INFO(flags);
  CHECK(flags.find(" dd") != std::string::npos);  // do not include into core dump
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // The sanitizers turn mlock into nothing.
  CHECK(flags.find(" lo") != std::string::npos);  // pages are locked in memory
#endif
}

TEST_CASE("wiping empties a text and overwrites what it held", "[secrets]") {
  std::string text(100, 'x');
  auto const* const bytes = text.data();
  wipe(text);
  CHECK(text.empty());
  for (int i = 0; i < 100; ++i) CHECK(bytes[i] == '\0');
}
