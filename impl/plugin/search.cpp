// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <string_view>
#include <system_error>

#include <thv/config/environment.hpp>
#include <thv/config/paths.hpp>
#include <thv/plugin/loader.hpp>

namespace thv::plugin {
namespace {

namespace fs = std::filesystem;

void add_unique(std::vector<fs::path>& folders, fs::path const& folder) {
  auto const normal = folder.lexically_normal();
  if (std::find(folders.begin(), folders.end(), normal) == folders.end()) folders.push_back(normal);
}

void add_list(std::vector<fs::path>& folders, std::string_view list) {
  while (!list.empty()) {
    auto const end = std::min(list.find(':'), list.size());
    if (end > 0) add_unique(folders, fs::absolute(list.substr(0, end)));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

/// Beside the executable: `bin/thv-engine` and `lib/thv/plugins`, in a build tree and under any
/// prefix; THV_LIBRARY_FOLDER is the library folder that `cmake --install` uses.
void add_beside_executable(std::vector<fs::path>& folders) {
  std::error_code status;
  auto const executable = fs::read_symlink("/proc/self/exe", status);
  if (status) return;
  auto const prefix = executable.parent_path().parent_path();
  for (auto const* library : {THV_LIBRARY_FOLDER, "lib"})
    add_unique(folders, prefix / library / "thv" / "plugins");
}

void scan_folder(std::map<std::string, fs::path>& found, fs::path const& folder) {
  std::error_code status;
  for (fs::directory_iterator i(folder, status), end; !status && i != end; i.increment(status)) {
    auto const& path = i->path();
    std::error_code ignored;
    if (path.extension() == ".so" && i->is_regular_file(ignored))
      found.emplace(path.stem().string(), path);
  }
}

}  // namespace

std::vector<fs::path> plugin_search_path(std::vector<fs::path> const& first) {
  std::vector<fs::path> folders;
  for (auto const& folder : first) add_unique(folders, fs::absolute(folder));
  auto const variables = config::process_environment();
  if (auto const list = variables("THV_PLUGIN_PATH")) add_list(folders, *list);
  if (auto const home = config::home_directory(variables))
    add_unique(folders, *home / ".local" / "lib" / "thv" / "plugins");
  add_beside_executable(folders);
  return folders;
}

std::vector<found_plugin> scan_plugins(std::vector<fs::path> const& folders) {
  std::map<std::string, fs::path> found;
  for (auto const& folder : folders) scan_folder(found, folder);
  std::vector<found_plugin> plugins;
  for (auto& [name, path] : found) plugins.push_back({name, std::move(path)});
  return plugins;
}

}  // namespace thv::plugin
