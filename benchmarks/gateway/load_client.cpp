// SPDX-License-Identifier: Apache-2.0
#include "load_client.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>

namespace {

constexpr char usage[] = R"(Calls the tool `echo` of an MCP server and checks every answer.

  load_client http --url URL [options]        calls over Streamable HTTP, one in flight for each
                                              of N keep-alive connections
  load_client stdio [options] -- COMMAND...   calls over the pipes of a server that it starts
  load_client first-list --url URL...         asks each until tools/list shows --tools tools
                                              `*echo`, prints when (seconds of CLOCK_MONOTONIC)
  load_client idle --url URL --sessions K [--stream]
                                              holds K sessions open until its input ends

  --in-flight N    1           --calls N | --seconds S   how long
  --warm-up N      0 calls     --size BYTES              64, of each text
  --tool NAME      else the first listed one whose name ends in "echo"
  --prefix TEXT    what the tool puts in front of the text, such as "Echo: "
  --method NAME    tools/call or tools/list
  --own-sessions   a session for each connection, with the same ids in each
  --stateless      revision 2026-07-28: no session
  --sse            the older transport HTTP+SSE: the URL is the stream's
  --header LINE    a further request header, e.g. "Authorization: Bearer x"
  --timeout S      30, for one answer (first-list: for all)
  --wait           print {"ready":true} before the measured part and wait for a line of input;
                   after the result, hold the connections until the input ends
)";

using bench::load_error;

void read_value(bench::options& chosen, std::string const& name, std::string const& value) {
  std::map<std::string, std::uint64_t*> const numbers{{"--in-flight", &chosen.in_flight},
                                                      {"--calls", &chosen.calls},
                                                      {"--warm-up", &chosen.warm_up},
                                                      {"--sessions", &chosen.sessions},
                                                      {"--tools", &chosen.tools}};
  if (auto const found = numbers.find(name); found != numbers.end()) {
    *found->second = std::stoull(value);
  } else if (name == "--url") {
    chosen.urls.push_back(value);
    bench::read_url(chosen, value);
  } else if (name == "--size") {
    chosen.size = std::stoull(value);
  } else if (name == "--seconds") {
    chosen.seconds = std::stod(value);
  } else if (name == "--timeout") {
    chosen.timeout = std::stod(value);
  } else if (name == "--tool") {
    chosen.tool = value;
  } else if (name == "--prefix") {
    chosen.prefix = value;
  } else if (name == "--method") {
    chosen.method = value;
  } else if (name == "--header") {
    chosen.headers += value + "\r\n";
  } else {
    throw load_error{"no such option: " + name};
  }
}

bench::options read_options(int count, char** words) {
  bench::options chosen;
  std::map<std::string, bool*> const flags{{"--own-sessions", &chosen.own_sessions},
                                           {"--stream", &chosen.stream},
                                           {"--wait", &chosen.wait},
                                           {"--stateless", &chosen.stateless},
                                           {"--sse", &chosen.sse}};
  chosen.mode = count > 1 ? words[1] : "";
  for (int i = 2; i < count; ++i) {
    std::string const name = words[i];
    if (name == "--") {
      chosen.command.assign(words + i + 1, words + count);
      break;
    }
    if (auto const found = flags.find(name); found != flags.end()) {
      *found->second = true;
    } else if (i + 1 < count) {
      read_value(chosen, name, words[++i]);
    } else {
      throw load_error{name + " needs a value, or is no option"};
    }
  }
  if (chosen.calls == 0 && chosen.seconds == 0) chosen.seconds = 1;
  return chosen;
}

bool run(bench::options const& chosen) {
  if (chosen.mode == "stdio" && !chosen.command.empty()) return load_stdio(chosen);
  if (chosen.port == 0) throw load_error{"--url is missing, or the command behind `stdio --`"};
  if (chosen.mode == "http") return load_http(chosen);
  if (chosen.mode == "first-list") return first_list(chosen);
  if (chosen.mode == "idle") return idle_sessions(chosen);
  throw load_error{"no such mode: " + chosen.mode};
}

}  // namespace

int main(int count, char** words) {
  if (count < 2 || std::string{words[1]} == "--help") {
    std::fputs(usage, count < 2 ? stderr : stdout);
    return count < 2 ? 2 : 0;
  }
  try {
    return run(read_options(count, words)) ? 0 : 1;
  } catch (std::exception const& problem) {
    std::fprintf(stderr, "load_client: %s\n", problem.what());
    return 2;
  }
}
