// SPDX-License-Identifier: Apache-2.0
#include "file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "../store/lock.hpp"
#include "client_file_io.hpp"

namespace thv::clients {

namespace fs = std::filesystem;
using file_io::descriptor;
using std::chrono::steady_clock;

// A locked folder, for all files of it that this process holds.
struct file_lock::folder {
  descriptor fd;
  std::pair<dev_t, ino_t> key;
  std::vector<fs::path> made;  // the folders that were missing

  folder(descriptor d, std::pair<dev_t, ino_t> k, std::vector<fs::path> m)
      : fd(std::move(d)), key(k), made(std::move(m)) {}
  folder(folder const&) = delete;
  folder& operator=(folder const&) = delete;

  // A folder that we have made and nobody has used would look like an installed client.
  ~folder() {
    auto const length = [](fs::path const& path) { return path.native().size(); };
    std::sort(made.begin(), made.end(),
              [&](auto const& a, auto const& b) { return length(a) < length(b); });
    for (; !made.empty(); made.pop_back()) ::rmdir(made.back().c_str());
  }
};

namespace {

using folder_key = std::pair<dev_t, ino_t>;

std::optional<folder_key> key_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return std::nullopt;
  return folder_key(status.st_dev, status.st_ino);
}

std::optional<folder_key> key_of(fs::path const& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return std::nullopt;
  return folder_key(status.st_dev, status.st_ino);
}

// Who has the lock, as the kernel's table of locks tells it.
std::string holder_of(fs::path const& folder) {
  auto const key = key_of(folder);
  if (!key) return "another process";
  auto const wanted = fmt::format(":{}", key->second);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream fields(line);
    std::string number, type, advisory, access, pid, inode;
    fields >> number >> type >> advisory >> access >> pid >> inode;
    if (type != "FLOCK" || !inode.ends_with(wanted)) continue;
    std::ifstream comm("/proc/" + pid + "/comm");
    std::string name;
    std::getline(comm, name);
    return name.empty() ? "process " + pid : fmt::format("process {} ({})", pid, name);
  }
  return "another process";
}

// False while somebody has it, and for a folder that is not there any more.
result<bool> lock_folder(fs::path const& folder, int fd) {
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return false;
    // A network file system that cannot: what is left is to look before writing.
    if (errno == EBADF || errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS) break;
    return file_io::failure("cannot lock the folder", folder, errno);
  }
  return key_of(folder) == key_of(fd);
}

error held_already(fs::path const& file) {
  return fail(errc::conflict, fmt::format("{} stands for two clients", file.string()),
              "give each client a file of its own, instead of links to one");
}

}  // namespace

// What this process holds: the lock of a folder does not exclude another of the same process.
struct file_lock::held_locks {
  std::mutex mutex;
  std::map<folder_key, std::weak_ptr<folder>> folders;
  std::map<std::pair<folder_key, fs::path>, std::thread::id> files;  // by folder and name
};

file_lock::held_locks& file_lock::held() {
  static held_locks all;
  return all;
}

// Null while somebody has it.
result<std::shared_ptr<file_lock::folder>> file_lock::try_take(fs::path const& file,
                                                               std::vector<fs::path>& made) {
  std::shared_ptr<folder> none;
  auto const path = file.parent_path();
  THV_CHECK(file_io::make_folders(path, made));
  std::scoped_lock const guard(held().mutex);
  auto& [mutex, folders, files] = held();
  auto const key = key_of(path);
  if (!key) return none;  // somebody has just dropped it
  auto const name = std::pair(*key, file.filename());
  if (auto const other = files.find(name); other != files.end()) {
    if (other->second == std::this_thread::get_id()) return held_already(file);
    return none;
  }
  if (auto shared = folders[*key].lock()) {
    shared->made.insert(shared->made.end(), made.begin(), made.end());
    files.emplace(name, std::this_thread::get_id());
    return shared;
  }
  descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return none;
  if (!fd) return file_io::failure("cannot open the folder", path, errno);
  THV_TRY(auto const taken, lock_folder(path, fd.get()));
  if (!taken || key_of(fd.get()) != key) return none;
  auto lock = std::make_shared<folder>(std::move(fd), *key, std::exchange(made, {}));
  std::erase_if(folders, [](auto const& one) { return one.second.expired(); });
  folders[*key] = lock;
  files.emplace(name, std::this_thread::get_id());
  return lock;
}

result<file_lock> file_lock::take(plugin::call const& c, fs::path const& file) {
  using namespace std::chrono_literals;
  steady_clock::duration pause = 1ms;
  std::vector<fs::path> made;
  for (;;) {
    THV_TRY(auto lock, try_take(file, made));
    if (lock) return file_lock(std::move(lock), file);
    if (c.stop.stop_requested())
      return fail(errc::cancelled, fmt::format("stopped waiting for {}", file.string()));
    if (steady_clock::now() >= c.deadline)
      return fail(errc::timeout,
                  fmt::format("{} has {} locked", holder_of(file.parent_path()),
                              file.parent_path().string()),
                  "wait until that is done, then repeat the command");
    store::detail::sleep(c, pause);
    pause = std::min<steady_clock::duration>(pause * 2, 20ms);
  }
}

std::vector<fs::path> file_lock::made() const {
  std::scoped_lock const guard(held().mutex);
  return folder_->made;
}

void file_lock::drop_if_empty(std::vector<fs::path> const& folders) {
  std::scoped_lock const guard(held().mutex);
  auto const path = file_.parent_path().native() + '/';
  for (auto const& one : folders)
    if (path.starts_with(one.native() + '/')) folder_->made.push_back(one);
}

file_lock& file_lock::operator=(file_lock&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(file_, other.file_);
  return *this;
}

file_lock::~file_lock() {
  if (!folder_) return;
  std::scoped_lock const guard(held().mutex);
  held().files.erase({folder_->key, file_.filename()});
  folder_.reset();
}

}  // namespace thv::clients
