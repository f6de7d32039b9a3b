// SPDX-License-Identifier: Apache-2.0
#include <thv/clients/client_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <optional>
#include <sstream>

#include "client_file_io.hpp"

namespace thv::clients {

namespace fs = std::filesystem;
using file_io::descriptor;
using std::chrono::steady_clock;

namespace {

// The lock is one on the file's folder: nothing is left lying there, it is the same whatever the
// environment says, and it is there before the file is.
result<descriptor> open_folder(fs::path const& folder) {
  descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return file_io::failure("cannot open the folder", folder, errno);
  return fd;
}

bool is_still(fs::path const& folder, int fd) {
  struct stat by_path {};
  struct stat by_fd {};
  return ::stat(folder.c_str(), &by_path) == 0 && ::fstat(fd, &by_fd) == 0 &&
         by_path.st_dev == by_fd.st_dev && by_path.st_ino == by_fd.st_ino;
}

// Who has the lock, as the kernel's table of locks tells it.
std::string holder_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return "another process";
  auto const wanted = fmt::format(":{}", status.st_ino);
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

// Sleeps until `pause` or the deadline is over or a stop is requested.
void sleep(plugin::call const& c, steady_clock::duration pause) {
  auto const left = c.deadline - steady_clock::now();
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, c.stop, std::min(pause, left), [] { return false; });
}

error waited_too_long(fs::path const& path, int fd) {
  return fail(errc::timeout,
              fmt::format("{} has {} locked", holder_of(fd), path.parent_path().string()),
              "wait until that is done, then repeat the command");
}

enum class lock_state { taken, busy, gone };

result<lock_state> try_lock(fs::path const& folder, int fd) {
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return lock_state::busy;
    // A network file system that cannot: what is left is to look before writing.
    if (errno == EBADF || errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS) break;
    return file_io::failure("cannot lock the folder", folder, errno);
  }
  return is_still(folder, fd) ? lock_state::taken : lock_state::gone;
}

}  // namespace

struct client_file::state {
  fs::path given;              // as the user names it
  fs::path real;               // behind all links
  descriptor lock;             // of its folder
  std::vector<fs::path> made;  // folders that were missing
  std::optional<file_io::content> content;
  std::string const nothing;

  ~state() { drop_folders(); }

  // A folder that we have made and nobody has used would look like an installed client.
  void drop_folders() {
    for (; !made.empty(); made.pop_back()) ::rmdir(made.back().c_str());
  }

  [[nodiscard]] fs::path temporary() const {
    return real.parent_path() / fmt::format(".{}.thv-new", real.filename().string());
  }

  result<void> take_lock(plugin::call const& c);
  [[nodiscard]] error somebody_changed() const {
    return fail(errc::conflict, fmt::format("somebody has just changed {}", given.string()),
                "repeat the command");
  }

  result<void> expect_unchanged() const;
  result<void> may_replace() const;
  result<void> keep_backup() const;
  result<void> put_in_place(fs::path const& file, bool is_private);
};

result<void> client_file::state::take_lock(plugin::call const& c) {
  using namespace std::chrono_literals;
  steady_clock::duration pause = 1ms;
  for (;;) {
    THV_CHECK(file_io::make_folders(real.parent_path(), made));
    auto folder = open_folder(real.parent_path());
    if (!folder && !fs::exists(real.parent_path())) continue;  // somebody has just dropped it
    if (!folder) return std::move(folder).error();
    THV_TRY(auto const state, try_lock(real.parent_path(), folder->get()));
    if (state == lock_state::taken) {
      lock = *std::move(folder);
      return {};
    }
    if (state == lock_state::gone) continue;
    if (c.stop.stop_requested())
      return fail(errc::cancelled, fmt::format("stopped waiting for {}", real.string()));
    if (steady_clock::now() >= c.deadline) return waited_too_long(real, folder->get());
    sleep(c, pause);
    pause = std::min<steady_clock::duration>(pause * 2, 20ms);
  }
}

result<client_file> client_file::open(plugin::call const& c, fs::path const& path) {
  auto s = std::make_unique<state>();
  s->given = fs::absolute(path);
  THV_TRY(s->real, file_io::follow_links(s->given));
  THV_CHECK(s->take_lock(c));
  ::unlink(s->temporary().c_str());  // of a command that was killed
  THV_TRY(s->content, file_io::read(s->real));
  return client_file(std::move(s));
}

result<std::string> client_file::read(fs::path const& path) {
  THV_TRY(auto const found, file_io::read(path));
  return found ? found->text : std::string();
}

client_file::client_file(std::unique_ptr<state> s) : state_(std::move(s)) {}
client_file::client_file(client_file&&) noexcept = default;
client_file& client_file::operator=(client_file&&) noexcept = default;
client_file::~client_file() = default;

std::string const& client_file::text() const {
  return state_->content ? state_->content->text : state_->nothing;
}

bool client_file::existed() const {
  return state_->content.has_value();
}

result<void> client_file::state::expect_unchanged() const {
  THV_TRY(auto const now, file_io::read(real));
  auto const same = now.has_value() == content.has_value() && (!now || now->text == content->text);
  if (same) return {};
  return somebody_changed();
}

// Replacing a file takes only rights on its folder, but who takes away the right to write to a
// file means it.
result<void> client_file::state::may_replace() const {
  if (!content) return {};
  auto const refused = ::faccessat(AT_FDCWD, real.c_str(), W_OK, AT_EACCESS) != 0 &&
                       (errno == EACCES || errno == EPERM || errno == EROFS);
  if (!refused && (content->status.st_mode & 0222) != 0) return {};
  return fail(errc::permission_denied, fmt::format("{} is read-only", given.string()),
              real == given ? fmt::format("make it writable: chmod u+w {}", given.string())
                            : fmt::format("it is {}, which another program may keep; change it "
                                          "there",
                                          real.string()));
}

// The file itself, under a second name that outlives its replacement. Where the file system has no
// such names, or the link that was followed led to another one: a copy.
result<void> client_file::state::keep_backup() const {
  auto backup = given;
  backup += ".thv-backup";
  struct stat status {};
  if (!content || ::lstat(backup.c_str(), &status) == 0) return {};
  if (::link(real.c_str(), backup.c_str()) == 0 || errno == EEXIST) return {};
  auto const half = backup.parent_path() / fmt::format(".{}.new", backup.filename().string());
  ::unlink(half.c_str());
  THV_CHECK(file_io::write_new(half, content->text));
  auto const kept = file_io::rename_to_free(half, backup);
  if (kept) return {};
  ::unlink(half.c_str());
  if (kept.error().code == errc::already_exists) return {};
  return kept.error();
}

result<void> client_file::state::put_in_place(fs::path const& file, bool is_private) {
  if (content) THV_CHECK(file_io::resemble(file, real, content->status, is_private));
  THV_CHECK(expect_unchanged());
  if (!content) {
    auto const done = file_io::rename_to_free(file, real);
    if (!done && done.error().code == errc::already_exists) return somebody_changed();
    return done;
  }
  if (::rename(file.c_str(), real.c_str()) != 0)
    return file_io::failure("cannot replace", real, errno);
  return {};
}

result<void> client_file::write(std::string_view text, bool is_private, bool keep_backup) {
  auto& s = *state_;
  THV_CHECK(s.may_replace());
  if (keep_backup) THV_CHECK(s.keep_backup());
  auto const file = s.temporary();
  THV_CHECK(file_io::write_new(file, text));
  if (auto const placed = s.put_in_place(file, is_private); !placed) {
    ::unlink(file.c_str());
    return placed.error();
  }
  s.made.clear();
  s.content.emplace();
  s.content->text = text;
  if (::stat(s.real.c_str(), &s.content->status) != 0)
    return file_io::failure("cannot read", s.real, errno);
  return {};
}

result<void> client_file::erase() {
  auto& s = *state_;
  THV_CHECK(s.may_replace());
  THV_CHECK(s.expect_unchanged());
  if (::unlink(s.real.c_str()) != 0 && errno != ENOENT)
    return file_io::failure("cannot remove", s.real, errno);
  s.content.reset();
  return {};
}

}  // namespace thv::clients
