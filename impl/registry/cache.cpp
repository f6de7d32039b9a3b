// SPDX-License-Identifier: Apache-2.0
#include "cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <ios>
#include <iterator>
#include <system_error>
#include <thv/json/parse.hpp>
#include <thv/json/reader.hpp>
#include <thv/registry/fetch.hpp>
#include <utility>

#include "../store/file.hpp"

namespace thv::registry {

using store::detail::write_all;

namespace {

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    return {};
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

error io_error(std::string const& what) {
  auto const reason = std::error_code(errno, std::generic_category()).message();
  return fail(errc::io, what + ": " + reason);
}

/// A file that is unlinked unless it was renamed.
struct temporary_file {
  std::string path;
  int descriptor = -1;

  ~temporary_file() {
    if (descriptor >= 0) ::close(descriptor);
    if (!path.empty()) ::unlink(path.c_str());
  }
};

}  // namespace

url_cache::url_cache(std::filesystem::path directory, std::string const& url)
    : directory_(std::move(directory)), shown_url_(without_credentials(url)) {
  if (auto const name = sha256_hex(url); !directory_.empty() && !name.empty())
    file_ = directory_ / (name.substr(0, 32) + ".registry");
}

std::optional<cached_copy> url_cache::read() const {
  if (file_.empty()) return std::nullopt;
  std::ifstream stream(file_, std::ios::binary);
  std::string head;
  if (!std::getline(stream, head)) return std::nullopt;
  cached_copy copy;
  try {
    copy.body.assign(std::istreambuf_iterator<char>(stream), {});
  } catch (std::ios_base::failure const&) {  // thrown by the buffer on a read error
    return std::nullopt;
  }
  auto const value = json::parse(head, file_.native());
  if (!value) return std::nullopt;
  json::reader const r(*value, file_.native());
  std::int64_t bytes = -1;
  std::string url;
  if (!r.read("etag", copy.etag) || !r.read("bytes", bytes) || !r.read("url", url) ||
      url != shown_url_ || bytes != static_cast<std::int64_t>(copy.body.size()))
    return std::nullopt;
  struct stat status {};
  if (::stat(file_.c_str(), &status) != 0) return std::nullopt;
  copy.confirmed = std::chrono::system_clock::from_time_t(status.st_mtime);
  return copy;
}

result<void> url_cache::write(std::string const& etag, std::string const& body) const {
  if (file_.empty()) return {};
  std::error_code ec;
  if (std::filesystem::create_directories(directory_, ec))
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all, ec);
  temporary_file temporary;
  temporary.path = (directory_ / ".registry-XXXXXX").native();
  temporary.descriptor = ::mkostemp(temporary.path.data(), O_CLOEXEC);
  if (temporary.descriptor < 0) {
    temporary.path.clear();
    return io_error("cannot write to " + directory_.native());
  }
  auto const head = boost::json::serialize(boost::json::object{
      {"url", shown_url_}, {"etag", etag}, {"bytes", static_cast<std::int64_t>(body.size())}});
  if (!write_all(temporary.descriptor, head + "\n") || !write_all(temporary.descriptor, body) ||
      ::fsync(temporary.descriptor) != 0 || ::rename(temporary.path.c_str(), file_.c_str()) != 0)
    return io_error("cannot write " + file_.native());
  temporary.path.clear();
  return {};
}

void url_cache::touch() const {
  if (!file_.empty()) ::utimensat(AT_FDCWD, file_.c_str(), nullptr, 0);
}

std::string describe_age(std::chrono::system_clock::duration age) {
  auto const seconds =
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(age).count());
  auto const say = [](std::int64_t n, std::string_view unit) {
    return fmt::format("{} {}{} ago", n, unit, n == 1 ? "" : "s");
  };
  if (seconds < 60) return say(seconds, "second");
  if (seconds < 3600) return say(seconds / 60, "minute");
  if (seconds < 86400) return say(seconds / 3600, "hour");
  return say(seconds / 86400, "day");
}

}  // namespace thv::registry
