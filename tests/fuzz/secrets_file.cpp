// SPDX-License-Identifier: Apache-2.0
// Any bytes as a vault's file, and as the plaintext in one whose seal is right: a header or
// contents within their limits, or an error with the file's name; never a long derivation or much
// memory.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <thv/secrets/vault_header.hpp>

#include "secrets/vault_contents.hpp"

namespace {

using namespace thv::secrets;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_error(thv::error const& e) {
  require(e.code == thv::errc::corrupt || e.code == thv::errc::unsupported);
  require(!e.message.empty() && !e.hint.empty() && e.where == "fuzz");
}

void check_header(std::string_view text) {
  auto const header = read_vault_header(text, text.size(), "fuzz");
  if (!header) return check_error(header.error());
  if (header->source == key_source::passphrase) {
    require(header->cost.passes >= 1 && header->cost.passes <= 16);
    require(header->cost.memory_kib >= 1024 && header->cost.memory_kib <= 1024 * 1024);
  }
  auto const again = write_vault_header(*header);
  require(again == text.substr(0, again.size()) && again.size() + header->contents == text.size());
}

locked_buffer locked(std::string_view text) {
  locked_buffer buffer(text.size());
  std::memcpy(buffer.data(), text.data(), text.size());
  return buffer;
}

void check_contents(std::string_view text) {
  auto contents = vault_contents::parse(locked(text), "fuzz");
  if (!contents) return check_error(contents.error());
  auto again = vault_contents::parse(contents->text(), "again");
  require(again.has_value());
  auto const one = std::move(*contents).hand_out();
  auto const two = std::move(*again).hand_out();
  require(one.list() == two.list());
  for (auto const& s : one.list())
    require(one.exactly(s.group, s.name) == two.exactly(s.group, s.name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  check_header(text);
  check_contents(text);
  // A fuzzer does not guess a checksum of 128 bits: the rest of a header, with the right one.
  if (size >= vault_header::fixed_size) {
    vault_header h;
    h.source = static_cast<key_source>(data[28]);
    std::memcpy(&h.cost.passes, data + 32, 4);
    std::memcpy(&h.cost.memory_kib, data + 36, 4);
    std::memcpy(&h.contents, data + 40, 4);
    h.key_location = text.substr(vault_header::fixed_size);
    auto whole = write_vault_header(h);
    whole.resize(whole.size() + (h.contents & 0xff));
    check_header(whole);
  }
  return 0;
}
