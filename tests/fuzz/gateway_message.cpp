// SPDX-License-Identifier: Apache-2.0
// Any bytes as a message of a client or member: its parts lie inside it, and with its id replaced
// it is the same message with another id.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <thv/gateway/message.hpp>

using namespace thv::gateway;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool inside(std::string_view part, std::string_view text) {
  return part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static message_scanner scanner;
  static message_scanner second;
  std::string text(reinterpret_cast<char const*>(data), size);
  message found;
  if (auto const fault = scanner.scan(text, found); fault != message_fault::none) {
    require(found.text.empty() || fault == message_fault::range || fault == message_fault::invalid);
    if (!found.id.empty()) require(inside(found.id, found.text));
    return 0;
  }
  for (auto const raw : {found.id, found.progress_token, found.request_id, found.subscription_id})
    if (!raw.empty()) require(inside(raw, found.text));
  bool const asks = found.kind == message_kind::request;
  if (asks) require(!found.id.empty());
  if (found.kind == message_kind::notification) require(found.id.empty());
  if (found.id.empty()) return 0;

  replacement const token{found.progress_token.empty() ? std::string_view() : found.progress_token,
                          "4242"};
  std::string out;
  append_with(out, found.text, {found.id, "123456789"}, token);
  make_one_line(out.data(), out.data() + out.size());
  require(out.find_first_of("\r\n") == std::string::npos);
  message again;
  require(second.scan(out, again) == message_fault::none);
  require(again.id == "123456789" && again.kind == found.kind && again.method == found.method);
  require(again.name == found.name && again.uri == found.uri && again.task == found.task);
  require(again.revision == found.revision && again.result_type == found.result_type);
  require(again.reserved_meta == found.reserved_meta);
  if (token.part.data()) require(again.progress_token == "4242");

  // And back: the client's own id, in its own spelling.
  std::string back;
  append_with(back, again.text, {again.id, found.id});
  message third;
  require(second.scan(back, third) == message_fault::none && third.id == found.id);
  return 0;
}
