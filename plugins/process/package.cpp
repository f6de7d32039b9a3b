// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <process/command.hpp>
#include <process/package.hpp>
#include <process/posix.hpp>
#include <system_error>

namespace thv::process {

namespace fs = std::filesystem;
namespace json = boost::json;

static constexpr char mark_name[] = "/installed.json";

std::string install_context::path_variable() const {
  auto const found = environment.find("PATH");
  return found == environment.end() ? std::string("/usr/local/bin:/usr/bin:/bin") : found->second;
}

/// Letters and digits, and of `extra` what may also begin the text and what may only follow.
static bool is_word(std::string_view text, std::string_view first_extra,
                    std::string_view later_extra) {
  auto const is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  if (text.empty()) return false;
  if (!is_plain(text.front()) && first_extra.find(text.front()) == std::string_view::npos)
    return false;
  return std::all_of(text.begin() + 1, text.end(), [&](char c) {
    return is_plain(c) || later_extra.find(c) != std::string_view::npos;
  });
}

static bool is_npm_name(std::string_view name) {
  if (name.starts_with('@')) {
    auto const slash = name.find('/');
    if (slash == std::string_view::npos || !is_word(name.substr(1, slash - 1), "~_", "._~-"))
      return false;
    name.remove_prefix(slash + 1);
  }
  return is_word(name, "~_", "._~-");
}

static bool is_pypi_name(std::string_view name) {
  return is_word(name, "", "._-") && is_word(name.substr(name.size() - 1), "", "");
}

result<void> check_package(source const& s) {
  bool const is_npm = s.kind == source_kind::npm;
  if (s.package.size() > 214 || !(is_npm ? is_npm_name(s.package) : is_pypi_name(s.package)))
    return fail(errc::invalid_argument, "'" + s.package + "' is no name of a package",
                is_npm ? "write npx://name, npx://@scope/name or npx://name@version"
                       : "write uvx://name or uvx://name@version",
                s.text);
  if (!s.version.empty() && (s.version.size() > 100 || !is_word(s.version, "", "._+-")))
    return fail(errc::invalid_argument, "'" + s.version + "' is no version of a package",
                "write an exact version, such as 1.2.3, or leave it out for the newest", s.text);
  return {};
}

std::string package_folder(install_context const& context, source const& s) {
  auto name = s.package;
  for (auto& c : name)
    if (c == '/') c = '+';
  return context.cache_directory + (s.kind == source_kind::npm ? "/npm/" : "/pypi/") + name + "@" +
         (s.version.empty() ? "latest" : s.version);
}

static std::optional<installed_package> read_mark(std::string const& folder) try {
  auto const text = read_file(folder + mark_name);
  if (!text) return std::nullopt;
  auto const value = json::parse(*text);
  installed_package package;
  package.version = value.at("version").as_string().c_str();
  package.program = folder + "/" + value.at("program").as_string().c_str();
  package.with_node = value.at("with_node").as_bool();
  for (auto const& option : value.at("node_options").as_array())
    package.node_options.emplace_back(option.as_string());
  if (!exists(package.program)) return std::nullopt;
  return package;
} catch (std::exception const&) {
  return std::nullopt;  // not ours or damaged: install it again
}

result<void> mark_installed(std::string const& folder, installed_package const& package) {
  json::object const object{
      {"version", package.version},
      {"program", package.program},
      {"with_node", package.with_node},
      {"node_options", json::array(package.node_options.begin(), package.node_options.end())}};
  return write_file(folder + mark_name, json::serialize(object));
}

std::optional<installed_package> find_installed(install_context const& context, source const& s) {
  return read_mark(package_folder(context, s));
}

/// Makes the folder `link` another name of `target`, which lies beside it.
static void make_alias(std::string const& link, std::string const& target) {
  std::error_code ignored;
  if (fs::is_symlink(fs::symlink_status(link, ignored))) fs::remove(link, ignored);
  fs::create_directory_symlink(fs::path(target).filename(), link, ignored);
}

/// Installs into the final folder: a package of Python holds its own absolute path. The mark is
/// written last, so that a folder without one is a failed attempt, and is emptied first.
static result<installed_package> install_into(plugin::call const& c, install_context const& context,
                                              source const& s, std::string const& folder) {
  std::error_code failure;
  fs::remove_all(folder, failure);
  if (failure) return system_failure(failure.value(), "cannot empty '" + folder + "'");
  if (auto made = make_directory(folder); !made) return std::move(made).error();
  auto const installer = s.kind == source_kind::npm ? install_npm : install_pypi;
  auto package = installer(c, context, s, folder);
  if (package)
    if (auto marked = mark_installed(folder, *package); !marked) package = marked.error();
  if (!package) fs::remove_all(folder, failure);
  return package;
}

result<installed_package> install_package(plugin::call const& c, install_context const& context,
                                          source const& s) {
  if (auto checked = check_package(s); !checked) return std::move(checked).error();
  if (auto found = find_installed(context, s)) return *std::move(found);
  auto const folder = package_folder(context, s);
  if (auto made = make_directory(fs::path(folder).parent_path()); !made)
    return std::move(made).error();
  auto const lock_path = folder.substr(0, folder.rfind('@')) + ".lock";
  auto const lock = file_lock::take(
      c, lock_path, "waiting for another command that installs '" + s.package + "'");
  if (!lock) return lock.error();
  if (auto found = find_installed(context, s)) return *std::move(found);
  if (c.progress) c.progress("installing " + s.text);
  auto package = install_into(c, context, s, folder);
  if (!package) return package;
  // The version that the newest turned out to be is another name of the same folder.
  auto exact = s;
  exact.version = package->version;
  if (s.version != package->version && !find_installed(context, exact))
    make_alias(package_folder(context, exact), folder);
  if (c.progress) c.progress("installed " + s.package + "@" + package->version);
  if (auto found = find_installed(context, s)) return *std::move(found);
  return fail(errc::io, "'" + s.text + "' was installed but cannot be read in '" + folder + "'");
}

error install_failure(source const& s, std::string const& installer, std::string_view output) {
  auto const has = [&](std::string_view word) {
    return output.find(word) != std::string_view::npos;
  };
  auto failure = fail(errc::engine, installer + " cannot install '" + s.text + "'");
  if (has("E404") || has("ETARGET") || has("No solution found") || has("was not found"))
    failure.code = errc::not_found;
  if (has("ENOTFOUND") || has("EAI_AGAIN") || has("ECONNREFUSED") || has("ETIMEDOUT") ||
      has("ECONNRESET") || has("dns error") || has("error sending request")) {
    failure.code = errc::unavailable;
    failure.hint = "check the network, and HTTPS_PROXY if there is a proxy";
  }
  if (has("ENOSPC") || has("No space left")) failure.code = errc::io;
  failure.engine_message = last_lines(output, 6);
  return failure;
}

}  // namespace thv::process
