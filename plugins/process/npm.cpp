// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <process/command.hpp>
#include <process/npm.hpp>
#include <process/package.hpp>
#include <process/posix.hpp>
#include <set>
#include <sstream>

namespace thv::process {

namespace json = boost::json;

static std::string clean_path(std::string path) {
  return path.starts_with("./") ? path.substr(2) : path;
}

result<npm_package> parse_package_json(std::string_view text, std::string const& package) try {
  auto const value = json::parse(json::string_view(text.data(), text.size()));
  npm_package parsed;
  if (auto const* version = value.as_object().if_contains("version"))
    parsed.version = version->as_string().c_str();
  auto const* bin = value.as_object().if_contains("bin");
  if (bin != nullptr && bin->is_string()) {
    parsed.program = clean_path(bin->as_string().c_str());
    return parsed;
  }
  if (bin == nullptr || !bin->is_object() || bin->get_object().empty())
    return fail(errc::invalid_argument, "the package '" + package + "' holds no program",
                "it is a library: name a package that npx can run");
  auto const short_name = package.substr(package.find('/') + 1);
  std::string names;
  std::set<std::string> files;
  for (auto const& item : bin->get_object()) {
    auto const file = clean_path(item.value().as_string().c_str());
    if (item.key() == short_name) parsed.program = file;
    files.insert(file);
    names += (names.empty() ? "" : ", ") + std::string(item.key());
  }
  if (parsed.program.empty() && files.size() == 1) parsed.program = *files.begin();
  if (parsed.program.empty())
    return fail(errc::invalid_argument, "the package '" + package + "' holds several programs (" +
                                            names + ") and none has its name");
  return parsed;
} catch (std::exception const& e) {
  return fail(errc::corrupt, "package.json of '" + package + "' cannot be read: " + e.what());
}

script_line parse_script_line(std::string_view first_line) {
  script_line parsed;
  if (!first_line.starts_with("#!")) {
    parsed.is_node = true;
    return parsed;
  }
  std::istringstream words{std::string(first_line.substr(2))};
  for (std::string word; words >> word;) {
    if (parsed.is_node) {
      parsed.options.push_back(word);
      continue;
    }
    auto const name = word.substr(word.rfind('/') + 1);
    parsed.is_node = name == "node" || name == "nodejs";
  }
  return parsed;
}

static result<command> npm_command(install_context const& context, source const& s,
                                   std::string const& folder) {
  auto const path = context.path_variable();
  auto const npm = find_program(context.settings.npm, "npm", path);
  auto const node = find_program(context.settings.node, "node", path);
  if (npm.empty() || node.empty()) {
    std::string const missing = node.empty() ? "node" : "npm";
    return fail(errc::unavailable,
                "'" + missing +
                    "' is not in PATH; npx:// packages are installed with npm and run "
                    "by node",
                "install them (Debian: apt-get install nodejs npm), or set `" + missing +
                    "` in the runtime's table of the configuration");
  }
  auto const version = s.version.empty() ? std::string("latest") : s.version;
  return command{npm,
                 {"install", "--prefix", folder, "--no-audit", "--no-fund", "--no-update-notifier",
                  "--omit=dev", s.package + "@" + version},
                 to_lines(context.environment),
                 folder};
}

result<installed_package> install_npm(plugin::call const& c, install_context const& context,
                                      source const& s, std::string const& folder) {
  auto const what = npm_command(context, s, folder);
  if (!what) return what.error();
  auto const done = run_command(c, *what, [&](std::string_view line) {
    if (c.progress) c.progress("npm: " + last_lines(line, 1));
  });
  if (!done) return done.error();
  if (done->status != 0) return install_failure(s, "npm", done->output);
  auto const inside = "node_modules/" + s.package;
  auto const text = read_file(folder + "/" + inside + "/package.json", 4u << 20);
  if (!text) return text.error();
  auto const parsed = parse_package_json(*text, s.package);
  if (!parsed) return parsed.error();
  installed_package package{parsed->version, inside + "/" + parsed->program, true, {}};
  auto const script = read_file(folder + "/" + package.program, 256u << 20);
  if (!script)
    return fail(errc::corrupt, "the package '" + s.package + "' names a program '" +
                                   parsed->program + "' that is not in it");
  auto const line = parse_script_line(std::string_view(*script).substr(0, script->find('\n')));
  package.with_node = line.is_node;
  package.node_options = line.options;
  if (!script->starts_with("#!") && script->starts_with("\x7f"
                                                        "ELF"))
    package.with_node = false;
  return package;
}

}  // namespace thv::process
