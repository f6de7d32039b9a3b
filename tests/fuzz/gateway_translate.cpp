// SPDX-License-Identifier: Apache-2.0
// Any bytes as a message that crosses eras: whatever comes out is JSON, with the id asked for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <thv/gateway/header_value.hpp>
#include <thv/gateway/message.hpp>
#include <thv/gateway/translate.hpp>

using namespace thv::gateway;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Made from an object it is one, with this id.
void require_message(std::string const& text, bool from_object) {
  auto const value = parsed(text);
  if (!from_object) return require(text.empty() || value.is_object());
  require(value.is_object());
  auto const* id = member_at(value, {"id"});
  require(id && *id == 7);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  // Such a text goes no further than the scanner.
  message in;
  if (message_scanner().scan(text, in) == message_fault::range) return 0;
  bool const object = parsed(text).is_object();
  envelope from;
  from.info = text;
  from.capabilities = text;
  from.log_level = "info";
  require_message(legacy_request(text, "7", "8"), object);
  require_message(stateless_request(text, "7", "8", from), object);
  require_message(stateless_retry(text, "7", "", from, text, "state"), object);
  for (auto const* const method : {"tools/list", "tools/call", "resources/read", "x"}) {
    require_message(stateless_answer(text, "7", method, text), object);
    require_message(legacy_answer(text, "7", method), object);
  }
  for (bool const shared : {false, true})
    require(parsed(initialize_result(text, "2025-06-18", shared)).is_object());
  require(parsed(discover_result(text)).is_object());
  if (auto const info = server_info(text); !info.empty()) require(!info.starts_with('\n'));
  if (object) require(parsed(without_reserved_meta(text)).is_object());
  require(parsed(tagged_notification("m", text, "7")).is_object() || object || !text.empty());

  auto const value = encode_header_value(text);
  for (unsigned char const c : value) require(c >= 0x20 && c <= 0x7E);
  require(decode_header_value(value) == std::string(text));
  (void)decode_header_value(text);
  return 0;
}
