// SPDX-License-Identifier: Apache-2.0
// Whatever an engine answers, its parsers end with a value or an error. The first byte of the input
// picks the parser.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <docker/log_view.hpp>
#include <docker/protocol.hpp>

namespace {

using namespace thv::docker;

void frames(std::string_view text, log_view_options options) {
  log_view view(std::move(options), [](std::string_view) { return true; });
  frame_reader reader;
  // In two pieces, so that headers, stamps and lines are cut anywhere.
  auto const cut = text.empty() ? 0 : static_cast<unsigned char>(text[0]) % text.size();
  for (auto const piece : {text.substr(0, cut), text.substr(cut)})
    if (!reader.feed(piece, [&](auto s, auto p, bool first) { return view.feed(s, p, first); }))
      return;
  view.finish();
  (void)since(view.newest());
}

void pull(std::string_view text) {
  pull_progress progress("image:1");
  line_splitter lines;
  lines.feed(text, [&](std::string_view line) {
    progress.feed(line);
    return true;
  });
  progress.feed(lines.rest());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view const text(reinterpret_cast<char const*>(data + 1), size - 1);
  switch (data[0] % 10) {
    case 0:
      if (auto const c = parse_container(text, 0); c && c->instance.id.empty()) __builtin_trap();
      break;
    case 1:
      (void)parse_ids(text);
      (void)parse_created(text);
      break;
    case 2:
      if (auto const v = parse_version(text)) (void)negotiate(*v);
      break;
    case 3:
      (void)parse_exposed_ports(text);
      break;
    case 4:
      (void)parse_event(text);
      break;
    case 5:
      (void)parse_message(text);
      break;
    case 6:
      pull(text);
      break;
    case 7:
      frames(text, {.hide_protocol = true, .timestamps = true});
      break;
    case 8:
      frames(text, {.hide_protocol = true});
      break;
    default:
      (void)parse_time(text);
      (void)parse_image(text);
      break;
  }
  return 0;
}
