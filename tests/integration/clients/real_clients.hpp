// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "../../cli/program.hpp"

// The real clients, as a user of them runs them.
namespace thv::test {

/// The folder where `tests/integration/clients/setup` has installed clients, Node and the judge's
/// packages; installs them when they are not there. Throws with what it said when it fails.
[[nodiscard]] std::string const& client_programs();

/// Node with a script of this folder.
[[nodiscard]] cli_test::outcome run_script(cli_test::user const& u, std::string const& script,
                                           std::vector<std::string> const& arguments,
                                           cli_test::environment more = {});

/// A server as a client lists it.
struct listed_server {
  std::string url;
  bool connected = false;

  friend bool operator==(listed_server const&, listed_server const&) = default;
};

/// What a client's own command lists.
struct listing {
  std::map<std::string, listed_server> servers;  ///< by name
  std::string text;                              ///< as it said it
};

/// One kind of client that runs here.
struct real_client {
  std::string kind;                ///< as `thv-engine client` calls it
  std::string file;                ///< its configuration below the home folder
  std::string text;                ///< which is this before anything happens
  std::string program;             ///< in the folder `bin` of `client_programs`
  std::vector<std::string> list;   ///< the arguments that list servers
  cli_test::environment switches;  ///< no updates, no telemetry
};

/// Claude Code, Codex, Gemini CLI and OpenCode.
[[nodiscard]] std::vector<real_client> const& real_clients();

/// Runs it as that user, in the folder `work` of their home.
[[nodiscard]] cli_test::outcome run_client(cli_test::user const& u, real_client const& c,
                                           std::vector<std::string> const& arguments,
                                           cli_test::environment more = {});

/// What its own command lists. `connected`: it says that it has reached the server (Codex is asked
/// over its protocol for editors).
[[nodiscard]] listing list_servers(cli_test::user const& u, real_client const& c);

/// Lets it call the tool `echo` of all its servers, led by the model of `model.mjs` (Codex without
/// one); what it says.
[[nodiscard]] std::string call_echo(cli_test::user const& u, real_client const& c);

}  // namespace thv::test
