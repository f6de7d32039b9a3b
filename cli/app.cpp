// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

#include <csignal>
#include <exception>
#include <string>
#include <vector>

#include "change.hpp"
#include "commands/commands.hpp"
#include "help.hpp"
#include "output.hpp"
#include "parse.hpp"
#include "session.hpp"

namespace thv::cli {

namespace {

void on_broken_pipe(int) {}

/// Writing to a closed pipe becomes an error. A handler, unlike SIG_IGN, does not reach children.
void survive_broken_pipes() {
  struct sigaction action {};
  action.sa_handler = on_broken_pipe;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGPIPE, &action, nullptr);
}

int run_arguments(std::vector<std::string> const& arguments) {
  auto const root = all_commands();
  global_options options;
  auto const globals = global_flags(options);
  auto const found = parse(root, globals, arguments);
  if (!found) return wrong_usage(found.error());
  if (found->help) {
    print(help_text(*found->chosen, found->path, globals));
    return 0;
  }
  session s(root, options);
  return found->chosen->run(s);
}

}  // namespace

command all_commands() {
  command root;
  root.name = "thv-engine";
  root.summary = "Groups of MCP servers as one unit: declare, plan, deploy, observe, delete";
  root.details =
      "Exit status: 0 done, 1 failed and undone, 2 wrong command line, 3 partly done, 4 not all\n"
      "could be undone, 130 interrupted.";
  root.example =
      "thv-engine group run mobile-app-team-toolkit --registry ./registry.json\n"
      "thv-engine list";
  root.commands = {
      group_command(),    run_command(),    list_command(),     status_command(),
      logs_command(),     stop_command(),   start_command(),    restart_command(),
      rm_command(),       client_command(), secret_command(),   gateway_command(),
      mcp_command(),      proxy_command(),  registry_command(), search_command(),
      runtime_command(),  export_command(), version_command(),  completion_command(),
      complete_command(),
  };
  return root;
}

int run_program(int count, char** arguments) {
  survive_broken_pipes();
  try {
    int const status = run_arguments({arguments + 1, arguments + count});
    if (auto const written = finish_output(); !written) return failed(written.error());
    return status;
  } catch (std::exception const& e) {
    say_error(fail(errc::internal, std::string("a defect of thv-engine: ") + e.what()));
    return 1;
  }
}

}  // namespace thv::cli
