// SPDX-License-Identifier: Apache-2.0
// The real clients read what was written for them: their own commands list the members of a group,
// reach them and call their tools, and no longer list what has gone.
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "real_clients.hpp"

using namespace thv::test;
using Catch::Matchers::ContainsSubstring;
using cli_test::user;

namespace {

using servers = std::map<std::string, listed_server>;

constexpr auto token = "a-token-of-the-gateway-0123456789";

std::string read_file(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void run_member(user const& u, std::string const& name, std::string const& group, bool http) {
  std::vector<std::string> arguments{"run", "--name", name, "--group", group};
  if (http) arguments.insert(arguments.end(), {"--transport", "streamable-http"});
  arguments.push_back(TINY_SERVER);
  if (http) arguments.insert(arguments.end(), {"--", "http"});
  u.expect_done(arguments);
}

std::string url_of(user const& u, std::string const& member) {
  return fmt::format("http://127.0.0.1:{}/servers/{}/mcp",
                     u.json({"gateway", "status"}).at("port").as_int64(), member);
}

/// A user of this client with a group of two members, one of each transport.
class home {
 public:
  explicit home(real_client const& c, std::string const& variable = {}) : client(c) {
    if (!variable.empty()) u.set(variable, (u.home() / c.file).parent_path().string());
    u.write(c.file, c.text);
    // Claude Code writes its file anew when it starts, in its own form.
    if (c.kind == "claude-code") (void)list_servers(u, c);
    original = text();
    run_member(u, "alpha", "tools", false);
    run_member(u, "beta", "tools", true);
  }

  [[nodiscard]] std::string text() const { return read_file(u.home() / client.file); }

  /// What the client lists but for the user's own server, which must be there.
  [[nodiscard]] listing ours() const {
    auto listed = list_servers(u, client);
    INFO(text() << listed.text);
    if (client.kind != "codex") {
      CHECK(listed.servers["mine"] == listed_server{"http://127.0.0.1:9/mcp", false});
      listed.servers.erase("mine");
    }
    return listed;
  }

  /// These members are listed with their URLs and reached; no others.
  void check_listed(std::set<std::string> const& members) const {
    servers expected;
    for (auto const& name : members) expected[name] = {url_of(u, name), true};
    auto listed = ours();
    // OpenCode 1.18.33 gives a server 30 s to be connected, whatever keeps it from reading the
    // answer, and then asks for HTTP+SSE at the same address ("SSE error: Non-200 status code
    // (400)"). Seen on a busy machine in one of more than a hundred lists, which took a minute; the
    // same came out when it was stopped with SIGSTOP for 35 s after its first request, which the
    // gateway had answered after 2 ms. Asked again, it must reach them.
    if (client.kind == "opencode" && listed.servers != expected) listed = ours();
    INFO(text() << listed.text);
    CHECK(listed.servers == expected);
  }

  /// Everything that is not ours is as it was before the first entry.
  void check_restored() const {
    if (client.kind != "claude-code") {
      CHECK(text() == original);
      return;
    }
    // It writes other things of its own meanwhile.
    auto const now = boost::json::parse(text()).as_object();
    auto const before = boost::json::parse(original).as_object();
    CHECK(now.at("mcpServers") == before.at("mcpServers"));
    CHECK(now.at("userID") == before.at("userID"));
  }

  real_client const& client;
  user u;
  std::string original;
};

real_client const& client_of(std::string const& kind) {
  for (auto const& c : real_clients())
    if (c.kind == kind) return c;
  throw std::runtime_error("no such client");
}

void sees_members_come_and_go(std::string const& kind) {
  home h(client_of(kind));
  auto const& u = h.u;
  u.expect_done({"client", "setup", kind, "--group", "tools"});
  h.check_listed({"alpha", "beta"});
  auto const said = call_echo(u, h.client);
  INFO(said);
  for (auto const* const member : {"alpha", "beta"})
    CHECK_THAT(said, ContainsSubstring("Echo: hello from ") && ContainsSubstring(member));

  u.expect_done({"stop", "alpha"});
  h.check_listed({"beta"});
  u.expect_done({"start", "alpha"});
  u.expect_done({"group", "move", "beta", "--from", "tools", "--to", "default"});
  h.check_listed({"alpha"});
  run_member(u, "gamma", "tools", true);
  u.expect_done({"client", "register", kind, "--group", "default"});
  h.check_listed({"alpha", "beta", "gamma"});
  u.expect_done({"client", "remove", kind, "--group", "default"});
  u.expect_done({"group", "delete", "tools", "--yes"});
  h.check_listed({});
  h.check_restored();
  u.expect_done({"client", "remove", kind});
  h.check_restored();
}

void follows_token_and_port(std::string const& kind) {
  home h(client_of(kind));
  auto const& u = h.u;
  u.expect_done({"client", "register", kind, "--group", "tools"});
  auto const before = url_of(u, "alpha");
  auto const secret = u.write("token", token);
  REQUIRE(chmod(secret.c_str(), 0600) == 0);
  auto const port = u.json({"gateway", "status"}).at("port").as_int64() + 1000;
  u.write("config/thv-engine/config.toml",
          fmt::format("[gateway]\nlisten = \"127.0.0.1:{}\"\ntoken_file = \"{}\"\n", port, secret));
  u.expect_done({"gateway", "stop"});
  u.expect_done({"gateway", "start"});
  CHECK(url_of(u, "alpha") != before);
  h.check_listed({"alpha", "beta"});
  auto const said = call_echo(u, h.client);
  CHECK_THAT(said, ContainsSubstring("Echo: hello from ") && ContainsSubstring("beta"));
  CHECK_THAT(h.text(), ContainsSubstring(token));
  struct stat found {};
  REQUIRE(stat((u.home() / h.client.file).c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);

  u.expect_done({"client", "remove", kind});
  CHECK_THAT(h.text(), !ContainsSubstring(token));
  h.check_listed({});
  h.check_restored();
}

/// The client is told by its own variable to keep its file in another folder.
void is_found_by_its_variable(std::string const& kind, std::string const& variable) {
  auto client = client_of(kind);
  auto const usual = client.file;
  client.file = "its own place/" + std::filesystem::path(usual).filename().string();
  home h(client, variable);
  auto& u = h.u;
  u.expect_done({"client", "setup", kind, "--group", "tools"});
  CHECK_FALSE(std::filesystem::exists(u.home() / usual));
  h.check_listed({"alpha", "beta"});
  CHECK_THAT(call_echo(u, client), ContainsSubstring("Echo: hello from "));
  // From a terminal without the variable.
  auto const place = u.variables().at(variable);
  u.set(variable, "");
  u.expect_done({"stop", "alpha"});
  u.set(variable, place);
  h.check_listed({"beta"});
  u.set(variable, "");
  u.expect_done({"client", "remove", kind});
  u.set(variable, place);
  h.check_listed({});
  h.check_restored();
}

}  // namespace

TEST_CASE("Claude Code is found where CLAUDE_CONFIG_DIR says", "[clients][real]") {
  is_found_by_its_variable("claude-code", "CLAUDE_CONFIG_DIR");
}

TEST_CASE("Codex is found where CODEX_HOME says", "[clients][real]") {
  is_found_by_its_variable("codex", "CODEX_HOME");
}

TEST_CASE("OpenCode reads the entries in opencode.jsonc", "[clients][real]") {
  auto client = client_of("opencode");
  auto const usual = client.file;
  client.file += "c";
  home h(client);
  auto const& u = h.u;
  std::string const other = "{\"$schema\": \"https://opencode.ai/config.json\"}\n";
  u.write(usual, other);
  u.expect_done({"client", "setup", "opencode", "--group", "tools"});
  h.check_listed({"alpha", "beta"});
  u.expect_done({"client", "remove", "opencode"});
  h.check_listed({});
  h.check_restored();
  CHECK(read_file(u.home() / usual) == other);
}

TEST_CASE("Claude Code lists and calls the members of its groups", "[clients][real]") {
  sees_members_come_and_go("claude-code");
}

TEST_CASE("Codex lists and calls the members of its groups", "[clients][real]") {
  sees_members_come_and_go("codex");
}

TEST_CASE("Gemini CLI lists and calls the members of its groups", "[clients][real]") {
  sees_members_come_and_go("gemini-cli");
}

TEST_CASE("OpenCode lists and calls the members of its groups", "[clients][real]") {
  sees_members_come_and_go("opencode");
}

TEST_CASE("Claude Code follows the gateway's token and port", "[clients][real]") {
  follows_token_and_port("claude-code");
}

TEST_CASE("Codex follows the gateway's token and port", "[clients][real]") {
  follows_token_and_port("codex");
}

TEST_CASE("Gemini CLI follows the gateway's token and port", "[clients][real]") {
  follows_token_and_port("gemini-cli");
}

TEST_CASE("OpenCode follows the gateway's token and port", "[clients][real]") {
  follows_token_and_port("opencode");
}

TEST_CASE("clients show one of our entries in detail", "[clients][real]") {
  user u;
  for (auto const* const kind : {"claude-code", "codex"}) {
    auto const& c = client_of(kind);
    u.write(c.file, c.text);
  }
  run_member(u, "alpha.one", "tools", false);
  u.expect_done({"client", "register", "claude-code", "codex", "--group", "tools"});
  auto const url = url_of(u, "alpha.one");

  auto const claude = run_client(u, client_of("claude-code"), {"mcp", "get", "alpha.one"});
  INFO(claude.out << claude.err);
  CHECK(claude.status == 0);
  CHECK_THAT(claude.out, ContainsSubstring("Connected") && ContainsSubstring("Type: http") &&
                             ContainsSubstring("URL: " + url));
  // Codex wants other names.
  auto const codex = run_client(u, client_of("codex"), {"mcp", "get", "alpha-one", "--json"});
  INFO(codex.out << codex.err);
  REQUIRE(codex.status == 0);
  auto const shown = boost::json::parse(codex.out);
  CHECK(shown.at("transport").at("type") == "streamable_http");
  CHECK(shown.at("transport").at("url") == boost::json::value(url));

  u.expect_done({"rm", "alpha.one"});
  auto const gone = run_client(u, client_of("codex"), {"mcp", "get", "alpha-one"});
  CHECK(gone.status != 0);
  CHECK(run_client(u, client_of("claude-code"), {"mcp", "get", "alpha.one"}).status != 0);
}

TEST_CASE("what clients' own commands change meanwhile stays", "[clients][real]") {
  struct commands {
    char const* kind;
    std::vector<std::string> add;
    std::vector<std::string> remove;
  };
  std::string const url = "http://127.0.0.1:9/other";
  for (auto const& own : std::vector<commands>{
           {"claude-code",
            {"mcp", "add", "--scope", "user", "--transport", "http", "other", url},
            {"mcp", "remove", "--scope", "user", "alpha"}},
           {"codex", {"mcp", "add", "other", "--url", url}, {"mcp", "remove", "alpha"}},
           {"gemini-cli",
            {"mcp", "add", "--scope", "user", "--transport", "http", "other", url},
            {"mcp", "remove", "--scope", "user", "alpha"}}}) {
    INFO(own.kind);
    home h(client_of(own.kind));
    auto const& u = h.u;
    auto const run = [&](std::vector<std::string> const& arguments) {
      auto const seen = run_client(u, h.client, arguments);
      INFO(seen.out << seen.err);
      REQUIRE(seen.status == 0);
    };
    auto const states = [&] {
      std::map<std::string, std::string> found;
      auto const status = u.json({"client", "status", own.kind});
      for (auto const& e : status.as_array().at(0).at("entries").as_array())
        found[std::string(e.at("name").as_string())] = std::string(e.at("state").as_string());
      return found;
    };
    using all = std::map<std::string, std::string>;
    u.expect_done({"client", "register", own.kind, "--group", "tools"});
    run(own.add);
    INFO(h.text());
    CHECK(states() == all{{"alpha", "current"}, {"beta", "current"}});
    run(own.remove);
    CHECK(states() == all{{"alpha", "missing"}, {"beta", "current"}});
    // The next change of the group puts it back.
    u.expect_done({"restart", "beta"});
    CHECK(states() == all{{"alpha", "current"}, {"beta", "current"}});
    u.expect_done({"client", "remove", own.kind});
    auto const text = h.text();
    INFO(text);
    CHECK_THAT(text, ContainsSubstring(url) && ContainsSubstring("http://127.0.0.1:9/mcp"));
    CHECK_THAT(text, !ContainsSubstring("alpha") && !ContainsSubstring("beta"));
    if (h.client.text.find("mine\n") != std::string::npos)
      CHECK_THAT(text, ContainsSubstring("mine\n"));
  }
}
