// SPDX-License-Identifier: Apache-2.0
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include <thv/config/paths.hpp>

namespace thv::config {
namespace {

namespace fs = std::filesystem;

/// The XDG folder, or nullopt where unset or relative.
std::optional<fs::path> xdg(environment const& variables, char const* name) {
  auto const value = variables(name);
  if (!value || !fs::path(*value).is_absolute()) return std::nullopt;
  return fs::path(*value);
}

/// One of our folders: our own variable, the XDG variable, or `standard` under home.
result<fs::path> folder(environment const& variables, char const* ours, char const* theirs,
                        char const* standard) {
  if (ours) {
    if (auto const value = variables(ours)) {
      if (fs::path(*value).is_absolute()) return fs::path(*value);
      return fail(errc::invalid_argument, "'" + *value + "' is no absolute path",
                  std::string("give ") + ours + " a path that starts with '/'", ours);
    }
  }
  if (auto const base = xdg(variables, theirs)) return *base / "thv-engine";
  THV_TRY(auto home, home_directory(variables));
  return home / standard / "thv-engine";
}

result<void> make_one(fs::path const& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) return {};
  int const number = errno;
  std::error_code ignored;
  if (number == EEXIST && fs::is_directory(folder, ignored)) return {};
  bool const denied = number == EACCES || number == EPERM;
  auto const hint = denied || number == EROFS
                        ? "make the folder above it writable for this user, or choose another one"
                    : number == ENOTDIR || number == EEXIST
                        ? "a file or link is in the way: move it away"
                        : "";
  return fail(denied ? errc::permission_denied : errc::io,
              "cannot make the folder: " + std::generic_category().message(number), hint,
              folder.string());
}

}  // namespace

result<fs::path> home_directory(environment const& variables) {
  if (auto const home = xdg(variables, "HOME")) return *home;
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16384);
  if (::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found &&
      found->pw_dir && fs::path(found->pw_dir).is_absolute())
    return fs::path(found->pw_dir);
  return fail(errc::not_found, "this user has no home folder", "set HOME to an absolute path");
}

result<paths> user_paths(environment const& variables) {
  THV_TRY(auto config, folder(variables, nullptr, "XDG_CONFIG_HOME", ".config"));
  THV_TRY(auto state, folder(variables, "THV_STATE_DIR", "XDG_STATE_HOME", ".local/state"));
  THV_TRY(auto cache, folder(variables, "THV_CACHE_DIR", "XDG_CACHE_HOME", ".cache"));
  return paths{std::move(config), std::move(state), std::move(cache)};
}

result<void> make_private_directory(fs::path const& folder) {
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) return {};
  auto const parent = folder.parent_path();
  if (!parent.empty() && parent != folder) THV_CHECK(make_private_directory(parent));
  return make_one(folder);
}

}  // namespace thv::config
