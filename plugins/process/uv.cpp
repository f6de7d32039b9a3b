// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <process/command.hpp>
#include <process/package.hpp>
#include <process/posix.hpp>
#include <process/uv.hpp>
#include <sstream>
#include <system_error>

namespace thv::process {

namespace fs = std::filesystem;

std::string normalized_name(std::string_view package) {
  std::string name;
  for (auto const c : package) {
    bool const separator = c == '-' || c == '_' || c == '.';
    if (!separator)
      name += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  return name;
}

result<std::string> choose_script(std::vector<std::string> const& scripts,
                                  std::string const& package) {
  std::string names;
  for (auto const& script : scripts) {
    if (normalized_name(script) == normalized_name(package)) return script;
    names += (names.empty() ? "" : ", ") + script;
  }
  if (scripts.size() == 1) return scripts.front();
  if (scripts.empty())
    return fail(errc::invalid_argument, "the package '" + package + "' holds no program",
                "it is a library: name a package that uvx can run");
  return fail(errc::invalid_argument, "the package '" + package + "' holds several programs (" +
                                          names + ") and none has its name");
}

std::string installed_version(std::string_view tool_list, std::string const& package) {
  std::istringstream lines{std::string(tool_list)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, version;
    if (words >> name >> version && normalized_name(name) == normalized_name(package) &&
        version.starts_with('v'))
      return version.substr(1);
  }
  return {};
}

/// Runs a step of making our own uv; an error carries the step's last words.
static result<void> run_step(plugin::call const& c, install_context const& context,
                             std::string const& program, std::vector<std::string> arguments,
                             error failure) {
  auto const done = run_command(
      c, {program, std::move(arguments), to_lines(context.environment), context.cache_directory},
      {});
  if (!done) return done.error();
  if (done->status == 0) return {};
  failure.engine_message = last_lines(done->output, 6);
  return failure;
}

/// Debian's pip installs nothing outside a virtual environment: we make one that holds uv alone.
static result<std::string> make_uv(plugin::call const& c, install_context const& context) {
  auto const folder = context.cache_directory + "/uv";
  auto const program = folder + "/bin/uv";
  auto const lock = file_lock::take(c, context.cache_directory + "/uv.lock",
                                    "waiting for another command that installs uv");
  if (!lock) return lock.error();
  if (exists(program)) return program;
  std::string const hint =
      "install uv, or python3 and python3-venv (Debian: apt-get install python3-venv), or set `uv` "
      "in the runtime's table of the configuration";
  auto const python = find_program({}, "python3", context.path_variable());
  if (python.empty())
    return fail(errc::unavailable,
                "neither 'uv' nor 'python3' is in PATH; uvx:// packages are installed with uv",
                hint);
  if (c.progress) c.progress("installing uv for uvx:// packages");
  std::error_code ignored;
  fs::remove_all(folder, ignored);
  auto made = run_step(c, context, python, {"-m", "venv", folder},
                       fail(errc::unavailable, "cannot make a Python environment for uv", hint));
  if (made)
    made = run_step(c, context, folder + "/bin/python3",
                    {"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"},
                    fail(errc::unavailable, "pip cannot install uv", hint));
  if (made && exists(program)) return program;
  fs::remove_all(folder, ignored);
  if (!made) return std::move(made).error();
  return fail(errc::unavailable, "pip installed no uv program", hint);
}

static std::vector<std::string> file_names(std::string const& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (auto entry = fs::directory_iterator(folder, failure);
       !failure && entry != fs::directory_iterator(); entry.increment(failure))
    names.push_back(entry->path().filename());
  return names;
}

result<installed_package> install_pypi(plugin::call const& c, install_context const& context,
                                       source const& s, std::string const& folder) {
  auto uv = find_program(context.settings.uv, "uv", context.path_variable());
  if (uv.empty()) {
    auto made = make_uv(c, context);
    if (!made) return std::move(made).error();
    uv = *made;
  }
  auto variables = context.environment;
  variables["UV_TOOL_DIR"] = folder + "/tools";
  variables["UV_TOOL_BIN_DIR"] = folder + "/bin";
  variables["UV_NO_PROGRESS"] = "1";
  auto const wanted =
      s.version.empty() || s.version == "latest" ? s.package : s.package + "==" + s.version;
  auto const done =
      run_command(c, {uv, {"tool", "install", "--force", wanted}, to_lines(variables), folder},
                  [&](std::string_view line) {
                    if (c.progress) c.progress("uv: " + last_lines(line, 1));
                  });
  if (!done) return done.error();
  if (done->status != 0) {
    if (done->output.find("No executables are provided") != std::string::npos)
      return choose_script({}, s.package).error();
    return install_failure(s, "uv", done->output);
  }
  auto const script = choose_script(file_names(folder + "/bin"), s.package);
  if (!script) return script.error();
  auto const listed = run_command(c, {uv, {"tool", "list"}, to_lines(variables), folder}, {});
  if (!listed) return listed.error();
  return installed_package{
      installed_version(listed->output, s.package), "bin/" + *script, false, {}};
}

}  // namespace thv::process
