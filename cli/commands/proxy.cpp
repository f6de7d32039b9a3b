// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include <thv/mcp/line_buffer.hpp>

#include "../change.hpp"
#include "../gateway_start.hpp"
#include "../interrupt.hpp"
#include "../output.hpp"
#include "../stdio_proxy.hpp"
#include "commands.hpp"

// proxy stdio: a member for clients that only speak stdio.
namespace thv::cli {

namespace {

using namespace std::chrono_literals;

/// The running gateway; it is started unless the user stopped it.
result<gateway_view> gateway_for_client(session& s) {
  THV_TRY(auto g, look_at_gateway(s));
  if (g.is != gateway_view::state::down) return running_gateway(s);
  return start_gateway(s);
}

/// Feeds lines of standard input to `take` until its end or a stop.
result<void> read_lines(std::stop_token const& stop, std::function<void(std::string)> const& take) {
  mcp::line_buffer lines;
  std::string buffer(64 * 1024, '\0');
  while (!stop.stop_requested()) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, 200) <= 0) continue;
    auto const count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    if (!lines.append({buffer.data(), static_cast<std::size_t>(count)}))
      return fail(errc::invalid_argument, "a line on standard input is longer than 16 MiB");
    while (auto line = lines.next()) take(*std::move(line));
  }
  if (!lines.rest().empty() && !stop.stop_requested()) take(std::string(lines.rest()));
  return {};
}

int proxy_stdio(session& s, std::string const& name) {
  auto const g = gateway_for_client(s);
  if (!g) return failed(g.error());
  // Says now whether there is such a member, rather than to each request.
  if (auto const to = endpoint_of_member(s, *g, name); !to) return failed(to.error());
  interrupt_guard interrupt;
  std::mutex locating;
  auto const locate = [&]() -> result<mcp_endpoint> {
    std::lock_guard const lock(locating);
    THV_TRY(auto const now, running_gateway(s));
    return endpoint_of_member(s, now, name);
  };
  auto const out = [](std::string_view line) {
    print(line);
    print("\n");
    (void)finish_output();
  };
  stdio_proxy proxy(locate, out);
  auto const read =
      read_lines(interrupt.token(), [&](std::string line) { proxy.take(std::move(line)); });
  proxy.finish(within(30s, interrupt.token()));
  if (!read) return failed(read.error());
  return 0;
}

}  // namespace

command proxy_command() {
  auto o = std::make_shared<std::vector<std::string>>();
  command stdio;
  stdio.name = "stdio";
  stdio.summary = "Serve an MCP server on standard input and output";
  stdio.details =
      "For clients that only speak stdio: put this command into their configuration. It starts "
      "the\n"
      "gateway unless 'gateway stop' was used.";
  stdio.example = "thv-engine proxy stdio fetch";
  stdio.words = {"NAME", 1, 1, o.get(), completes::workloads};
  stdio.run = [o](session& s) { return proxy_stdio(s, o->front()); };
  command c;
  c.name = "proxy";
  c.summary = "Serve an MCP server to a client in another way";
  c.example = "thv-engine proxy stdio fetch";
  c.commands.push_back(std::move(stdio));
  return c;
}

}  // namespace thv::cli
