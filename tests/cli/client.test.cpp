// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include <boost/json/parse.hpp>

#include "program.hpp"

using namespace cli_test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr char cursor_before[] =
    "{\n\t// mine\n\t\"mcpServers\": {\n\t\t\"local\": {\"command\": \"uvx\"}, // keep\n\t},\n}\n";

std::string read_file(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

fs::path home(user const& u) {
  return u.variables().at("HOME");
}

fs::path cursor(user const& u) {
  return home(u) / ".cursor/mcp.json";
}

fs::path codex(user const& u) {
  return home(u) / ".codex/config.toml";
}

void install_cursor(user const& u) {
  fs::create_directories(cursor(u).parent_path());
  std::ofstream(cursor(u), std::ios::binary) << cursor_before;
}

void run(user const& u, std::string const& name, std::string const& group) {
  u.expect_done({"run", "--name", name, "--group", group, TINY_SERVER});
}

bool holds(fs::path const& file, std::string const& text) {
  return read_file(file).find(text) != std::string::npos;
}

bool eventually(std::function<bool()> const& fine) {
  for (auto const end = std::chrono::steady_clock::now() + 15s;
       std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(20ms))
    if (fine()) return true;
  return fine();
}

boost::json::object status_of(user const& u, std::string const& client) {
  return u.json({"client", "status", client}).as_array().at(0).as_object();
}

}  // namespace

TEST_CASE("a client's file follows its group", "[cli][client]") {
  user u;
  install_cursor(u);
  run(u, "one", "dev");
  auto const done = u.run({"client", "setup", "cursor", "codex", "--group", "dev"});
  CHECK(done.status == 0);
  CHECK(done.out == "Registered cursor, codex with group: dev\n");
  CHECK(done.err.find("Updated cursor (" + cursor(u).string() + "): +one\n") != std::string::npos);
  CHECK(holds(cursor(u), "/servers/one/mcp"));
  CHECK(holds(cursor(u), "\"local\": {\"command\": \"uvx\"}, // keep"));
  CHECK(holds(codex(u), "[mcp_servers.one]"));

  run(u, "two", "dev");
  CHECK(holds(cursor(u), "/servers/two/mcp"));
  u.expect_done({"stop", "one"});
  CHECK_FALSE(holds(cursor(u), "/servers/one/mcp"));
  u.expect_done({"start", "one"});
  CHECK(holds(cursor(u), "/servers/one/mcp"));

  u.expect_done({"group", "create", "ops"});
  u.expect_done({"client", "register", "goose", "--group", "ops"});
  auto const goose = fs::path(u.variables().at("XDG_CONFIG_HOME")) / "goose/config.yaml";
  CHECK_FALSE(fs::exists(goose));
  u.expect_done({"group", "move", "two", "--from", "dev", "--to", "ops"});
  CHECK_FALSE(holds(cursor(u), "/servers/two/mcp"));
  CHECK(holds(goose, "/servers/two/mcp"));

  CHECK(u.expect_done({"client", "list-registered"}) ==
        "CLIENT   GROUPS\ncodex    dev\ncursor   dev\ngoose    ops\n");
  u.expect_done({"group", "delete", "dev", "--yes"});
  CHECK(read_file(cursor(u)) == cursor_before);
  CHECK_FALSE(fs::exists(codex(u)));
  CHECK(u.expect_done({"client", "list-registered"}) == "CLIENT   GROUPS\ngoose    ops\n");
  u.expect_done({"client", "remove", "goose"});
  CHECK_FALSE(fs::exists(goose));
  CHECK(u.expect_done({"client", "list-registered"}) == "No clients are currently registered.\n");
}

TEST_CASE("the state of clients is told, also what others have changed", "[cli][client]") {
  user u;
  install_cursor(u);
  run(u, "one", "default");
  run(u, "two", "default");
  run(u, "local", "default");
  auto const done = u.run({"client", "register", "cursor"});
  CHECK(done.status == 0);
  CHECK(done.err.find("cursor has its own local in") != std::string::npos);
  auto status = status_of(u, "cursor");
  CHECK(status.at("installed") == true);
  CHECK(status.at("registered") == true);
  CHECK(status.at("groups") == boost::json::array{"default"});

  auto text = read_file(cursor(u));
  auto const at = text.find("/servers/one/mcp");
  REQUIRE(at != std::string::npos);
  text.replace(at, 16, "/elsewhere");
  std::ofstream(cursor(u), std::ios::binary) << text;
  status = status_of(u, "cursor");
  std::map<std::string, std::string> states;
  for (auto const& e : status.at("entries").as_array())
    states[std::string(e.at("name").as_string())] = std::string(e.at("state").as_string());
  CHECK(states == std::map<std::string, std::string>{
                      {"local", "foreign"}, {"one", "changed"}, {"two", "current"}});
  auto const shown = u.expect_done({"client", "status", "cursor"});
  CHECK(shown.find("1/3") != std::string::npos);
  CHECK(shown.find("cursor: 'one' was changed by somebody else") != std::string::npos);
  CHECK(shown.find("cursor: 'local' is an entry of its own") != std::string::npos);

  u.expect_done({"client", "register", "cursor", "--force"});
  CHECK(holds(cursor(u), "/servers/local/mcp"));
  CHECK(holds(cursor(u), "/servers/one/mcp"));
  u.expect_done({"client", "remove", "cursor"});
  CHECK(holds(cursor(u), "\"local\": {\"command\": \"uvx\"}, // keep"));
  CHECK_FALSE(holds(cursor(u), "/servers/"));
}

TEST_CASE("another port or token of the gateway reaches the clients", "[cli][client]") {
  user u;
  install_cursor(u);
  run(u, "one", "default");
  u.expect_done({"client", "register", "cursor"});
  u.expect_done({"gateway", "stop"});
  auto const token = u.write("token", "t0ken-for-clients\n");
  fs::permissions(token, fs::perms(0600));
  u.write("config/thv-engine/config.toml",
          "[gateway]\nlisten = \"127.0.0.1:24490\"\ntoken_file = \"" + token + "\"\n");
  u.expect_done({"gateway", "start"});
  CHECK(eventually([&] { return holds(cursor(u), "Bearer t0ken-for-clients"); }));
  auto const port = u.json({"gateway", "status"}).at("port").as_int64();
  CHECK(port != 4483);
  CHECK(holds(cursor(u), ":" + std::to_string(port) + "/servers/one/mcp"));
  struct stat found {};
  REQUIRE(::stat(cursor(u).c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  CHECK_FALSE(holds(u.home() / "state/thv-engine/clients.json", "t0ken"));
  CHECK(u.expect_done({"client", "show", "codex"}).find("Bearer t0ken-for-clients") !=
        std::string::npos);
  auto const exported = u.expect_done({"export", "--format", "mcpservers", "--group", "default"});
  CHECK(exported.find("Bearer t0ken-for-clients") != std::string::npos);
  CHECK(exported.find("/servers/one/mcp") != std::string::npos);
  u.expect_done({"client", "remove", "cursor"});
  CHECK(read_file(cursor(u)) == cursor_before);
}

TEST_CASE("setup asks in the terminal, with what it found", "[cli][client]") {
  user u;
  install_cursor(u);
  run(u, "one", "dev");
  auto const refused = u.run({"client", "setup"});
  CHECK(refused.status == 2);
  CHECK(refused.err.find("no client was named") != std::string::npos);
  auto const asked = u.run_on_terminal(
      {"client", "setup"},
      dialogue{{"Which groups", "dev\n"}, {"Which clients", "\n"}, {"[y/N]", "y\n"}});
  INFO(asked.out);
  CHECK(asked.status == 0);
  CHECK(asked.out.find("1) cursor") != std::string::npos);
  CHECK(holds(cursor(u), "/servers/one/mcp"));
  auto const again = u.run_on_terminal({"client", "setup"}, dialogue{{"Which groups", "dev\n"}});
  CHECK(again.out.find("already registered for the selected groups") != std::string::npos);
}

TEST_CASE("what clients and groups there are not is said", "[cli][client]") {
  user u;
  for (auto const* verb : {"setup", "register", "remove", "status", "show"}) {
    auto const unknown = u.run({"client", verb, "nothing"});
    CAPTURE(verb);
    CHECK(unknown.status == 2);
    CHECK(unknown.err.find("claude-code") != std::string::npos);
  }
  for (auto const* verb : {"setup", "register", "status", "show"}) {
    auto const unknown = u.run({"client", verb, "cursor", "--group", "nowhere"});
    CAPTURE(verb);
    CHECK(unknown.status == 1);
    CHECK(unknown.err.find("group 'nowhere' does not exist") != std::string::npos);
  }
  CHECK(u.run({"client", "remove", "cursor"}).status == 0);
  CHECK_FALSE(fs::exists(cursor(u)));
  fs::create_directories(cursor(u).parent_path());
  std::ofstream(cursor(u)) << "{\"mcpServers\": [";
  run(u, "one", "default");
  auto const broken = u.run({"client", "register", "cursor", "codex"});
  CHECK(broken.status == 3);
  CHECK(broken.out == "Registered codex with group: default\n");
  CHECK(broken.err.find(cursor(u).string()) != std::string::npos);
  CHECK(read_file(cursor(u)) == "{\"mcpServers\": [");
  CHECK(holds(codex(u), "/servers/one/mcp"));
  auto const all_broken = u.run({"client", "register", "cursor"});
  CHECK(all_broken.status == 1);
  CHECK(all_broken.out.empty());
  CHECK(u.expect_done({"client", "list-registered"}) == "CLIENT   GROUPS\ncodex    default\n");
  // The next change does not fail for it.
  CHECK(u.run({"stop", "one"}).status == 0);
}

TEST_CASE("a registration that shows a client nothing is no success", "[cli][client]") {
  user u;
  fs::create_directories(cursor(u).parent_path());
  std::string const own = "{\"mcpServers\": {\"one\": {\"command\": \"uvx\"}}}";
  std::ofstream(cursor(u)) << own;
  run(u, "one", "default");
  auto const refused = u.run({"client", "register", "cursor", "--format", "json"});
  CHECK(refused.status == 1);
  CHECK(refused.err.find("--force") != std::string::npos);
  auto const said = boost::json::parse(refused.out);
  CHECK(said.at("status") == "failed_undone");
  auto const& reason = said.at("clients").at(0).at("error").at("message").as_string();
  CHECK(reason.find(cursor(u).string()) != std::string::npos);
  auto const partly = u.run({"client", "setup", "cursor", "codex", "--format", "json"});
  CHECK(partly.status == 3);
  CHECK(boost::json::parse(partly.out).at("status") == "partly_done");
  CHECK(read_file(cursor(u)) == own);
  auto const done = u.run({"client", "register", "cursor", "--force", "--format", "json"});
  CHECK(done.status == 0);
  CHECK(boost::json::parse(done.out).at("status") == "done");
  u.expect_done({"client", "remove", "cursor"});
  CHECK(read_file(cursor(u)) == own);
}

TEST_CASE("without the gateway's token clients can be looked at and removed", "[cli][client]") {
  user u;
  install_cursor(u);
  auto const token = u.write("token", "t0ken-for-clients\n");
  fs::permissions(token, fs::perms(0600));
  u.write("config/thv-engine/config.toml", "[gateway]\ntoken_file = \"" + token + "\"\n");
  run(u, "one", "default");
  u.expect_done({"client", "register", "cursor"});
  CHECK(holds(cursor(u), "Bearer t0ken-for-clients"));
  fs::remove(token);

  CHECK(u.run({"client", "list"}).err.find(token) == std::string::npos);
  CHECK(u.expect_done({"client", "list-registered"}) == "CLIENT   GROUPS\ncursor   default\n");
  auto const status = u.run({"client", "status", "cursor"});
  CHECK(status.status == 0);
  CHECK(status.err.find("unknown without the gateway's token") != std::string::npos);
  CHECK(status.err.find(token) != std::string::npos);
  CHECK(status_of(u, "cursor").at("entries").at(0).at("state") == "unknown");
  auto const refused = u.run({"client", "register", "codex"});
  CHECK(refused.status == 1);
  CHECK(refused.err.find(token) != std::string::npos);
  CHECK_FALSE(fs::exists(codex(u)));
  u.expect_done({"client", "remove", "cursor"});
  CHECK(read_file(cursor(u)) == cursor_before);
}

TEST_CASE("clients' own variables say where their files are", "[cli][client]") {
  user u;
  run(u, "one", "default");
  auto const folder = home(u) / "elsewhere";
  u.set("CODEX_HOME", (folder / "codex").string());
  u.set("CLAUDE_CONFIG_DIR", (folder / "claude").string());
  u.expect_done({"client", "register", "codex", "claude-code"});
  CHECK(holds(folder / "codex/config.toml", "/servers/one/mcp"));
  CHECK(holds(folder / "claude/.claude.json", "/servers/one/mcp"));
  CHECK_FALSE(fs::exists(codex(u)));
  // What the variable says later, for this shell, moves nothing.
  u.set("CODEX_HOME", "");
  u.set("CLAUDE_CONFIG_DIR", (home(u) / "third").string());
  auto const again = u.run({"client", "register", "codex"});
  CHECK(again.status == 0);
  CHECK(again.err.find("stay there") != std::string::npos);
  CHECK(again.err.find(codex(u).string()) != std::string::npos);
  u.expect_done({"stop", "one"});
  CHECK_FALSE(fs::exists(folder));
  u.expect_done({"start", "one"});
  CHECK(holds(folder / "codex/config.toml", "/servers/one/mcp"));
  u.expect_done({"client", "remove", "codex", "claude-code"});
  CHECK_FALSE(fs::exists(folder));
}

TEST_CASE("25 clients are known", "[cli][client]") {
  user u;
  auto const all = u.json({"client", "list"}).as_array();
  CHECK(all.size() == 25);
  run(u, "one", "default");
  for (auto const& one : all) {
    auto const name = std::string(one.at("client_type").as_string());
    auto const shown = u.expect_done({"client", "show", name});
    CAPTURE(name);
    CHECK(shown.find("/servers/one/mcp") != std::string::npos);
  }
}
