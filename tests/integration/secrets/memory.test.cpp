// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstdio>

#include <thv/secrets/encrypted_file.hpp>
#include <thv/secrets/key_file.hpp>

#include "temporary.hpp"

using namespace thv::secrets;
using secrets_test::folder;

namespace {

std::string output_of(std::string const& command) {
  auto* const pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  std::array<char, 4096> buffer{};
  while (auto const n = std::fread(buffer.data(), 1, buffer.size(), pipe))
    text.append(buffer.data(), n);
  ::pclose(pipe);
  return text;
}

}  // namespace

TEST_CASE("an opened vault is in no core dump", "[secrets][integration]") {
  folder const where;
  auto const key = make_key_file(where.path() / "key").value();
  encrypted_file const file(where.path() / "vault");
  REQUIRE(file.create(new_vault_header(key_source::key_file), key));
  // With an escape, a length beyond any small buffer, and one that is kept as base64.
  std::string const marker = "core-dump-marker-0123456789";
  REQUIRE(file.set(key, "", "short", marker));
  REQUIRE(file.set(key, "", "escaped", "line\n\"" + marker + "\"" + std::string(10'000, 'x')));
  REQUIRE(file.set(key, "", "binary", "\xff" + marker));
  std::string changed = marker;
  for (auto& c : changed) c = static_cast<char>(c ^ 1);
  CHECK(output_of("'" SECRETS_PEER "' scan '" + file.path().string() + "' '" +
                  (where.path() / "key").string() + "' '" + changed + "'") == "0 and some\n");
}
