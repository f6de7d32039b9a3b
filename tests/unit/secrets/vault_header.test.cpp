// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/vault_header.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>

using thv::errc;
using namespace thv::secrets;

namespace {

constexpr auto fast = passphrase_cost{1, 1024};

vault_header header_of(key_source source) {
  return new_vault_header(source, fast, source == key_source::key_file ? "/some/where" : "");
}

thv::result<vault_header> read(std::string const& text) {
  return read_vault_header(text, text.size(), "file");
}

}  // namespace

TEST_CASE("a header is read as it was written", "[secrets]") {
  for (auto const source : {key_source::keyring, key_source::passphrase, key_source::key_file}) {
    auto const header = header_of(source);
    auto const text = write_vault_header(header);
    CHECK(text.size() == vault_header::fixed_size + header.key_location.size());
    CHECK(text.starts_with("THVVAULT"));
    CHECK(read(text).value() == header);
    CHECK(parse_key_source(to_string(source)) == source);
  }
  CHECK(parse_key_source("password") == std::nullopt);
  CHECK(header_of(key_source::keyring).id != header_of(key_source::keyring).id);
  CHECK(header_of(key_source::passphrase).salt != header_of(key_source::passphrase).salt);
  CHECK(header_of(key_source::keyring).id_text().size() == 32);
}

TEST_CASE("a hostile header cannot ask for 64 GiB or for hours", "[secrets]") {
  auto header = header_of(key_source::passphrase);
  for (auto const& cost :
       {passphrase_cost{3, 64 * 1024 * 1024}, passphrase_cost{1, 0}, passphrase_cost{0, 1024},
        passphrase_cost{17, 1024}, passphrase_cost{4'000'000'000, 4'000'000'000}}) {
    header.cost = cost;
    // Its checksum is right: it was written so.
    auto const refused = read(write_vault_header(header));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::corrupt);
    CHECK(refused.error().message ==
          "the vault asks for a derivation of its key that is out of bounds");
    auto const begun = std::chrono::steady_clock::now();
    CHECK(key_from_passphrase("p", header).error().code == errc::invalid_argument);
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::milliseconds(100));
  }
}

TEST_CASE("a newer format is told from damage", "[secrets]") {
  auto newer = write_vault_header(header_of(key_source::keyring));
  newer[8] = 2;
  CHECK(read(newer).error().message == "the vault's header is damaged");
  // The checksum is in the same place in every version: BLAKE2b-128 of the rest, computed here by
  // an independent program for a header of zeroes.
  std::string text("THVVAULT\x02\x00\x78\x00", 12);
  std::string const sum("\x31\xb9\x47\xed\xa0\xfd\x9e\x4c\xc4\xc3\x20\x2f\x22\x5e\x32\x19", 16);
  text += sum + std::string(92, '\0');
  auto const refused = read(text);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::unsupported);
  CHECK(refused.error().message == "the vault has format 2, this program knows up to 1");
}

TEST_CASE("the same passphrase gives the same key for one header only", "[secrets]") {
  auto const one = header_of(key_source::passphrase);
  auto const two = header_of(key_source::passphrase);
  auto const key = key_from_passphrase("correct horse", one).value();
  CHECK(key_from_passphrase("correct horse", one).value() == key);
  CHECK_FALSE(key_from_passphrase("correct horse", two).value() == key);
  CHECK_FALSE(key_from_passphrase("correct house", one).value() == key);
  CHECK(key_from_passphrase("", one).error().code == errc::invalid_argument);
}
