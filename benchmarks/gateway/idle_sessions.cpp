// SPDX-License-Identifier: Apache-2.0
// Sessions that nobody uses: one keep-alive connection each, with or without an open stream.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <map>
#include <memory>

#include "load_client.hpp"

namespace bench {

bool idle_sessions(options const& chosen) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  std::vector<int> held;
  std::vector<std::unique_ptr<event_source>> sources;
  std::map<int, int> statuses;
  for (std::uint64_t i = 0; i < chosen.sessions; ++i) {
    if (chosen.sse) {
      auto& source = *sources.emplace_back(std::make_unique<event_source>(chosen));
      http_link link{source.messages_to()};
      open_session([&](std::string const& message) { return source.post(link, message); });
      continue;
    }
    http_link link{chosen};
    open_session([&](std::string const& message) { return link.post(message); });
    if (chosen.stream) ++statuses[link.open_stream()];
    held.push_back(link.release());
  }
  std::string seen;
  for (auto const& [status, count] : statuses)
    seen += (seen.empty() ? "\"" : ",\"") + std::to_string(status) + "\":" + std::to_string(count);
  std::printf("{\"open\":%zu,\"streams\":{%s}}\n", held.size() + sources.size(), seen.c_str());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
  }
  for (auto const socket : held) close(socket);
  return true;
}

}  // namespace bench
