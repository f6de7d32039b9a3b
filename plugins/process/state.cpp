// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <process/state.hpp>
#include <system_error>

namespace thv::process {

namespace fs = std::filesystem;

bool is_id(std::string_view text) {
  return !text.empty() && text.size() < 200 && text != "." && text != ".." &&
         text.find('/') == std::string_view::npos && text.find('\0') == std::string_view::npos;
}

static error unknown_instance(std::string const& id) {
  return fail(errc::not_found, "no local process instance '" + id + "'");
}

std::vector<std::string> state::ids() const {
  std::vector<std::string> found;
  std::error_code failure;
  for (auto entry = fs::directory_iterator(directory_, failure);
       !failure && entry != fs::directory_iterator(); entry.increment(failure))
    if (exists(entry->path().string() + "/record.json"))
      found.push_back(entry->path().filename().string());
  std::sort(found.begin(), found.end());
  return found;
}

result<record> state::load(std::string const& id) const {
  if (!is_id(id)) return unknown_instance(id);
  auto const path = folder(id) + "/record.json";
  auto text = read_file(path, 16u << 20);
  if (!text && text.error().code == errc::not_found) return unknown_instance(id);
  if (!text) return std::move(text).error();
  auto parsed = parse_record(*text);
  if (!parsed) parsed.error().where = path;
  return parsed;
}

/// Wakes whoever watches: a change of the folder's own times is an inotify event (IN_ATTRIB).
static void touch(std::string const& directory) {
  ::utimensat(AT_FDCWD, directory.c_str(), nullptr, 0);
}

result<void> state::save(record const& r) const {
  if (auto made = make_directory(folder(r.id)); !made) return made;
  auto written = write_file(folder(r.id) + "/record.json", to_json(r));
  if (written) touch(directory_);
  return written;
}

result<void> state::erase(std::string const& id) const {
  if (!is_id(id)) return {};
  auto const path = folder(id) + "/record.json";
  if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR)
    return system_failure(errno, "cannot remove '" + path + "'");
  // Whoever is attached makes and takes away its mark in there meanwhile, and `remove_all` gives up
  // when something that it has seen is gone.
  std::error_code failure;
  for (int tries = 0; tries < 1000; ++tries) {
    fs::remove_all(folder(id), failure);
    if (failure != std::errc::no_such_file_or_directory &&
        failure != std::errc::directory_not_empty)
      break;
  }
  touch(directory_);
  if (failure) return system_failure(failure.value(), "cannot remove '" + folder(id) + "'");
  return {};
}

result<file_lock> state::lock(plugin::call const& c, std::string const& id) const {
  if (!is_id(id) || !exists(folder(id) + "/record.json")) return unknown_instance(id);
  auto taken = file_lock::take(c, folder(id) + "/lock");
  if (!taken) {
    if (taken.error().code == errc::not_found) return unknown_instance(id);
    return taken;
  }
  if (!taken->still_linked()) return unknown_instance(id);
  return taken;
}

bool state::is_locked(std::string const& id) const {
  auto const path = folder(id) + "/lock";
  if (!exists(path)) return false;
  auto const taken = file_lock::try_take(path);
  return taken && !taken->has_value();
}

result<file_lock> state::lock_names(plugin::call const& c) const {
  return file_lock::take(c, directory_ + "/names.lock");
}

}  // namespace thv::process
