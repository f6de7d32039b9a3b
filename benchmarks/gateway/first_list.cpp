// SPDX-License-Identifier: Apache-2.0
// When a server that has just been started shows its tools for the first time.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "load_client.hpp"

namespace bench {

namespace {

std::size_t list_once(options const& chosen) {
  if (chosen.sse) {
    event_source source{chosen};
    http_link link{source.messages_to()};
    exchange const send = [&](std::string const& message) { return source.post(link, message); };
    open_session(send);
    return echo_tools(send, false).size();
  }
  http_link link{chosen};
  exchange const send = [&](std::string const& message) { return link.post(message); };
  if (!chosen.stateless) open_session(send);
  return echo_tools(send, chosen.stateless).size();
}

/// A poll that costs the server real work must not starve it: wait a twentieth of the time.
void pause_after(clock::duration waited) {
  auto const share = std::chrono::duration<double, std::micro>(waited).count() / 20;
  usleep(static_cast<useconds_t>(std::clamp(share, 200.0, 100000.0)));
}

void wait_for_tools(options const& chosen, clock::time_point begun, clock::time_point limit) {
  std::string last = "nothing was tried";
  while (clock::now() < limit) {
    try {
      auto const found = list_once(chosen);
      if (found >= chosen.tools) return;
      last = std::to_string(found) + " tools";
    } catch (load_error const& problem) {
      last = problem.what();
    }
    pause_after(clock::now() - begun);
  }
  throw load_error{"no full tools/list in time; last: " + last};
}

}  // namespace

bool first_list(options const& chosen) {
  announce(chosen);
  auto const begun = clock::now();
  auto const limit = begun + std::chrono::duration_cast<clock::duration>(
                                 std::chrono::duration<double>(chosen.timeout));
  auto once = chosen;
  once.timeout = std::min(chosen.timeout, 5.0);
  for (auto const& url : chosen.urls) {
    read_url(once, url);
    wait_for_tools(once, begun, limit);
  }
  auto const now = clock::now().time_since_epoch();
  std::printf("{\"listed_at\":%.6f}\n", std::chrono::duration<double>(now).count());
  return true;
}

}  // namespace bench
