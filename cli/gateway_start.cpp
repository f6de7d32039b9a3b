// SPDX-License-Identifier: Apache-2.0
#include "gateway_start.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include <thv/store/process_identity.hpp>
#include <thv/version.hpp>

#include "gateway_unit.hpp"

namespace thv::cli {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds start_time = 15s;

std::vector<std::string> own_environment() {
  std::vector<std::string> lines;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    lines.emplace_back(*entry);
  return lines;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

result<void> check(int number, std::string const& what) {
  if (number == 0) return {};
  return fail(errc::io, fmt::format("{}: {}", what, std::strerror(number)));
}

/// A process of its own session, with nothing of ours open but the log.
result<pid_t> spawn(std::vector<std::string> arguments, std::vector<std::string> environment,
                    std::string const& log) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  posix_spawn_file_actions_addclosefrom_np(&files, 3);
  posix_spawn_file_actions_addchdir_np(&files, "/");
  sigset_t signals;
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  auto argv = pointers(arguments);
  auto envp = pointers(environment);
  pid_t pid = -1;
  int const problem =
      posix_spawn(&pid, arguments.front().c_str(), &files, &attributes, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  THV_CHECK(check(problem, fmt::format("the gateway could not be started ({})", arguments[0])));
  return pid;
}

std::uintmax_t size_of(fs::path const& file) {
  std::error_code ignored;
  auto const size = fs::file_size(file, ignored);
  return ignored ? 0 : size;
}

/// The last line that the gateway wrote after `from`: why it did not begin.
std::string last_words(fs::path const& log, std::uintmax_t from) {
  std::ifstream file(log, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(from));
  std::string last;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && !line.starts_with("Hint:")) last = line;
  constexpr std::string_view prefix = "thv-engine: ";
  return last.starts_with(prefix) ? last.substr(prefix.size()) : last;
}

/// Waits until the gateway of this state folder answers. `child`: which one was started, 0: systemd
/// starts it.
result<gateway_view> wait_until_it_answers(session& s, gateway::control_files const& files,
                                           pid_t child, std::uintmax_t log_size) {
  auto const end = std::chrono::steady_clock::now() + start_time;
  for (auto pause = 2ms; std::chrono::steady_clock::now() < end;
       pause = std::min(pause * 2, std::chrono::milliseconds(50))) {
    THV_TRY(auto g, look_at_gateway(s));
    if (g.running()) return g;
    int status = 0;
    bool const ended = child > 0 && ::waitpid(child, &status, WNOHANG) == child;
    if (ended && !files.is_locked()) {
      auto e = fail(errc::exited, "the gateway ended before it served",
                    "'thv-engine logs --gateway' shows its log");
      e.engine_message = last_words(files.log(), log_size);
      return e;
    }
    if (ended) child = 0;  // another command was first
    std::this_thread::sleep_for(pause);
  }
  return fail(errc::timeout, "the gateway did not answer in time",
              files.is_locked() ? "'thv-engine gateway stop' ends it whatever it does"
                                : "'thv-engine logs --gateway' shows its log");
}

result<std::vector<std::string>> command_line(session& s) {
  THV_TRY(auto const program, program_path());
  std::vector<std::string> arguments{program};
  std::error_code ignored;
  auto const add = [&](char const* flag, std::string const& path) {
    arguments.insert(arguments.end(), {flag, fs::absolute(path, ignored).string()});
  };
  if (s.options().config) add("--config", *s.options().config);
  for (auto const& folder : s.options().plugin_folders) add("--plugin-dir", folder);
  arguments.insert(arguments.end(), {"gateway", "run", "--background"});
  return arguments;
}

result<gateway_view> launch(session& s, gateway::control_files const& files) {
  auto const log_size = size_of(files.log());
  THV_TRY(auto const by_systemd, start_unit(s));
  if (by_systemd) return wait_until_it_answers(s, files, 0, log_size);
  THV_TRY(auto arguments, command_line(s));
  THV_TRY(auto const* where, s.paths());
  THV_CHECK(config::make_private_directory(where->state));
  THV_TRY(auto const child, spawn(std::move(arguments), gateway_environment(own_environment()),
                                  files.log().string()));
  return wait_until_it_answers(s, files, child, log_size);
}

result<void> wait_until_it_ended(gateway::control_files const& files,
                                 std::chrono::milliseconds time = start_time) {
  auto const end = std::chrono::steady_clock::now() + time;
  while (files.is_locked()) {
    if (std::chrono::steady_clock::now() > end)
      return fail(errc::timeout, "the gateway did not end in time",
                  "'thv-engine gateway stop' ends it whatever it does");
    std::this_thread::sleep_for(10ms);
  }
  return {};
}

bool is_older(std::string const& theirs) {
  auto const numbers = [](std::string const& text) {
    std::array<int, 3> n{};
    (void)std::sscanf(text.c_str(), "%d.%d.%d", &n[0], &n[1], &n[2]);
    return n;
  };
  return numbers(theirs) < numbers(version());
}

/// Its database was damaged and set aside: what it knows is not the state any more.
bool has_other_state(gateway::control_files const& files,
                     std::optional<gateway::gateway_facts> const& facts) {
  return facts && facts->store != gateway::file_identity(files.database());
}

/// The running gateway ends, a new one of this program takes its place and its secrets.
result<gateway_view> replace(session& s, gateway::control_files const& files,
                             gateway_view const& running) {
  gateway::control_client const before(running.socket);
  THV_TRY(auto const held, before.hand_over(within(5s)));
  THV_CHECK(wait_until_it_ended(files));
  THV_TRY(auto g, launch(s, files));
  THV_CHECK(gateway::control_client(g.socket).take_over(within(5s), held));
  return g;
}

result<gateway_view> start(session& s, gateway::control_files const& files, gateway_view g,
                           bool replaces) {
  if (replaces) return replace(s, files, g);
  if (g.running()) return g;
  return launch(s, files);
}

}  // namespace

std::vector<std::string> gateway_environment(std::vector<std::string> const& ours) {
  static constexpr std::array names{"PATH",
                                    "HOME",
                                    "LANG",
                                    "LANGUAGE",
                                    "TZ",
                                    "USER",
                                    "LOGNAME",
                                    "TMPDIR",
                                    "SSL_CERT_DIR",
                                    "SSL_CERT_FILE",
                                    "AWS_CA_BUNDLE",
                                    "CURL_CA_BUNDLE",
                                    "DBUS_SESSION_BUS_ADDRESS",
                                    "GIT_SSL_CAINFO",
                                    "PIP_CERT",
                                    "NODE_EXTRA_CA_CERTS",
                                    "REQUESTS_CA_BUNDLE"};
  static constexpr std::array proxies{"http_proxy", "https_proxy", "ftp_proxy", "all_proxy",
                                      "no_proxy"};
  auto const is_wanted = [&](std::string const& name) {
    if (name.starts_with("THV_SECRET_")) return false;
    for (auto const* prefix : {"THV_", "XDG_", "LC_", "DOCKER_"})
      if (name.starts_with(prefix)) return true;
    if (std::find(names.begin(), names.end(), name) != names.end()) return true;
    std::string lower(name);
    for (auto& c : lower) c = thv::detail::to_lower(c);
    return std::find(proxies.begin(), proxies.end(), lower) != proxies.end();
  };
  std::vector<std::string> kept;
  for (auto const& line : ours)
    if (is_wanted(line.substr(0, line.find('=')))) kept.push_back(line);
  return kept;
}

result<gateway_view> start_gateway(session& s) {
  THV_TRY(auto const* where, s.paths());
  gateway::control_files const files(where->state);
  THV_CHECK(files.mark_stopped(false));
  THV_TRY(auto g, look_at_gateway(s));
  auto const facts = files.read_facts();
  bool const other =
      g.running() && facts && facts->program != gateway::file_identity("/proc/self/exe");
  bool const replaces = g.running() && (other || has_other_state(files, facts));
  return start(s, files, std::move(g), replaces);
}

result<bool> stop_gateway(session& s) {
  THV_TRY(auto const* where, s.paths());
  gateway::control_files const files(where->state);
  THV_CHECK(files.mark_stopped(true));
  auto const facts = files.read_facts();
  if (!facts || !files.is_locked()) return false;
  (void)gateway::control_client(facts->socket).stop(within(5s));
  if (auto ended = wait_until_it_ended(files, 5s); ended) return true;
  // It hangs. Members do not mind.
  if (store::is_alive(facts->process)) ::kill(static_cast<pid_t>(facts->process.pid), SIGKILL);
  THV_CHECK(wait_until_it_ended(files, 5s));
  return true;
}

result<void> wait_until_gateway_ended(session& s) {
  THV_TRY(auto const* where, s.paths());
  return wait_until_it_ended(gateway::control_files(where->state));
}

result<gateway_view> settle_gateway(session& s) {
  THV_TRY(auto const* where, s.paths());
  gateway::control_files const files(where->state);
  THV_TRY(auto g, look_at_gateway(s));
  THV_TRY(auto const records, s.workloads());
  bool const needed = std::any_of(records.begin(), records.end(), [](auto const& r) {
    return r.phase == store::phase::present && r.wanted_running;
  });
  if (g.is == gateway_view::state::stopped || (!needed && !g.running())) return g;
  bool const replaces = g.running() && (is_older(g.status.identity.version) ||
                                        has_other_state(files, files.read_facts()));
  THV_TRY(g, start(s, files, std::move(g), replaces));
  THV_TRY(auto const secrets, known_secrets(s));
  gateway::control_client const client(g.socket);
  // Asked for by this command before there was a gateway to keep it.
  THV_TRY(auto* access, s.secrets());
  if (auto const key = access->key_in_hand(); key && !client.key(within(1s)))
    THV_CHECK(client.give_key(within(5s), *key));
  auto const told =
      secrets.empty() ? client.refresh(within(5s)) : client.give_secrets(within(5s), secrets);
  if (!told) return told.error();
  return g;
}

}  // namespace thv::cli
