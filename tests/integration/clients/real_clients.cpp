// SPDX-License-Identifier: Apache-2.0
#include "real_clients.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <regex>
#include <sstream>
#include <stdexcept>

#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <boost/json/parse.hpp>

namespace thv::test {

namespace fs = std::filesystem;
using cli_test::environment;
using cli_test::outcome;
using cli_test::user;

namespace {

/// The output of a command of the shell; nothing when it fails.
std::optional<std::string> output_of(std::string const& command) {
  auto* const pipe = popen(command.c_str(), "re");
  if (pipe == nullptr) return std::nullopt;
  std::string text;
  std::array<char, 4096> buffer;
  while (auto const count = fread(buffer.data(), 1, buffer.size(), pipe))
    text.append(buffer.data(), count);
  if (pclose(pipe) != 0) return std::nullopt;
  return text;
}

/// What a client needs of its user's environment, as far as it says where the client's files are.
environment surroundings(user const& u) {
  environment found{{"LANG", "C.UTF-8"}};
  for (auto const* const name :
       {"HOME", "PATH", "XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"})
    if (auto const set = u.variables().find(name); set != u.variables().end()) found.insert(*set);
  return found;
}

std::string without_colours(std::string const& text) {
  static std::regex const colours("\x1b\\[[0-9;]*m");
  return std::regex_replace(text, colours, "");
}

/// `model.mjs`, with its port, as long as this lives.
class model {
 public:
  model() {
    auto const node = client_programs() + "/bin/node";
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    process_ = fork();
    if (process_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      execl(node.c_str(), "node", CLIENT_SCRIPTS "/model.mjs", nullptr);
      _exit(127);
    }
    close(ends[1]);
    std::array<char, 16> buffer{};
    auto const count = read(ends[0], buffer.data(), buffer.size() - 1);
    close(ends[0]);
    if (count <= 1) throw std::runtime_error("the model does not start");
    url_ = fmt::format("http://127.0.0.1:{}", std::stoi(buffer.data()));
  }
  model(model const&) = delete;
  model& operator=(model const&) = delete;
  ~model() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }

  [[nodiscard]] std::string const& url() const { return url_; }

 private:
  pid_t process_ = -1;
  std::string url_;
};

std::vector<real_client> make_clients() {
  return {
      {"claude-code",
       ".claude.json",
       R"({
  "numStartups": 3,
  "mcpServers": {
    "mine": {
      "type": "http",
      "url": "http://127.0.0.1:9/mcp"
    }
  },
  "projects": {}
})",
       "claude",
       {"mcp", "list"},
       {{"DISABLE_AUTOUPDATER", "1"}, {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"}}},
      {"codex",
       ".codex/config.toml",
       R"(# mine
model = "gpt-5.5-codex" # the large one
check_for_update_on_startup = false

[mcp_servers.mine]
url = "http://127.0.0.1:9/mcp"
enabled = false

[analytics]
enabled = false
)",
       "codex",
       {"mcp", "list", "--json"},
       {}},
      {"gemini-cli",
       ".gemini/settings.json",
       R"({
  // mine
  "security": { "auth": { "selectedType": "gemini-api-key" } },
  "general": { "enableAutoUpdate": false },
  "privacy": { "usageStatisticsEnabled": false },
  "mcpServers": {
    "mine": { "httpUrl": "http://127.0.0.1:9/mcp" } /* does not answer */
  }
}
)",
       "gemini",
       {"mcp", "list"},
       {{"GEMINI_CLI_TRUST_WORKSPACE", "true"}}},
      {"opencode",
       "config/opencode/opencode.json",
       R"({
	"$schema": "https://opencode.ai/config.json",
	// mine
	"autoupdate": false,
	"share": "disabled",
	"mcp": {
		"mine": { "type": "remote", "url": "http://127.0.0.1:9/mcp" },
	},
}
)",
       "opencode",
       {"mcp", "list"},
       {{"OPENCODE_DISABLE_AUTOUPDATE", "1"}, {"OPENCODE_DISABLE_MODELS_FETCH", "1"}}},
  };
}

/// `NAME: URL (HTTP) - ✔ Connected` and what stands for it elsewhere.
std::map<std::string, listed_server> parse_listing(std::string const& text, char const* pattern,
                                                   std::array<int, 3> groups) {
  std::map<std::string, listed_server> found;
  std::regex const line(pattern);
  for (auto at = std::sregex_iterator(text.begin(), text.end(), line); at != std::sregex_iterator();
       ++at) {
    auto const& match = *at;
    found[match[groups[0]]] = {match[groups[1]], match[groups[2]].length() > 0};
  }
  return found;
}

std::map<std::string, listed_server> codex_servers(user const& u, real_client const& c,
                                                   std::string const& listing) {
  auto const tools = run_script(u, "codex.mjs", {client_programs() + "/bin/" + c.program});
  std::map<std::string, listed_server> found;
  auto const listed = boost::json::parse(listing);
  for (auto const& server : listed.as_array()) {
    if (!server.at("enabled").as_bool()) continue;
    std::string const name(server.at("name").as_string());
    found[name] = {std::string(server.at("transport").at("url").as_string()),
                   tools.out.find(name + " has echo\n") != std::string::npos};
  }
  return found;
}

}  // namespace

std::string const& client_programs() {
  static std::string const folder = [] {
    auto const said = output_of(CLIENT_SCRIPTS "/setup");
    if (!said) throw std::runtime_error("the clients cannot be installed; see above");
    return said->substr(0, said->find('\n'));
  }();
  return folder;
}

outcome run_script(user const& u, std::string const& script,
                   std::vector<std::string> const& arguments, environment more) {
  auto variables = surroundings(u);
  variables["THV_CLIENTS"] = client_programs();
  variables.merge(more);
  std::vector<std::string> all{CLIENT_SCRIPTS "/" + script};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return cli_test::running(all, variables, client_programs() + "/bin/node", u.home().string())
      .wait();
}

std::vector<real_client> const& real_clients() {
  static auto const all = make_clients();
  return all;
}

outcome run_client(user const& u, real_client const& c, std::vector<std::string> const& arguments,
                   environment more) {
  auto variables = surroundings(u);
  variables.insert(c.switches.begin(), c.switches.end());
  variables.merge(more);
  auto const folder = u.home() / "work";
  fs::create_directories(folder);
  return cli_test::running(arguments, variables, client_programs() + "/bin/" + c.program,
                           folder.string())
      .wait();
}

listing list_servers(user const& u, real_client const& c) {
  auto const seen = run_client(u, c, c.list);
  if (seen.status != 0)
    throw std::runtime_error(
        fmt::format("{} ended with {}: {}{}", c.kind, seen.status, seen.out, seen.err));
  if (c.kind == "codex") return {codex_servers(u, c, seen.out), seen.out};
  // Gemini CLI writes its list to standard error.
  auto const text = without_colours(seen.out + seen.err);
  if (c.kind == "opencode")
    return {
        parse_listing(text, R"((✓ )?(\S+) (?:connected|failed)[\s\S]*?(https?://\S+))", {2, 3, 1}),
        text};
  return {
      parse_listing(text, R"((\S+): (https?://\S+) \(\w+\) - (?:[✔✓]+ )?(Connected)?)", {1, 2, 3}),
      text};
}

std::string call_echo(user const& u, real_client const& c) {
  if (c.kind == "codex")
    return run_script(u, "codex.mjs", {client_programs() + "/bin/" + c.program}).out;
  model const m;
  std::string const prompt = "Call echo.";
  outcome seen;
  if (c.kind == "claude-code")
    seen = run_client(u, c, {"-p", prompt, "--permission-mode", "bypassPermissions"},
                      {{"ANTHROPIC_BASE_URL", m.url()},
                       {"ANTHROPIC_API_KEY", "none"},
                       {"ENABLE_TOOL_SEARCH", "false"},
                       {"IS_SANDBOX", "1"}});
  else if (c.kind == "gemini-cli")
    seen = run_client(u, c, {"--yolo", "-m", "gemini-2.5-pro", "-p", prompt},
                      {{"GOOGLE_GEMINI_BASE_URL", m.url()}, {"GEMINI_API_KEY", "none"}});
  else
    seen = run_client(
        u, c, {"run", prompt},
        {{"OPENCODE_CONFIG_CONTENT",
          fmt::format(R"({{"model": "test/test", "small_model": "test/test", "provider": {{"test":
              {{"npm": "@ai-sdk/openai-compatible", "models": {{"test": {{}}}},
                "options": {{"baseURL": "{}/v1", "apiKey": "none"}}}}}}}})",
                      m.url())}});
  return without_colours(seen.out + seen.err);
}

}  // namespace thv::test
