// SPDX-License-Identifier: Apache-2.0
// A second process for the tests of the process runtime:
//   process_peer STATE CACHE STORE exchange ID LINE   attach, send LINE, print the answer
//   process_peer STATE CACHE STORE half ID TEXT       attach, send TEXT without end, wait
//   process_peer STATE CACHE STORE deploy NAME PROGRAM
#include <unistd.h>

#include <cstdio>
#include <process/driver.hpp>
#include <string>

using namespace thv;

static int complain(error const& e) {
  std::fprintf(stderr, "%s\n", to_string(e).c_str());
  return 1;
}

static void send(int fd, std::string const& text) {
  if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) ::_exit(3);
}

static int exchange(plugin::stream const& stream, std::string const& line) {
  send(stream.write_fd, (stream.dirty ? "\n" : "") + line + "\n");
  for (char c = 0; ::read(stream.read_fd, &c, 1) == 1;) {
    std::putchar(c);
    if (c == '\n') return 0;
  }
  return 4;
}

int main(int argc, char** argv) {
  if (argc < 7) return 2;
  plugin::host_context host;
  host.runtime_name = "process";
  host.state_directory = argv[1];
  host.cache_directory = argv[2];
  host.store = argv[3];
  std::string const verb = argv[4];
  auto made = process::driver::create(host);
  if (!made) return complain(made.error());
  auto& runtime = **made;
  if (verb == "deploy") {
    plugin::workload_spec spec;
    spec.name = argv[5];
    spec.group = "default";
    spec.store = argv[3];
    spec.source = parse_source(std::string("file://") + argv[6]);
    auto const deployed = runtime.deploy({}, spec);
    if (!deployed) return complain(deployed.error());
    std::puts(deployed->id.c_str());
    return 0;
  }
  auto const stream = runtime.attach({}, argv[5]);
  if (!stream) return complain(stream.error());
  if (verb == "exchange") return exchange(*stream, argv[6]);
  send(stream->write_fd, argv[6]);
  std::puts("sent");
  std::fflush(stdout);
  ::pause();
  return 0;
}
