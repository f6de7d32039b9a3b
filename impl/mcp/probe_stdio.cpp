// SPDX-License-Identifier: Apache-2.0
#include <thv/mcp/probe.hpp>

#include "probe_common.hpp"
#include "stdio_channel.hpp"

namespace thv::mcp {

result<probe_result> probe_stdio(plugin::call const& c, plugin::stream const& stream,
                                 bool initialised) {
  detail::stdio_channel channel(c, stream);
  detail::conversation conversation({detail::fresh_id(), initialised, stream.dirty});
  // Ends what the owner before left half written. The rest of a line that the server was writing
  // then comes first, is no message and is skipped like any prose.
  if (stream.dirty) channel.send("");
  auto step = conversation.start();
  for (;;) {
    for (auto const& message : step.send) channel.send(message.text);
    if (step.outcome) break;
    auto line = channel.receive();
    if (!line) return conversation.explained(std::move(line).error());
    step = conversation.take(*line);
  }
  if (*step.outcome) {
    // `notifications/initialized` may be all that is left to say.
    THV_CHECK(channel.flush());
  } else {
    conversation.quote(step.outcome->error());
  }
  return *std::move(step.outcome);
}

}  // namespace thv::mcp
