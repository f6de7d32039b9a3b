// SPDX-License-Identifier: Apache-2.0
#include <deque>

#include "docker/driver.hpp"
#include "docker/frames.hpp"
#include "docker/log_view.hpp"

namespace thv::docker {

namespace {

/// Reads one answer of logs into a view.
result<void> read_logs(api& engine, plugin::call const& c, std::string const& id,
                       std::string const& query, log_view& view) {
  THV_TRY(auto const path, engine.prefix(c));
  frame_reader frames;
  THV_TRY(auto const answer,
          engine.stream(c, container_logs(path, id, query), [&](std::string_view bytes) {
            return frames.feed(bytes, [&](auto stream, std::string_view piece, bool first) {
              return view.feed(stream, piece, first);
            });
          }));
  if (answer.status != 200) return api::refusal(answer, "cannot read the logs of '" + id + "'");
  if (frames.broken()) return fail(errc::engine, "the engine's log of '" + id + "' is garbled");
  view.finish();
  return {};
}

}  // namespace

result<void> driver::logs(plugin::call const& c, std::string const& id,
                          plugin::log_options const& options, plugin::log_sink const& sink) {
  THV_TRY(auto const found, api_.inspect(c, id));
  bool const stdio = found.instance.transport == transport::stdio;
  if (!stdio || options.tail == 0) {
    std::string query = options.follow ? "&follow=1" : "";
    if (options.tail != 0) query += "&tail=" + std::to_string(options.tail);
    log_view view({.hide_protocol = stdio}, sink);
    return read_logs(api_, c, id, query, view);
  }
  // The engine would count lines of protocol: what is there is counted here, then followed.
  std::deque<std::string> last;
  log_view history({.hide_protocol = true, .timestamps = true}, [&](std::string_view line) {
    last.emplace_back(line);
    if (last.size() > options.tail) last.pop_front();
    return true;
  });
  THV_CHECK(read_logs(api_, c, id, "&timestamps=1", history));
  for (auto const& line : last)
    if (!sink(line)) return {};
  if (!options.follow) return {};
  log_view rest({.hide_protocol = true, .timestamps = true, .after = history.newest()}, sink);
  return read_logs(api_, c, id, "&timestamps=1&follow=1" + since(history.newest()), rest);
}

}  // namespace thv::docker
