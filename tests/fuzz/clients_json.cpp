// SPDX-License-Identifier: Apache-2.0
// Any bytes as a client's JSON file: it is refused with a place, or entries come and go in it and
// every byte is there again. The first byte chooses the client and the order.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thv/clients/edit.hpp>
#include <vector>

namespace clients = thv::clients;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

clients::edited edit(clients::kind const& k, clients::edited const& from,
                     clients::changes const& what) {
  auto next = clients::edit(k, from.text, what, from.notes);
  require(next.has_value());
  return *next;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  static std::vector<clients::kind const*> const kinds = {
      *clients::find_kind("claude-code"), *clients::find_kind("amp-cli"),
      *clients::find_kind("opencode"), *clients::find_kind("vscode")};
  auto const& k = *kinds[data[0] % kinds.size()];
  std::string const text(reinterpret_cast<char const*>(data + 1), size - 1);
  std::vector<std::string> names = {"a", "b", "mcp"};
  if ((data[0] & 4) != 0) std::swap(names[0], names[1]);
  if ((data[0] & 8) != 0) std::swap(names[1], names[2]);

  auto const read = clients::read_entries(k, text);
  auto const first = clients::edit(k, text, {{{names[0], "http://x", "t"}}, {}}, {});
  require(read.has_value() == first.has_value());
  if (!first) {
    require(!first.error().message.empty() && !first.error().hint.empty());
    require(read.error() == first.error());
    return 0;
  }
  auto const second = edit(k, *first, {{{names[1], "http://y", ""}, {names[2], "z", ""}}, {}});
  auto const there = clients::read_entries(k, second.text);
  require(there && there->at(names[1]) == clients::canonical(k, {names[1], "http://y", ""}));
  for (auto const& [name, value] : *read)
    if (name != "a" && name != "b" && name != "mcp") require(there->at(name) == value);

  auto const third = edit(k, second, {{{names[0], "http://w", ""}}, {names[1]}});
  auto const fourth = edit(k, third, {{}, {names[0]}});
  auto const last = edit(k, fourth, {{}, {names[2]}});
  require(last.text == text && last.notes == clients::undo_notes{});
  return 0;
}
