// SPDX-License-Identifier: Apache-2.0
#include <thv/gateway/control_files.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <thv/config/paths.hpp>
#include <thv/json/reader.hpp>
#include <thv/store/keyed_hash.hpp>

#include "../store/file.hpp"

namespace thv::gateway {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

result<gateway_facts> facts_from(std::string const& text) {
  json::error_code problem;
  auto const value = json::parse(text, problem);
  if (problem) return fail(errc::corrupt, "no JSON");
  gateway_facts f;
  thv::json::reader const r(value, "gateway.json");
  THV_CHECK(r.expect_object());
  THV_CHECK(r.read("version", f.version));
  THV_CHECK(r.read("program", f.program));
  THV_CHECK(r.read("store", f.store));
  THV_CHECK(r.read("pid", f.process.pid));
  THV_CHECK(r.read("start_time", f.process.start_time));
  THV_CHECK(r.read("boot_id", f.process.boot_id));
  THV_CHECK(r.read("socket", f.socket));
  THV_CHECK(r.read("host", f.host));
  THV_CHECK(r.read("port", f.port));
  THV_CHECK(r.read("wanted_port", f.wanted_port));
  return f;
}

bool is_private_folder(fs::path const& folder) {
  struct stat found {};
  return ::stat(folder.c_str(), &found) == 0 && S_ISDIR(found.st_mode) &&
         found.st_uid == ::geteuid() && (found.st_mode & 0077) == 0;
}

/// A lock of an open file, which the kernel releases with it, and which can be looked at without
/// being taken.
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

bool fits(fs::path const& socket) {
  return socket.native().size() < sizeof(sockaddr_un{}.sun_path);
}

}  // namespace

std::optional<gateway_facts> control_files::read_facts() const {
  auto const text = store::detail::read_small_file(folder_ / "gateway.json");
  if (!text) return std::nullopt;
  auto facts = facts_from(*text);
  if (!facts) return std::nullopt;
  return *std::move(facts);
}

result<void> control_files::write_facts(gateway_facts const& f) const {
  json::object const body{{"version", f.version},
                          {"program", f.program},
                          {"store", f.store},
                          {"pid", f.process.pid},
                          {"start_time", f.process.start_time},
                          {"boot_id", f.process.boot_id},
                          {"socket", f.socket},
                          {"host", f.host},
                          {"port", f.port},
                          {"wanted_port", f.wanted_port}};
  return store::detail::write_private_file(folder_ / "gateway.json", json::serialize(body) + "\n");
}

bool control_files::stopped_by_user() const {
  std::error_code ignored;
  return fs::exists(folder_ / "gateway.stopped", ignored);
}

result<void> control_files::mark_stopped(bool stopped) const {
  auto const mark = folder_ / "gateway.stopped";
  THV_CHECK(config::make_private_directory(folder_));
  if (stopped) return store::detail::write_private_file(mark, "");
  if (::unlink(mark.c_str()) != 0 && errno != ENOENT)
    return store::detail::file_error("cannot remove", mark, errno);
  return {};
}

result<std::shared_ptr<void>> control_files::try_lock() const {
  auto const path = lock_file();
  THV_CHECK(config::make_private_directory(folder_));
  auto held = std::make_shared<store::detail::descriptor>(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!*held) return store::detail::file_error("cannot open", path, errno);
  auto lock = whole_file();
  if (::fcntl(held->get(), F_OFD_SETLK, &lock) == 0) return std::shared_ptr<void>(held);
  if (errno == EAGAIN || errno == EACCES) return std::shared_ptr<void>();
  return store::detail::file_error("cannot lock", path, errno);
}

bool control_files::is_locked() const {
  store::detail::descriptor const file(
      ::open((lock_file()).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  auto lock = whole_file();
  return file && ::fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

result<std::string> control_files::choose_socket(config::environment const& variables) const {
  if (auto const runtime = variables("XDG_RUNTIME_DIR");
      runtime && fs::path(*runtime).is_absolute() && is_private_folder(*runtime)) {
    auto const folder = fs::path(*runtime) / "thv-engine";
    auto const name =
        fmt::format("gateway-{}.sock", store::keyed_hash("", folder_.native()).substr(0, 16));
    if (fits(folder / name) && config::make_private_directory(folder))
      return (folder / name).string();
  }
  auto const beside = folder_ / "gateway.sock";
  THV_CHECK(config::make_private_directory(folder_));
  if (fits(beside)) return beside.string();
  return fail(errc::invalid_argument,
              fmt::format("'{}' is too long for the path of a socket", beside.string()),
              "set XDG_RUNTIME_DIR to a folder of this user with mode 0700, or THV_STATE_DIR to a "
              "shorter path");
}

std::string file_identity(fs::path const& path) {
  struct statx found {};
  if (::statx(AT_FDCWD, path.c_str(), 0, STATX_INO | STATX_BTIME, &found) != 0) return {};
  return fmt::format("{}:{}:{}:{}.{}", found.stx_dev_major, found.stx_dev_minor, found.stx_ino,
                     found.stx_btime.tv_sec, found.stx_btime.tv_nsec);
}

std::string base_url(std::string const& host, std::uint16_t port) {
  if (host.empty() || host == "0.0.0.0" || host == "localhost")
    return fmt::format("http://127.0.0.1:{}", port);
  if (host == "::") return fmt::format("http://[::1]:{}", port);
  return host.find(':') == host.npos ? fmt::format("http://{}:{}", host, port)
                                     : fmt::format("http://[{}]:{}", host, port);
}

}  // namespace thv::gateway
