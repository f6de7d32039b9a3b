// SPDX-License-Identifier: Apache-2.0
#include <remote/files.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <thread>

namespace thv::remote {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view extension = ".json";

error system_failure(int number, std::string what) {
  auto const code = number == EACCES || number == EPERM ? errc::permission_denied : errc::io;
  return fail(code, std::move(what) + ": " + std::generic_category().message(number));
}

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 200 && id.front() != '.' &&
         id.find('/') == std::string_view::npos && id.find('\0') == std::string_view::npos;
}

error unknown(std::string const& id) {
  return fail(errc::not_found, "no remote server instance '" + id + "'");
}

/// Writes all of the text to a new file and makes it durable. 0 or an errno value.
int write_new(std::string const& path, std::string_view text) {
  int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  int problem = 0;
  while (!text.empty() && problem == 0) {
    auto const written = ::write(fd, text.data(), text.size());
    if (written >= 0)
      text.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      problem = errno;
  }
  if (problem == 0 && ::fsync(fd) != 0) problem = errno;
  ::close(fd);
  return problem;
}

void make_durable(std::string const& directory) {
  int const fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

result<change_lock> change_lock::take(plugin::call const& c, std::string const& path) {
  int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return system_failure(errno, "cannot open '" + path + "'");
  change_lock lock(fd);
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return system_failure(errno, "cannot lock '" + path + "'");
    if (c.stop.stop_requested()) return fail(errc::cancelled, "cancelled");
    if (std::chrono::steady_clock::now() >= c.deadline)
      return fail(errc::timeout, "another process is changing the remote servers for too long");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return lock;
}

change_lock::change_lock(change_lock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

change_lock::~change_lock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

result<change_lock> record_folder::lock(plugin::call const& c) const {
  return change_lock::take(c, directory_ + "/lock");
}

std::string record_folder::path(std::string const& id) const {
  return directory_ + "/" + id + std::string(extension);
}

result<std::vector<std::string>> record_folder::ids() const {
  std::vector<std::string> found;
  std::error_code failure;
  for (fs::directory_iterator entry(directory_, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    auto const name = entry->path().filename().string();
    if (name.ends_with(extension)) found.push_back(name.substr(0, name.size() - extension.size()));
  }
  if (failure) return system_failure(failure.value(), "cannot read '" + directory_ + "'");
  std::sort(found.begin(), found.end());
  return found;
}

result<record> record_folder::load(std::string const& id) const {
  if (!is_id(id)) return unknown(id);
  errno = 0;
  std::ifstream file(path(id), std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return unknown(id);
    return system_failure(errno, "cannot read '" + path(id) + "'");
  }
  std::string const text{std::istreambuf_iterator<char>(file), {}};
  auto parsed = parse_record(text);
  if (!parsed) parsed.error().where = path(id);
  if (parsed && parsed->id != id)
    return fail(errc::corrupt, "the record is that of another instance", {}, path(id));
  return parsed;
}

result<void> record_folder::save(record const& r) const {
  auto const final_path = path(r.id);
  auto const new_path = final_path + ".new";
  int problem = write_new(new_path, to_json(r));
  if (problem == 0 && ::rename(new_path.c_str(), final_path.c_str()) != 0) problem = errno;
  if (problem != 0) {
    ::unlink(new_path.c_str());
    return system_failure(problem, "cannot write '" + final_path + "'");
  }
  make_durable(directory_);
  return {};
}

result<void> record_folder::erase(std::string const& id) const {
  if (!is_id(id)) return {};
  if (::unlink(path(id).c_str()) != 0 && errno != ENOENT)
    return system_failure(errno, "cannot remove '" + path(id) + "'");
  make_durable(directory_);
  return {};
}

}  // namespace thv::remote
