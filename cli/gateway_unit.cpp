// SPDX-License-Identifier: Apache-2.0
#include "gateway_unit.hpp"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "gateway_start.hpp"

namespace thv::cli {

namespace fs = std::filesystem;

namespace {

constexpr char const* unit_name = "thv-engine-gateway.service";

/// As systemd reads a word of a command line: quoted, `%` and `$` doubled.
std::string unit_word(std::string const& text) {
  std::string out = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
    if (c == '%' || c == '$') out += c;
  }
  return out + "\"";
}

/// As systemd reads an assignment, in which `$` means nothing.
std::string unit_assignment(std::string const& text) {
  std::string out = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
    if (c == '%') out += c;
  }
  return out + "\"";
}

/// Runs `systemctl --user ARGUMENTS…` and returns its status; -1: there is no such program.
int systemctl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"systemctl", "--user", "--no-ask-password"});
  std::vector<char*> argv;
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  for (int const fd : {0, 1, 2})
    posix_spawn_file_actions_addopen(&files, fd, "/dev/null", fd == 0 ? O_RDONLY : O_WRONLY, 0);
  pid_t pid = -1;
  int const problem = posix_spawnp(&pid, "systemctl", &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (problem != 0) return -1;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Does a systemd of this user answer?
bool has_user_systemd() {
  return systemctl({"show-environment"}) == 0;
}

std::string read_file(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

result<std::map<std::string, std::string>> unit_environment(session& s) {
  THV_TRY(auto const* where, s.paths());
  std::map<std::string, std::string> variables;
  std::vector<std::string> ours;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    ours.emplace_back(*entry);
  for (auto const& line : gateway_environment(ours)) {
    auto const equals = line.find('=');
    auto const name = line.substr(0, equals);
    // What systemd sets itself, or what is of this session only.
    if (name.starts_with("XDG_RUNTIME") || name.starts_with("XDG_SESSION") ||
        name.starts_with("XDG_SEAT") || name.starts_with("XDG_VTNR") || name == "HOME" ||
        name == "USER" || name == "LOGNAME" || equals == line.npos)
      continue;
    variables[name] = line.substr(equals + 1);
  }
  variables["THV_STATE_DIR"] = where->state.string();
  return variables;
}

/// For its user alone: a proxy's variable may hold a password.
result<void> write_unit(fs::path const& path, std::string const& text) {
  int const made = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  bool const mine = made >= 0 && ::fchmod(made, 0600) == 0;
  if (made >= 0) ::close(made);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (mine) file << text;
  file.close();
  if (mine && file) return {};
  return fail(errc::io, "the unit cannot be written", {}, path.string());
}

std::string state_line(fs::path const& state) {
  return fmt::format("Environment={}\n", unit_assignment("THV_STATE_DIR=" + state.string()));
}

}  // namespace

result<std::string> program_path() {
  std::string text(PATH_MAX, '\0');
  auto const size = ::readlink("/proc/self/exe", text.data(), text.size());
  if (size <= 0) return fail(errc::io, "this program's own file cannot be found");
  text.resize(static_cast<std::size_t>(size));
  constexpr std::string_view gone = " (deleted)";
  if (text.ends_with(gone)) text.resize(text.size() - gone.size());
  return text;
}

result<fs::path> unit_path() {
  auto const variables = config::process_environment();
  if (auto const base = variables("XDG_CONFIG_HOME"); base && fs::path(*base).is_absolute())
    return fs::path(*base) / "systemd/user" / unit_name;
  THV_TRY(auto const home, config::home_directory(variables));
  return home / ".config/systemd/user" / unit_name;
}

std::string unit_text(std::vector<std::string> const& command,
                      std::map<std::string, std::string> const& environment) {
  std::string text =
      "# Written by 'thv-engine gateway enable'; 'thv-engine gateway disable' removes it.\n"
      "[Unit]\n"
      "Description=thv-engine gateway: MCP servers of all groups\n"
      "\n"
      "[Service]\n"
      "ExecStart=";
  std::vector<std::string> words;
  for (auto const& word : command) words.push_back(unit_word(word));
  text += fmt::format("{}\n", fmt::join(words, " "));
  for (auto const& [name, value] : environment)
    text += fmt::format("Environment={}\n", unit_assignment(name + "=" + value));
  return text +
         "KillMode=process\n"
         "Restart=on-failure\n"
         "RestartSec=1\n"
         "\n"
         "[Install]\n"
         "WantedBy=default.target\n";
}

result<bool> enable_unit(session& s) {
  THV_TRY(auto const path, unit_path());
  THV_TRY(auto const program, program_path());
  THV_TRY(auto const environment, unit_environment(s));
  std::vector<std::string> command{program};
  if (s.options().config)
    command.insert(command.end(), {"--config", fs::absolute(*s.options().config).string()});
  for (auto const& folder : s.options().plugin_folders)
    command.insert(command.end(), {"--plugin-dir", fs::absolute(folder).string()});
  command.insert(command.end(), {"gateway", "run", "--background"});
  THV_CHECK(config::make_private_directory(path.parent_path()));
  THV_CHECK(write_unit(path, unit_text(command, environment)));
  if (!has_user_systemd()) return false;
  THV_TRY(auto const* where, s.paths());
  // One that a command started makes room for the one that systemd looks after.
  THV_TRY(auto const g, look_at_gateway(s));
  gateway::held_state held;
  if (g.running()) {
    THV_TRY(held, gateway::control_client(g.socket).hand_over(within(std::chrono::seconds(5))));
    THV_CHECK(wait_until_gateway_ended(s));
  }
  THV_CHECK(gateway::control_files(where->state).mark_stopped(false));
  if (systemctl({"daemon-reload"}) != 0 || systemctl({"enable", "--now", unit_name}) != 0)
    return fail(errc::engine, fmt::format("systemd did not start {}", unit_name),
                fmt::format("systemctl --user status {}", unit_name), path.string());
  THV_TRY(auto const running, start_gateway(s));
  THV_CHECK(
      gateway::control_client(running.socket).take_over(within(std::chrono::seconds(5)), held));
  return true;
}

result<bool> disable_unit(session&) {
  THV_TRY(auto const path, unit_path());
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return false;
  bool const told = has_user_systemd();
  if (told) (void)systemctl({"disable", "--now", unit_name});
  if (!fs::remove(path, ignored)) return fail(errc::io, "cannot be removed", {}, path.string());
  if (told) (void)systemctl({"daemon-reload"});
  return true;
}

result<bool> start_unit(session& s) {
  THV_TRY(auto const path, unit_path());
  THV_TRY(auto const* where, s.paths());
  if (read_file(path).find(state_line(where->state)) == std::string::npos) return false;
  if (!has_user_systemd() || systemctl({"is-enabled", "--quiet", unit_name}) != 0) return false;
  return systemctl({"start", unit_name}) == 0;
}

}  // namespace thv::cli
