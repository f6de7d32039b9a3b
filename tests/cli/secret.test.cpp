// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "program.hpp"

using namespace cli_test;

namespace {

namespace fs = std::filesystem;

std::string const value = fmt::format("Xq7-secret-{}-9Zt", ::getpid());

bool contains(std::string const& text, std::string const& part) {
  return text.find(part) != std::string::npos;
}

std::string contents(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string private_file(user const& u, std::string const& name, std::string const& text) {
  auto const path = u.write(name, text);
  ::chmod(path.c_str(), 0600);
  return path;
}

/// Runs the program with a file as standard input: no value is a word of any command line.
outcome run_with(user const& u, std::string const& input,
                 std::vector<std::string> const& arguments) {
  auto const path = private_file(u, "input", input);
  std::vector<std::string> words{"-c", "exec \"$0\" \"$@\" <'" + path + "'", THV_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  auto seen = u.run_program("/bin/sh", words);
  fs::remove(path);
  return seen;
}

void set(user const& u, std::string const& name, std::string const& text,
         std::string const& group = {}) {
  std::vector<std::string> words{"secret", "set", name};
  if (!group.empty()) words.insert(words.end(), {"--group", group});
  auto const seen = run_with(u, text, words);
  INFO(seen.err);
  REQUIRE(seen.status == 0);
  CHECK(seen.out.empty());
}

bool comes(std::function<bool()> const& condition) {
  for (int tries = 0; tries < 200; ++tries) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

/// The process of a member, or 0 while it does not answer.
pid_t pid_of(user const& u, std::string const& name) {
  auto const seen = u.run({"mcp", "call", name, "pid"});
  return seen.status == 0 ? static_cast<pid_t>(std::stol(seen.out)) : 0;
}

/// The variable TOKEN of a member.
std::string token_of(user const& u, std::string const& name) {
  auto const pid = pid_of(u, name);
  if (pid == 0) return "no process";
  std::istringstream variables(contents(fmt::format("/proc/{}/environ", pid)));
  for (std::string one; std::getline(variables, one, '\0');)
    if (one.starts_with("TOKEN=")) return one.substr(6);
  return "no variable";
}

bool waits_for_token(user const& u, std::string const& name) {
  auto const status = u.json({"status", name});
  auto const* const why = status.as_object().if_contains("status_context");
  return why != nullptr && *why == "waiting for secret token";
}

/// A user whose secrets have a key file.
void set_up(user const& u) {
  u.expect_done({"secret", "setup", "--key", "key-file"});
}

std::string shown(user const& u, std::vector<std::string> const& arguments, outcome const& seen) {
  return normalized(fmt::format("$ thv-engine {}\n{}{}[{}]\n\n", fmt::join(arguments, " "),
                                seen.out, seen.err, seen.status),
                    u);
}

}  // namespace

TEST_CASE("what the secret commands say", "[cli][secret]") {
  user u;
  std::string all;
  auto const show = [&](std::vector<std::string> const& arguments) {
    all += shown(u, arguments, u.run(arguments));
  };
  auto const show_with = [&](std::string const& input, std::vector<std::string> const& arguments) {
    all += shown(u, arguments, run_with(u, input, arguments));
  };
  show({"secret", "provider"});
  show({"secret", "list"});
  show_with(value, {"secret", "set", "github"});
  show({"secret", "get", "github"});
  show({"secret", "setup"});
  show({"secret", "setup", "--key", "passphrase"});
  show({"secret", "setup", "--key", "key-file"});
  show({"secret", "setup"});
  show({"secret", "provider"});
  show({"secret", "provider", "encrypted"});
  show({"secret", "provider", "environment"});
  show({"secret", "provider", "1password"});
  show({"secret", "list"});
  show_with("", {"secret", "set", "github"});
  show_with("\n", {"secret", "set", "github"});
  show_with(value + "\n", {"secret", "set", "github"});
  show_with("x", {"secret", "set", "github", "a-value-as-a-word"});
  show_with(value, {"secret", "set", "a=b"});
  show_with(value, {"secret", "set", "github", "--group", "Bad Group"});
  show_with("of the team", {"secret", "set", "github", "--group", "team"});
  show({"secret", "get", "github", "--group", "team"});
  show({"secret", "get", "nosuch"});
  show({"secret", "list"});
  show({"secret", "list", "--group", "other"});
  show({"secret", "list", "--used-by"});
  show({"secret", "list", "--format", "json"});
  show({"secret", "delete", "nosuch"});
  show({"secret", "delete"});
  show({"secret", "delete", "--all"});
  show({"secret", "delete", "github", "--all", "--group", "team"});
  show({"secret", "delete", "github", "--group", "team"});
  show({"secret", "delete", "github", "--group", "team"});
  show({"secret", "unlock"});
  show({"secret", "lock"});
  u.set("THV_SECRETS_PROVIDER", "environment");
  show_with(value, {"secret", "set", "github"});
  show({"secret", "delete", "github"});
  show({"secret", "list"});
  show({"secret", "provider"});
  u.set("THV_SECRETS_PROVIDER", "none");
  show({"secret", "provider"});
  CHECK_FALSE(contains(all, value));
  check_golden("secret", all);
}

TEST_CASE("a value goes in and comes out as it is", "[cli][secret]") {
  user u;
  set_up(u);
  for (std::string const& text : {value, std::string("two\nlines\n"), std::string("nul\0nul", 7),
                                  std::string("größe 秘密"), std::string("\xff\xfe binary")}) {
    set(u, "name", text + "\n");
    CHECK(u.expect_done({"secret", "get", "name"}) == text + "\n");
  }
  set(u, "name", "for all");
  set(u, "name", "for the team", "team");
  CHECK(u.json({"secret", "get", "name", "--group", "team"}).at("value") == "for the team");
  CHECK(u.json({"secret", "get", "name", "--group", "other"}).at("value") == "for all");
  u.set("THV_SECRET_other", "variable");
  CHECK(u.expect_done({"secret", "get", "other"}) == "variable\n");
}

TEST_CASE("the file and its key are for their user alone", "[cli][secret]") {
  user u;
  set_up(u);
  auto const vault = u.home() / "state" / "thv-engine" / "secrets";
  auto const key = u.home() / "config" / "thv-engine" / "secrets.key";
  for (auto const& path : {vault, key}) {
    struct stat found {};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    CHECK((found.st_mode & 07777) == 0600);
  }
  set(u, "name", value);
  ::chmod(vault.c_str(), 0644);
  auto const refused = u.run({"secret", "get", "name"});
  CHECK(refused.status == 1);
  CHECK(contains(refused.err, "others can read the vault (mode 0644)"));
  CHECK(contains(refused.err, "chmod 600 '"));
  CHECK_FALSE(contains(refused.err, value));
}

TEST_CASE("a damaged file is told and kept", "[cli][secret]") {
  user u;
  set_up(u);
  set(u, "name", value);
  auto const vault = u.home() / "state" / "thv-engine" / "secrets";
  auto const whole = contents(vault);
  auto flipped = whole;
  flipped[whole.size() - 5] = static_cast<char>(flipped[whole.size() - 5] ^ 4);
  for (auto const& [text, message] :
       {std::pair<std::string, std::string>{flipped, "is damaged: its key fits"},
        {whole.substr(0, whole.size() - 1), "is truncated"},
        {"", "is empty"},
        {"{\"secrets\": {}}", "is no vault of thv-engine"}}) {
    private_file(u, "state/thv-engine/secrets", text);
    auto const got = u.run({"secret", "get", "name"});
    CHECK(got.status == 1);
    CHECK(contains(got.err, message));
    CHECK(contains(got.err, "backup"));
    CHECK(run_with(u, "new", {"secret", "set", "name"}).status == 1);
    CHECK(u.run({"secret", "setup", "--key", "key-file"}).status == 1);
    CHECK(contents(vault) == text);
  }
  private_file(u, "state/thv-engine/secrets", whole);
  CHECK(u.expect_done({"secret", "get", "name"}) == value + "\n");
}

TEST_CASE("a passphrase comes from a file, a variable or standard input", "[cli][secret]") {
  user u;
  auto const right = private_file(u, "right", "correct horse battery\n");
  auto const wrong = private_file(u, "wrong", "correct horse\n");
  u.expect_done({"secret", "setup", "--key", "passphrase", "--passphrase-file", right});
  REQUIRE(run_with(u, value, {"secret", "set", "a", "--passphrase-file", right}).status == 0);
  CHECK(u.expect_done({"secret", "get", "a", "--passphrase-file", right}) == value + "\n");
  auto const piped =
      run_with(u, "correct horse battery\n", {"secret", "get", "a", "--passphrase-file", "-"});
  CHECK(piped.out == value + "\n");
  auto const both = run_with(u, value, {"secret", "set", "a", "--passphrase-file", "-"});
  CHECK(both.status == 2);

  auto const refused = u.run({"secret", "get", "a", "--passphrase-file", wrong});
  CHECK(refused.status == 1);
  CHECK(contains(refused.err, "wrong passphrase"));
  auto const nobody = u.run({"secret", "get", "a"});
  CHECK(nobody.status == 1);
  CHECK(contains(nobody.err, "the secrets are locked: their passphrase is not known"));
  u.set("THV_SECRETS_PASSPHRASE_FILE", right);
  CHECK(u.expect_done({"secret", "get", "a"}) == value + "\n");
}

TEST_CASE("the key can be exchanged, and nothing is lost", "[cli][secret]") {
  user u;
  set_up(u);
  set(u, "a", value);
  auto const passphrase = private_file(u, "passphrase", "correct horse battery\n");
  auto const changed =
      u.json({"secret", "setup", "--key", "passphrase", "--new-passphrase-file", passphrase});
  CHECK(changed.at("done") == "changed");
  CHECK(changed.at("key") == "passphrase");
  CHECK(u.run({"secret", "get", "a"}).status == 1);
  CHECK(u.expect_done({"secret", "get", "a", "--passphrase-file", passphrase}) == value + "\n");
  u.expect_done({"secret", "setup", "--key", "key-file", "--key-file",
                 (u.home() / "elsewhere" / "key").string(), "--passphrase-file", passphrase});
  CHECK(u.expect_done({"secret", "get", "a"}) == value + "\n");
}

TEST_CASE("who uses a secret is told when it changes", "[cli][secret]") {
  user u;
  set_up(u);
  set(u, "token", "one");
  u.expect_done(
      {"run", "--name", "alpha", "--group", "team", "--secret", "token,target=TOKEN", TINY_SERVER});
  u.expect_done(
      {"run", "--name", "beta", "--group", "other", "--secret", "token,target=KEY", TINY_SERVER});
  auto const seen = run_with(u, "two", {"secret", "set", "token"});
  CHECK(seen.status == 0);
  CHECK(contains(seen.err,
                 "Warning: The following MCP servers use this secret and may need to be "
                 "restarted:\n  - alpha\n  - beta\n"));
  auto const own = run_with(u, "three", {"secret", "set", "token", "--group", "team"});
  CHECK(contains(own.err, "  - alpha\n"));
  CHECK_FALSE(contains(own.err, "beta"));
  auto const list = u.json({"secret", "list", "--used-by"}).as_array();
  REQUIRE(list.size() == 2);
  for (auto const& item : list) {
    auto const& used = item.at("used_by").as_array();
    REQUIRE(used.size() == 1);
    CHECK(used[0].at("workload") == (item.as_object().contains("group") ? "alpha" : "beta"));
  }
  CHECK(contains(u.run({"secret", "delete", "token"}).err, "  - beta\n"));
  CHECK(contains(u.expect_done({"secret", "list", "--used-by"}),
                 "Used, but not stored:\n  - token\n      beta in 'other', as KEY\n"));
}

TEST_CASE("a value is in no file, log, command line or environment but its member's",
          "[cli][secret]") {
  user u;
  set_up(u);
  set(u, "token", value);
  std::string said;
  auto const run = [&](std::vector<std::string> const& arguments) {
    auto const seen = u.run(arguments);
    INFO(fmt::format("{}\n{}{}", fmt::join(arguments, " "), seen.out, seen.err));
    CHECK(seen.status == 0);
    said += seen.out + seen.err;
  };
  run({"run", "--name", "alpha", "--secret", "token,target=TOKEN", "--debug", TINY_SERVER});
  run({"restart", "alpha", "--dry-run"});
  run({"restart", "alpha", "--debug"});
  run({"status", "alpha", "--format", "json"});
  run({"export", "alpha", "exported.json"});
  run({"secret", "list", "--used-by"});
  run({"gateway", "status"});
  CHECK_FALSE(contains(said, value));

  for (auto const& entry : fs::recursive_directory_iterator(u.home()))
    if (entry.is_regular_file()) {
      INFO(entry.path());
      CHECK_FALSE(contains(contents(entry.path()), value));
    }
  int members = 0;
  std::error_code ignored;
  for (auto const& entry : fs::directory_iterator("/proc", ignored)) {
    CHECK_FALSE(contains(contents(entry.path() / "cmdline"), value));
    if (!contains(contents(entry.path() / "environ"), value)) continue;
    CHECK(contains(contents(entry.path() / "cmdline"), TINY_SERVER));
    ++members;
  }
  CHECK(members == 1);
}

TEST_CASE("members that start again have their secrets as long as the gateway has the key",
          "[cli][secret]") {
  user u;
  auto const passphrase = private_file(u, "passphrase", "correct horse battery\n");
  u.expect_done({"secret", "setup", "--key", "passphrase", "--passphrase-file", passphrase});
  REQUIRE(run_with(u, "one", {"secret", "set", "token", "--passphrase-file", passphrase}).status ==
          0);
  // A gateway that was started with the variable would read the file by itself.
  u.expect_done({"gateway", "start"});
  u.set("THV_SECRETS_PASSPHRASE_FILE", passphrase);
  u.expect_done({"run", "--name", "alpha", "--secret", "token,target=TOKEN", TINY_SERVER});
  u.set("THV_SECRETS_PASSPHRASE_FILE", "");
  CHECK(token_of(u, "alpha") == "one");
  // The gateway has the key, for members and for commands.
  CHECK(u.expect_done({"secret", "get", "token"}) == "one\n");
  auto const killed = pid_of(u, "alpha");
  REQUIRE(::kill(killed, SIGKILL) == 0);
  CHECK(comes([&] { return token_of(u, "alpha") == "one" && pid_of(u, "alpha") != killed; }));

  u.expect_done({"secret", "lock"});
  CHECK(u.run({"secret", "get", "token"}).status == 1);
  CHECK(token_of(u, "alpha") == "one");  // what runs goes on
  REQUIRE(::kill(pid_of(u, "alpha"), SIGKILL) == 0);
  CHECK(comes([&] { return waits_for_token(u, "alpha"); }));
  u.expect_done({"secret", "unlock", "--passphrase-file", passphrase});
  CHECK(comes([&] { return token_of(u, "alpha") == "one"; }));

  // A gateway that was killed has lost the key, and says whom it keeps waiting.
  auto const gateway = static_cast<pid_t>(u.json({"gateway", "status"}).at("pid").as_int64());
  REQUIRE(::kill(gateway, SIGKILL) == 0);
  u.expect_done({"gateway", "start"});
  CHECK(u.run({"secret", "get", "token"}).status == 1);
  u.expect_done({"secret", "unlock", "--passphrase-file", passphrase});
  CHECK(comes([&] { return token_of(u, "alpha") == "one"; }));
}

TEST_CASE("a key file needs nobody: after a killed gateway all is there again", "[cli][secret]") {
  user u;
  set_up(u);
  set(u, "token", "for all");
  set(u, "token", "for the team", "team");
  u.expect_done(
      {"run", "--name", "alpha", "--group", "team", "--secret", "token,target=TOKEN", TINY_SERVER});
  u.expect_done({"run", "--name", "beta", "--secret", "token,target=TOKEN", TINY_SERVER});
  CHECK(token_of(u, "alpha") == "for the team");
  CHECK(token_of(u, "beta") == "for all");
  auto const gateway = static_cast<pid_t>(u.json({"gateway", "status"}).at("pid").as_int64());
  auto const before = pid_of(u, "alpha");
  REQUIRE(::kill(gateway, SIGKILL) == 0);
  (void)::kill(before, SIGKILL);
  u.expect_done({"gateway", "start"});
  CHECK(comes([&] { return token_of(u, "alpha") == "for the team"; }));
  CHECK(pid_of(u, "alpha") != before);
}

TEST_CASE("a rotated value restarts those alone that are given it", "[cli][secret]") {
  user u;
  set_up(u);
  set(u, "token", "one");
  set(u, "token", "own", "other");
  set(u, "unrelated", "x");
  u.expect_done(
      {"run", "--name", "alpha", "--group", "team", "--secret", "token,target=TOKEN", TINY_SERVER});
  u.expect_done(
      {"run", "--name", "beta", "--group", "other", "--secret", "token,target=TOKEN", TINY_SERVER});
  u.expect_done({"run", "--name", "gamma", "--secret", "unrelated,target=TOKEN", TINY_SERVER});
  auto const beta = pid_of(u, "beta");
  auto const gamma = pid_of(u, "gamma");
  auto const seen = run_with(u, "two", {"secret", "set", "token", "--apply", "--format", "json"});
  INFO(seen.out << seen.err);
  CHECK(seen.status == 0);
  CHECK_FALSE(contains(seen.err, "may need to be restarted"));
  CHECK(comes([&] { return token_of(u, "alpha") == "two"; }));
  CHECK(pid_of(u, "beta") == beta);
  CHECK(pid_of(u, "gamma") == gamma);
}

TEST_CASE("neither the gateway nor a command that reads a value leaves a core dump",
          "[cli][secret]") {
  user u;
  set_up(u);
  // Where the kernel writes core files beside a program, one would lie in `cores`. `secret set`
  // waits for the rest of its value when it is killed.
  auto const script = u.write("script",
                              "ulimit -S -c \"$(ulimit -H -c)\"\n"
                              "mkdir \"$1\" && cd \"$1\" || exit 1\n"
                              "\"$0\" gateway start >/dev/null 2>&1\n"
                              "mkfifo pipe; exec 9<>pipe\n"
                              "\"$0\" secret set name <pipe & printf value >&9\n"
                              "sleep 1; cat \"/proc/$!/limits\" >limits\n"
                              "kill -ABRT $!; wait $!; echo \"ended by $?\"\n");
  auto const cores = u.home() / "cores";
  auto const seen =
      u.run_program("/bin/sh", {"-c", ". '" + script + "'", THV_PROGRAM, cores.string()});
  INFO(seen.out << seen.err << contents(cores / "limits"));
  CHECK(contains(seen.out, "ended by 134"));
  auto const gateway = static_cast<pid_t>(u.json({"gateway", "status"}).at("pid").as_int64());
  REQUIRE(::kill(gateway, SIGABRT) == 0);
  CHECK(comes([&] { return u.json({"gateway", "status"}).at("status") != "running"; }));
  for (auto const& entry : fs::recursive_directory_iterator(u.home()))
    CHECK_FALSE(entry.path().filename().string().starts_with("core."));
  CHECK_FALSE(fs::exists(cores / "core"));
}

TEST_CASE("a value that is no UTF-8 stands as base64 in JSON", "[cli][secret]") {
  user u;
  set_up(u);
  set(u, "binary", "\xff\xfe binary");
  auto const got = u.json({"secret", "get", "binary"}).as_object();
  CHECK(got.at("base64") == "//4gYmluYXJ5");
  CHECK_FALSE(got.contains("value"));
}

TEST_CASE("a group that does not exist is noted when its secret is set", "[cli][secret]") {
  user u;
  set_up(u);
  auto const typo = run_with(u, "x", {"secret", "set", "a", "--group", "nosuch"});
  CHECK(typo.status == 0);
  CHECK(contains(typo.err, "there is no group 'nosuch' yet"));
  u.expect_done({"group", "create", "team"});
  CHECK(run_with(u, "x", {"secret", "set", "a", "--group", "team"}).err.empty());
}

TEST_CASE("another key file than the configured one is refused", "[cli][secret]") {
  user u;
  auto const mine = (u.home() / "mine.key").string();
  auto const other = (u.home() / "other.key").string();
  u.set("THV_SECRETS_KEY_FILE", mine);
  set_up(u);
  set(u, "a", value);
  auto const refused = u.run({"secret", "setup", "--key-file", other});
  CHECK(refused.status == 1);
  CHECK(contains(refused.err, "THV_SECRETS_KEY_FILE"));
  CHECK_FALSE(fs::exists(other));
  CHECK(u.expect_done({"secret", "get", "a"}) == value + "\n");
  u.expect_done({"secret", "setup", "--key-file", mine});
}

TEST_CASE("the variable's passphrase file is a new vault's passphrase too", "[cli][secret]") {
  user u;
  u.set("THV_SECRETS_PASSPHRASE_FILE", private_file(u, "passphrase", "correct horse battery\n"));
  u.expect_done({"secret", "setup", "--key", "passphrase"});
  set(u, "a", value);
  CHECK(u.expect_done({"secret", "get", "a"}) == value + "\n");
}

TEST_CASE("a vault that several make at once has its key file", "[cli][secret]") {
  for (int round = 0; round < 8; ++round) {
    user u;
    auto const seen = u.run_program(
        "/bin/sh",
        {"-c",
         "for i in 1 2 3 4; do \"$0\" secret setup --key key-file >/dev/null 2>&1 & done; wait",
         THV_PROGRAM});
    REQUIRE(seen.status == 0);
    set(u, "a", value);
    CHECK(u.expect_done({"secret", "get", "a"}) == value + "\n");
  }
}

TEST_CASE("setting up looks into a vault that is there, and follows a link to one that is not",
          "[cli][secret]") {
  user u;
  set_up(u);
  auto const vault = u.home() / "state" / "thv-engine" / "secrets";
  auto whole = contents(vault);
  whole.back() = static_cast<char>(whole.back() ^ 1);
  private_file(u, "state/thv-engine/secrets", whole);
  auto const damaged = u.run({"secret", "setup"});
  CHECK(damaged.status == 1);
  CHECK(contains(damaged.err, "is damaged: its key fits"));

  fs::remove(vault);
  auto const elsewhere = u.home() / "elsewhere" / "vault";
  fs::create_symlink("../../elsewhere/vault", vault);
  set_up(u);
  CHECK(fs::is_symlink(vault));
  CHECK(fs::is_regular_file(elsewhere));
}

TEST_CASE("on a terminal values and passphrases are asked for and not shown", "[cli][secret]") {
  user u;
  std::string const passphrase = "correct horse battery";
  auto const made = u.run_on_terminal({"secret", "setup"}, {{"[passphrase]: ", "passphrase\n"},
                                                            {"hidden): ", passphrase + "\n"},
                                                            {"again: ", passphrase + "\n"}});
  INFO(made.out);
  CHECK(made.status == 0);
  CHECK(contains(made.out, "there is no keyring: no D-Bus session"));
  CHECK(contains(made.out, "Their key comes from a passphrase."));
  CHECK_FALSE(contains(made.out, "horse"));

  auto const set = u.run_on_terminal(
      {"secret", "set", "a"},
      {{"Passphrase of the secrets (input will be hidden): ", "wrong\n"},
       {"try again.\r\nPassphrase of the secrets (input will be hidden): ", passphrase + "\n"},
       {"Enter secret value (input will be hidden): ", "xx\x15" + value + "y\x7f\n"}});
  INFO(set.out);
  CHECK(set.status == 0);
  CHECK_FALSE(contains(set.out, value));
  auto const got = u.run_on_terminal({"secret", "get", "a"}, {{"hidden): ", passphrase + "\n"}});
  CHECK(contains(got.out, value + "\r\n"));

  auto const stopped = u.run_on_terminal({"secret", "get", "a"}, {{"hidden): ", "cor\x03"}});
  CHECK(stopped.status == 130);
  auto const end = u.run_on_terminal({"secret", "get", "a"}, {{"hidden): ", "\x04"}});
  CHECK(end.status == 1);
  CHECK(contains(end.out, "failed to read user input: EOF"));

  auto const differs = u.run_on_terminal(
      {"secret", "setup", "--key", "passphrase"},
      {{"hidden): ", passphrase + "\n"}, {"hidden): ", "one thing\n"}, {"again: ", "another\n"}});
  CHECK(differs.status == 1);
  CHECK(contains(differs.out, "the two passphrases are not the same"));
  CHECK(u.run_on_terminal({"secret", "get", "a"}, {{"hidden): ", passphrase + "\n"}}).status == 0);
}

TEST_CASE("a deleted group's own secrets are kept and named, or deleted after its members",
          "[cli][secret]") {
  user u;
  set_up(u);
  u.expect_done({"run", "--name", "one", "--group", "my team", TINY_SERVER});
  set(u, "shared", "x");
  set(u, "a", "x", "my team");
  set(u, "b", "x", "my team");
  auto const names = [&] {
    std::string all;
    auto const list = u.json({"secret", "list"});
    for (auto const& s : list.as_array()) all += std::string(s.at("name").as_string()) + " ";
    return all;
  };

  SECTION("kept: the note has the command that deletes them") {
    auto const seen = u.run({"group", "delete", "my team", "--yes"});
    CHECK(seen.status == 0);
    CHECK(seen.out.empty());
    CHECK(contains(seen.err,
                   "Note: 2 secrets of group 'my team' are kept: a, b; 'thv-engine secret delete "
                   "--all --group \"my team\"' deletes them\n"));
    CHECK(names() == "shared a b ");
    CHECK(u.expect_done({"secret", "delete", "--all", "--group", "my team"}) ==
          "Deleted 2 secrets of group 'my team': a, b\n");
    CHECK(names() == "shared ");
    CHECK(u.expect_done({"secret", "delete", "--all", "--group", "my team"}) ==
          "No secrets found\n");
  }
  SECTION("kept, for programs") {
    auto const report = u.json({"group", "rm", "my team", "--yes"});
    CHECK(report.at("secrets") == boost::json::value({{"outcome", "left"}, {"names", {"a", "b"}}}));
  }
  SECTION("deleted with consent, for people") {
    auto const refused = u.run({"group", "delete", "my team", "--secrets"});
    CHECK(refused.status == 1);
    CHECK(refused.err ==
          "thv-engine: group 'my team' has 1 member, which would be deleted: one; and 2 secrets, "
          "which would be deleted: a, b\nHint: repeat the command with --yes\n");
    auto const planned = u.expect_done({"group", "delete", "my team", "--secrets", "--dry-run"});
    CHECK(contains(planned, "2 secrets of the group would be deleted too: a, b\n"));
    CHECK(names() == "shared a b ");
    auto const asked = u.run_on_terminal({"group", "delete", "my team", "--secrets"},
                                         dialogue{{"[y/N]: ", "y\n"}});
    CHECK(contains(asked.out, "The following 2 secret(s) will be DELETED: a, b"));
    CHECK(contains(asked.out, "Deleted 2 secrets of group 'my team': a, b"));
    CHECK(names() == "shared ");
  }
  SECTION("deleted, for programs") {
    auto const report = u.json({"group", "delete", "my team", "--secrets", "--yes"});
    CHECK(report.at("status") == "done");
    CHECK(report.at("secrets") ==
          boost::json::value({{"outcome", "deleted"}, {"names", {"a", "b"}}}));
    CHECK(names() == "shared ");
  }
  SECTION("a group without members asks for them too") {
    u.expect_done({"rm", "one"});
    CHECK(u.run({"group", "delete", "my team", "--secrets"}).status == 1);
    CHECK(names() == "shared a b ");
    u.expect_done({"group", "delete", "my team", "--secrets", "--yes"});
    CHECK(names() == "shared ");
  }
}

TEST_CASE("what keeps a group's secrets from being deleted keeps the group", "[cli][secret]") {
  user u;
  auto const passphrase = private_file(u, "passphrase", "a long passphrase");
  u.expect_done({"secret", "setup", "--key", "passphrase", "--passphrase-file", passphrase});
  u.expect_done({"group", "create", "team"});
  auto const set =
      run_with(u, "x", {"secret", "set", "a", "--group", "team", "--passphrase-file", passphrase});
  REQUIRE(set.status == 0);

  auto const locked = u.run({"group", "delete", "team", "--secrets", "--yes"});
  CHECK(locked.status == 1);
  CHECK(contains(locked.err, "the secrets are locked"));
  CHECK(u.expect_done({"group", "list"}) == "NAME\ndefault\nteam\n");
  // Nobody is asked for the passphrase of what is not there.
  CHECK(contains(u.run({"group", "delete", "none", "--secrets", "--yes"}).err,
                 "group 'none' does not exist"));

  u.expect_done({"group", "delete", "team", "--secrets", "--yes", "--passphrase-file", passphrase});
  auto const listed = u.expect_done({"secret", "list", "--passphrase-file", passphrase});
  CHECK(listed == "No secrets found\n");

  // While they are locked, nothing is said of what nobody can know.
  u.expect_done({"group", "create", "team"});
  auto const silent = u.run({"group", "delete", "team"});
  CHECK(silent.status == 0);
  CHECK(silent.err.empty());
}

TEST_CASE("a group that is only partly deleted keeps its secrets", "[cli][secret]") {
  user u;
  set_up(u);
  u.expect_done({"run", "--name", "one", "--group", "team", TINY_SERVER});
  set(u, "a", "x", "team");
  u.expect_done({"gateway", "stop"});
  // A runtime that does not answer cannot remove anything: its folder is a file.
  auto const runtime = u.home() / "state/thv-engine/runtimes/process";
  fs::rename(runtime, u.home() / "aside");
  u.write("state/thv-engine/runtimes/process", "no folder");
  auto const seen = u.run({"group", "delete", "team", "--secrets", "--yes"});
  INFO(seen.err);
  CHECK(seen.status != 0);
  CHECK(u.json({"secret", "list"}).as_array().size() == 1);
  fs::remove(runtime);
  fs::rename(u.home() / "aside", runtime);
  u.expect_done({"group", "delete", "team", "--secrets", "--yes"});
  CHECK(u.json({"secret", "list"}).as_array().empty());
}

TEST_CASE("a link to a vault that leads nowhere is told by every command that needs it",
          "[cli][secret]") {
  user u;
  fs::create_directories(u.home() / "state/thv-engine");
  fs::create_symlink(u.home() / "disk/vault", u.home() / "state/thv-engine/secrets");
  for (auto const& words : std::vector<std::vector<std::string>>{
           {"secret", "list"}, {"secret", "get", "a"}, {"secret", "provider"}}) {
    auto const seen = u.run(words);
    CHECK(seen.status == 1);
    CHECK(contains(seen.err, "leads to " + (u.home() / "disk/vault").string()));
    CHECK(contains(seen.err, "Hint: mount the disk that it is on"));
  }
}
